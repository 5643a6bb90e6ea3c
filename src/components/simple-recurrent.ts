import { affine, gradnorm, linear, type Parameter, parameter, type Variable, zeros } from "../index.ts";
import { orthonormal } from "../initialization/index.ts";
import { checkNumber } from "../support/check.ts";
import { flag, type Kinds, of, optional, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { type Activation, type ActivationLike, activation } from "./activation.ts";
import { checkLast } from "./checks.ts";
import { Recurrent } from "./recurrent.ts";
import { batched } from "./sequence.ts";

/** What a `SimpleRecurrent` is made with. */
export interface SimpleRecurrentOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** `tanh` unless given. */
  readonly activation?: ActivationLike;
  /** Whether the gradient of the hidden units is rescaled at each step. */
  readonly normed?: boolean;
}

/**
 * The hidden layer of a simple recurrent network (Elman 1990): h ← f(w·x + u·h + b). The state is h.
 *
 * w [outputs, inputs] and u [outputs, outputs] begin orthonormal (Saxe et al., arXiv:1312.6120), b and the state h0 before
 * the first step, which is trained too, at 0.
 * @example
 * const rnn = new SimpleRecurrent({ inputs: 4, outputs: 3, activation: "relu" });
 * rnn.unfold(randn([2, 5, 4])).shape; // [2, 5, 3]
 * const h = rnn.step(randn([2, 4])); // from the trained h0
 * rnn.step(randn([2, 4]), h).shape; // [2, 3]
 */
export class SimpleRecurrent extends Recurrent<Variable> {
  static get options(): Kinds<SimpleRecurrentOptions, SimpleRecurrent> {
    return { inputs: size, outputs: size, activation: optional(activation, "tanh"), normed: optional(flag, false) };
  }

  declare readonly inputs: number;
  declare readonly outputs: number;
  declare readonly activation: Activation;
  declare readonly normed: boolean;
  readonly w: Parameter;
  readonly u: Parameter;
  readonly b: Parameter;
  readonly h0: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1, or an activation that is not known */
  constructor(options: SimpleRecurrentOptions) {
    super();
    const { inputs: n, outputs: m } = take(this, SimpleRecurrent.options, options, arguments);
    this.w = parameter(orthonormal([m, n]));
    this.u = parameter(orthonormal([m, m]));
    this.b = parameter(zeros([m]));
    this.h0 = parameter(zeros([m]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<SimpleRecurrentOptions> { return of(this, SimpleRecurrent.options); }

  initialState(batch?: number): Variable {
    checkArguments("initialState", arguments, 1);
    return batched(this, this.h0, batch);
  }

  step(x: Variable, h?: Variable, scale?: number): Variable;
  step(x: Variable, h: Variable = this.h0, scale = 1, more?: unknown): Variable {
    if (more !== undefined) checkArguments("step", [x, h, scale, more], 3);
    checkNumber(this.constructor.name, "scale", scale);
    checkLast(this, "x", x, this.inputs);
    checkLast(this, "state", h, this.outputs);
    const sum = affine(this.w, x, this.b).add(linear(this.u, h));
    return this.activation(this.normed ? gradnorm(sum, scale) : sum);
  }
}
