import {
  arange, Component, greaterEqual, linear, maskedSoftmax, matmul, type Parameter, parameter, permute, reshape, ShapeError, softmax, type Variable, where,
} from "../index.ts";
import { glorot } from "../initialization/index.ts";
import { derived, type Kinds, of, optional, size, take } from "../support/option.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { checkLast } from "./checks.ts";
import { dropped, share } from "./dropout.ts";
import { type Mask, maskVariable, withoutPadding } from "./sequence.ts";

/** What a `MultiHeadAttention` is made with. */
export interface MultiHeadAttentionOptions {
  /** The size of what attends. */
  readonly inputs: number;
  /** The size of what is attended to; `inputs` unless given. */
  readonly keys?: number;
  /** The size of the result; `inputs` unless given. */
  readonly outputs?: number;
  /** The number of heads, of which each has hidden / heads numbers. */
  readonly heads: number;
  /** The size of all heads together; `inputs` unless given. */
  readonly hidden?: number;
  /** With which probability a weight is dropped in training; 0 unless given. */
  readonly dropout?: number;
}

/** Which steps see which. */
export interface AttendOptions {
  /** [..., steps] of what is attended to, with 0 for steps that get no weight. */
  readonly mask?: Mask;
  /** Whether step t sees only the steps up to t. */
  readonly causal?: boolean;
}

/** [steps, steps]: 1 where a column is not later than the row. */
function upTo(steps: number): Variable {
  const t = arange(steps);
  return greaterEqual(t.unsqueeze(-1), t);
}

/**
 * Scaled dot-product attention with several heads (Vaswani et al., arXiv:1706.03762): each head compares its own linear
 * maps q of what attends and k of what is attended to, with weights softmax(q·kᵀ / √size), and gives Σ weight · v; a last
 * linear map joins the heads.
 *
 * wq [hidden, inputs], wk and wv [hidden, keys] and wo [outputs, hidden] begin as Glorot & Bengio (2010) propose.
 * @example
 * const attention = new MultiHeadAttention({ inputs: 8, heads: 2 });
 * attention.forward(randn([10, 5, 8]), undefined, { causal: true }).shape; // [10, 5, 8]
 * const { output, weights } = attention.attend(randn([5, 8]), randn([7, 8])); // to another sequence
 * output.shape; // [5, 8]
 * weights.shape; // [2, 5, 7]
 */
export class MultiHeadAttention extends Component {
  static get options(): Kinds<MultiHeadAttentionOptions, MultiHeadAttention> {
    const likeInputs = derived(size, ({ inputs }: MultiHeadAttention) => inputs);
    return { inputs: size, keys: likeInputs, outputs: likeInputs, heads: size, hidden: likeInputs, dropout: optional(share, 0) };
  }

  declare readonly inputs: number;
  declare readonly keys: number;
  declare readonly outputs: number;
  declare readonly heads: number;
  declare readonly hidden: number;
  declare readonly dropout: number;
  readonly wq: Parameter;
  readonly wk: Parameter;
  readonly wv: Parameter;
  readonly wo: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1; ShapeError if `hidden` is no multiple of `heads` */
  constructor(options: MultiHeadAttentionOptions) {
    super();
    take(this, MultiHeadAttention.options, options, arguments);
    if (this.hidden % this.heads !== 0) {
      throw new ShapeError(
        `${this.constructor.name} got hidden = ${this.hidden} for ${this.heads} heads: hidden (inputs unless given) must be a multiple of heads.`,
      );
    }
    this.wq = parameter(glorot([this.hidden, this.inputs]));
    this.wk = parameter(glorot([this.hidden, this.keys]));
    this.wv = parameter(glorot([this.hidden, this.keys]));
    this.wo = parameter(glorot([this.outputs, this.hidden]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<MultiHeadAttentionOptions> { return of(this, MultiHeadAttention.options); }

  /**
   * Attends from every step of x to every step of a memory.
   * @param x [..., steps, inputs]
   * @param memory [..., other steps, keys]; x itself unless given
   * @returns the result [..., steps, outputs], and the weights [..., heads, steps, other steps]; both are 0 for a step that sees nothing
   * @throws ShapeError
   */
  attend(x: Variable, memory: Variable = x, options: AttendOptions = {}): { output: Variable; weights: Variable } {
    checkArguments("attend", arguments, 3);
    const { mask, causal = false } = checkOptions(`${this.constructor.name}.attend`, options, ["mask", "causal"]);
    checkLast(this, "x", x, this.inputs);
    checkLast(this, "memory", memory, this.keys);
    if (x.shape.length < 2 || memory.shape.length !== x.shape.length) {
      throw new ShapeError(
        `${this.constructor.name} got x of shape [${x.shape.join(", ")}] and memory of shape [${memory.shape.join(", ")}]: ` +
          "both are sequences [..., steps, size] with the same batch axes.",
      );
    }
    const steps = memory.shape.slice(0, -1);
    const found = mask === undefined ? null : maskVariable(this, mask, steps);
    const cleaned = found === null ? memory : withoutPadding(memory, found);
    const q = this.split(linear(this.wq, memory === x ? cleaned : x).div(Math.sqrt(this.hidden / this.heads))); // [..., heads, steps, size]
    const k = this.split(linear(this.wk, cleaned), true); // [..., heads, size, steps]
    const v = this.split(linear(this.wv, cleaned));
    const scores = matmul(q, k);
    let sees = found === null ? null : found.reshape([...found.shape.slice(0, -1), 1, 1, found.shape[found.shape.length - 1]]);
    if (causal) {
      const [own, other] = [x.shape[x.shape.length - 2], steps[steps.length - 1]];
      if (own !== other) {
        throw new ShapeError(`${this.constructor.name} got ${own} steps that attend to ${other} steps with causal: true, which takes as many of both.`);
      }
      sees = sees === null ? upTo(own) : where(sees, upTo(own), 0);
    }
    const weights = sees === null ? softmax(scores) : maskedSoftmax(scores, sees);
    const heads = matmul(dropped(weights, this.dropout), v);
    return { output: linear(this.wo, this.join(heads)), weights };
  }

  /** The output of `attend`: [..., steps, outputs]. */
  forward(x: Variable, memory?: Variable, options?: AttendOptions): Variable {
    checkArguments("forward", arguments, 3);
    return this.attend(x, memory, options).output;
  }

  /** [..., steps, hidden] as [..., heads, steps, size], or with the last two exchanged. */
  private split(x: Variable, transposed = false): Variable {
    const { heads } = this;
    const batch = x.shape.slice(0, -2);
    const n = batch.length;
    const parts = reshape(x, [...batch, x.shape[n], heads, this.hidden / heads]);
    const axes = batch.map((_, axis) => axis);
    return permute(parts, transposed ? [...axes, n + 1, n + 2, n] : [...axes, n + 1, n, n + 2]);
  }

  /** The inverse of `split`. */
  private join(x: Variable): Variable {
    const batch = x.shape.slice(0, -3);
    const n = batch.length;
    return reshape(permute(x, [...batch.map((_, axis) => axis), n + 1, n, n + 2]), [...batch, x.shape[n + 1], this.hidden]);
  }
}
