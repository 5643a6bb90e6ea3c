import { affine, gradnorm, linear, ones, type Parameter, parameter, sigmoid, tanh, type Variable, zeros } from "../index.ts";
import { orthonormal } from "../initialization/index.ts";
import { checkNumber } from "../support/check.ts";
import { flag, type Kinds, of, optional, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { checkLast } from "./checks.ts";
import { Recurrent } from "./recurrent.ts";
import { batched } from "./sequence.ts";

/** What a `GatedRecurrent` is made with. */
export interface GatedRecurrentOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether the gradient of the candidate c (before its tanh) is rescaled at each step. */
  readonly normed?: boolean;
}

/**
 * A gated recurrent unit (Cho et al., arXiv:1406.1078), with the reset gate after the recurrent product:
 *
 *     r = σ(wr·x + ur·h + br)                 reset
 *     z = σ(wz·x + uz·h + bz)                 keep
 *     c = tanh(wc·x + r ⊙ (uc·h) + bc)        candidate
 *     h ← z ⊙ h + (1 − z) ⊙ c
 *
 * The state is h. The weights w· [outputs, inputs] and u· [outputs, outputs] begin orthonormal (Saxe et al.,
 * arXiv:1312.6120), br at 1 (open), the other biases and the trained h0 at 0.
 * @example
 * const rnn = new GatedRecurrent({ inputs: 4, outputs: 3 });
 * rnn.unfold(randn([2, 5, 4])).shape; // [2, 5, 3]
 * const h = rnn.step(randn([2, 4])); // from the trained h0
 * rnn.step(randn([2, 4]), h).shape; // [2, 3]
 */
export class GatedRecurrent extends Recurrent<Variable> {
  static get options(): Kinds<GatedRecurrentOptions, GatedRecurrent> { return { inputs: size, outputs: size, normed: optional(flag, false) }; }

  declare readonly inputs: number;
  declare readonly outputs: number;
  declare readonly normed: boolean;
  readonly wr: Parameter;
  readonly wz: Parameter;
  readonly wc: Parameter;
  readonly ur: Parameter;
  readonly uz: Parameter;
  readonly uc: Parameter;
  readonly br: Parameter;
  readonly bz: Parameter;
  readonly bc: Parameter;
  readonly h0: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1 */
  constructor(options: GatedRecurrentOptions) {
    super();
    const { inputs: n, outputs: m } = take(this, GatedRecurrent.options, options, arguments);
    this.wr = parameter(orthonormal([m, n]));
    this.wz = parameter(orthonormal([m, n]));
    this.wc = parameter(orthonormal([m, n]));
    this.ur = parameter(orthonormal([m, m]));
    this.uz = parameter(orthonormal([m, m]));
    this.uc = parameter(orthonormal([m, m]));
    this.br = parameter(ones([m]));
    this.bz = parameter(zeros([m]));
    this.bc = parameter(zeros([m]));
    this.h0 = parameter(zeros([m]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<GatedRecurrentOptions> { return of(this, GatedRecurrent.options); }

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
    const r = sigmoid(affine(this.wr, x, this.br).add(linear(this.ur, h)));
    const z = sigmoid(affine(this.wz, x, this.bz).add(linear(this.uz, h)));
    const sum = affine(this.wc, x, this.bc).add(r.mul(linear(this.uc, h)));
    const c = tanh(this.normed ? gradnorm(sum, scale) : sum);
    return c.add(z.mul(h.sub(c)));
  }
}
