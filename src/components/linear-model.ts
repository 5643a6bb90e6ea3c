/** What the linear models share. */

import { affine, Component, type Parameter, parameter, type Variable, zeros } from "../index.ts";
import { glorot } from "../initialization/index.ts";
import { type Kinds, of, optional, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { checkLast } from "./checks.ts";
import { dropped, share } from "./dropout.ts";

/** What a linear model is made with. */
export interface LinearModelOptions {
  /** The number of features of a sample. */
  readonly inputs: number;
  /** The number of targets or classes. */
  readonly outputs: number;
  /** With which probability an input is dropped in training (see `dropout`); 0 unless given. */
  readonly dropout?: number;
}

/**
 * Scores that are an affine map of the input: x·wᵀ + b.
 * w [outputs, inputs] begins as Glorot & Bengio (2010) propose, b [outputs] at 0.
 * @example
 * class PoissonRegression extends LinearModel { // y is a count, with exp(x·wᵀ + b) as its mean
 *   cost(x: Variable, y: Variable) { return exp(this.score(x)).sub(y.mul(this.score(x))).sum(); }
 * }
 * const θ = new PoissonRegression({ inputs: 5, outputs: 1 });
 * grad(() => θ.cost(randn([3, 5]), input([[0], [2], [1]])));
 * θ.score(randn([3, 5])).shape; // [3, 1]
 */
export abstract class LinearModel extends Component {
  static get options(): Kinds<LinearModelOptions, LinearModel> { return { inputs: size, outputs: size, dropout: optional(share, 0) }; }

  declare readonly inputs: number;
  declare readonly outputs: number;
  declare readonly dropout: number;
  readonly w: Parameter;
  readonly b: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1 */
  constructor(options: LinearModelOptions) {
    super();
    take(this, LinearModel.options, options, arguments);
    this.w = parameter(glorot([this.outputs, this.inputs]));
    this.b = parameter(zeros([this.outputs]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<LinearModelOptions> { return of(this, LinearModel.options); }

  /**
   * The scores of samples; the input is dropped out inside `grad`.
   * @param x [..., inputs]
   * @returns [..., outputs]
   * @throws ShapeError
   */
  score(x: Variable): Variable;
  score(x: Variable, more?: unknown, list?: unknown): Variable {
    if (more !== undefined) checkArguments("score", [x, more, list], 1);
    checkLast(this, "x", x, this.inputs);
    return affine(this.w, dropped(x, this.dropout), this.b);
  }
}
