import { affine, gradnorm, linear, ones, type Parameter, parameter, sigmoid, tanh, type Variable, zeros } from "../index.ts";
import { glorot, orthonormal } from "../initialization/index.ts";
import { checkNumber } from "../support/check.ts";
import { flag, type Kinds, of, optional, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { checkLast } from "./checks.ts";
import { Recurrent } from "./recurrent.ts";
import { batched, checkParts } from "./sequence.ts";

/** What an `Lstm` is made with. */
export interface LstmOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether the gradient of the cell is rescaled at each step. */
  readonly normed?: boolean;
}

/** What is shown, and what is remembered: [..., outputs] each. */
export type LstmState = readonly [h: Variable, c: Variable];

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997) with forget gates (Gers, Schmidhuber & Cummins 2000):
 *
 *     i = σ(wi·x + ui·h + bi)          input gate
 *     f = σ(wf·x + uf·h + bf)          forget gate
 *     o = σ(wo·x + uo·h + bo)          output gate
 *     g = tanh(wc·x + uc·h + bc)       candidate
 *     c ← f ⊙ c + i ⊙ g
 *     h ← o ⊙ tanh(c)
 *
 * The state is [h, c]. The input weights w· [outputs, inputs] begin as Glorot & Bengio (2010) propose, the recurrent
 * weights u· [outputs, outputs] orthonormal (Saxe et al., arXiv:1312.6120), the forget bias bf at 1 (Gers et al.;
 * Jozefowicz et al. 2015), so that the cell begins by remembering, the other biases and the trained h0 and c0 at 0.
 * @example
 * const lstm = new Lstm({ inputs: 4, outputs: 3 });
 * lstm.unfold(randn([2, 5, 4])).shape; // [2, 5, 3]
 * const [h, c] = lstm.step(randn([2, 4])); // from the trained h0 and c0
 * lstm.step(randn([2, 4]), [h, c]).map(({ shape }) => shape); // [[2, 3], [2, 3]]
 */
export class Lstm extends Recurrent<LstmState> {
  static get options(): Kinds<LstmOptions, Lstm> { return { inputs: size, outputs: size, normed: optional(flag, false) }; }

  declare readonly inputs: number;
  declare readonly outputs: number;
  declare readonly normed: boolean;
  readonly wi: Parameter;
  readonly wf: Parameter;
  readonly wo: Parameter;
  readonly wc: Parameter;
  readonly ui: Parameter;
  readonly uf: Parameter;
  readonly uo: Parameter;
  readonly uc: Parameter;
  readonly bi: Parameter;
  readonly bf: Parameter;
  readonly bo: Parameter;
  readonly bc: Parameter;
  readonly h0: Parameter;
  readonly c0: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1 */
  constructor(options: LstmOptions) {
    super();
    const { inputs: n, outputs: m } = take(this, Lstm.options, options, arguments);
    this.wi = parameter(glorot([m, n]));
    this.wf = parameter(glorot([m, n]));
    this.wo = parameter(glorot([m, n]));
    this.wc = parameter(glorot([m, n]));
    this.ui = parameter(orthonormal([m, m]));
    this.uf = parameter(orthonormal([m, m]));
    this.uo = parameter(orthonormal([m, m]));
    this.uc = parameter(orthonormal([m, m]));
    this.bi = parameter(zeros([m]));
    this.bf = parameter(ones([m]));
    this.bo = parameter(zeros([m]));
    this.bc = parameter(zeros([m]));
    this.h0 = parameter(zeros([m]));
    this.c0 = parameter(zeros([m]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<LstmOptions> { return of(this, Lstm.options); }

  initialState(batch?: number): LstmState {
    checkArguments("initialState", arguments, 1);
    return [batched(this, this.h0, batch), batched(this, this.c0, batch)];
  }

  step(x: Variable, state?: LstmState, scale?: number): LstmState;
  step(x: Variable, state: LstmState = this.initialState(), scale = 1, more?: unknown): LstmState {
    if (more !== undefined) checkArguments("step", [x, state, scale, more], 3);
    checkNumber(this.constructor.name, "scale", scale);
    checkLast(this, "x", x, this.inputs);
    checkParts(this, state, 2, "h, c");
    const [h, before] = state;
    checkLast(this, "state[0] (h)", h, this.outputs);
    checkLast(this, "state[1] (c)", before, this.outputs);
    const i = sigmoid(affine(this.wi, x, this.bi).add(linear(this.ui, h)));
    const f = sigmoid(affine(this.wf, x, this.bf).add(linear(this.uf, h)));
    const o = sigmoid(affine(this.wo, x, this.bo).add(linear(this.uo, h)));
    const g = tanh(affine(this.wc, x, this.bc).add(linear(this.uc, h)));
    const sum = f.mul(before).add(i.mul(g));
    const c = this.normed ? gradnorm(sum, scale) : sum;
    return [o.mul(tanh(c)), c];
  }
}
