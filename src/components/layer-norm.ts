import { Component, layerNorm, ones, type Parameter, parameter, type Variable, zeros } from "../index.ts";
import { amount, type Kinds, of, optional, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { checkLast } from "./checks.ts";

/** What a `LayerNorm` is made with. */
export interface LayerNormOptions {
  readonly inputs: number;
  /** Added to the variance, so that a constant sample does not divide by 0; 10⁻⁵ unless given. */
  readonly epsilon?: number;
}

/**
 * Layer normalisation (Ba, Kiros & Hinton, arXiv:1607.06450): each sample is shifted and scaled to mean 0 and variance 1,
 * then multiplied by a trained gain [inputs], which begins at 1, and moved by a trained bias [inputs], which begins at 0.
 * @example
 * const norm = new LayerNorm({ inputs: 2 });
 * norm.forward(input([[1, 3], [40, 20]])).toArray(); // [[-1.000, 1.000], [1.000, -1.000]]
 */
export class LayerNorm extends Component {
  static get options(): Kinds<LayerNormOptions, LayerNorm> { return { inputs: size, epsilon: optional(amount, 1e-5) }; }

  declare readonly inputs: number;
  declare readonly epsilon: number;
  readonly gain: Parameter;
  readonly bias: Parameter;

  /** @throws ValueError for a size that is not an integer of at least 1, or a negative epsilon */
  constructor(options: LayerNormOptions) {
    super();
    const { inputs } = take(this, LayerNorm.options, options, arguments);
    this.gain = parameter(ones([inputs]));
    this.bias = parameter(zeros([inputs]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<LayerNormOptions> { return of(this, LayerNorm.options); }

  /**
   * @param x [..., inputs]
   * @returns [..., inputs]
   * @throws ShapeError
   */
  forward(x: Variable): Variable {
    checkArguments("forward", arguments, 1);
    checkLast(this, "x", x, this.inputs);
    return layerNorm(x, this.gain, this.bias, this.epsilon);
  }
}
