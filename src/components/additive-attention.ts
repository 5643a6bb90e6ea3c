import { Component, linear, maskedSoftmax, matmul, type Parameter, parameter, softmax, tanh, type Variable } from "../index.ts";
import { glorot } from "../initialization/index.ts";
import { type Kinds, of, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { checkLast } from "./checks.ts";
import { joined, type Mask, maskVariable, type Sequence, withoutPadding } from "./sequence.ts";

/** What an `AdditiveAttention` is made with. */
export interface AdditiveAttentionOptions {
  /** The size of a query, such as a decoder's state. */
  readonly queries: number;
  /** The size of a key: what is attended to, such as an encoder's results. */
  readonly keys: number;
  /** The size in which the two are compared. */
  readonly hidden: number;
}

/** What is attended to, prepared once for any number of queries. */
export interface AttentionMemory {
  /** [..., steps, keys] */
  readonly keys: Variable;
  /** u·keys: [..., steps, hidden] */
  readonly projected: Variable;
  readonly mask: Variable | null;
}

/**
 * Attention by a small network (Bahdanau, Cho & Bengio, arXiv:1409.0473): eₜ = v·tanh(w·query + u·keyₜ), weights softmax(e),
 * and the context Σ weightₜ · keyₜ. w [hidden, queries], u [hidden, keys] and v [hidden] begin as Glorot & Bengio (2010) propose.
 * @example
 * const attention = new AdditiveAttention({ queries: 4, keys: 6, hidden: 5 });
 * const memory = attention.memory(randn([3, 6])); // once: three steps to attend to
 * const { context, weights } = attention.attend(randn([4]), memory); // for each query
 * context.shape; // [6]
 * weights.sum().item(); // 1.000
 */
export class AdditiveAttention extends Component {
  static get options(): Kinds<AdditiveAttentionOptions, AdditiveAttention> { return { queries: size, keys: size, hidden: size }; }

  declare readonly queries: number;
  declare readonly keys: number;
  declare readonly hidden: number;
  readonly w: Parameter;
  readonly u: Parameter;
  readonly v: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1 */
  constructor(options: AdditiveAttentionOptions) {
    super();
    take(this, AdditiveAttention.options, options, arguments);
    this.w = parameter(glorot([this.hidden, this.queries]));
    this.u = parameter(glorot([this.hidden, this.keys]));
    this.v = parameter(glorot([1, this.hidden]).reshape([this.hidden]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): AdditiveAttentionOptions { return of(this, AdditiveAttention.options); }

  /**
   * Prepares what will be attended to.
   * @param keys a list of Variables [..., keys], or one [..., steps, keys]
   * @param mask [..., steps] with 0 for steps that get no weight
   * @throws ShapeError
   */
  memory(keys: Sequence, mask?: Mask): AttentionMemory {
    checkArguments("memory", arguments, 2);
    const all = joined(this, "keys", keys, this.keys);
    const found = mask === undefined ? null : maskVariable(this, mask, all.shape.slice(0, -1));
    const cleaned = found === null ? all : withoutPadding(all, found);
    return { keys: cleaned, projected: linear(this.u, cleaned), mask: found };
  }

  /**
   * Attends to a memory.
   * @param query [..., queries], with the batch axes of the memory
   * @returns the context [..., keys], and the weights [..., steps], which add up to 1, or are 0 where all is masked
   * @throws ShapeError
   */
  attend(query: Variable, memory: AttentionMemory): { context: Variable; weights: Variable } {
    checkArguments("attend", arguments, 2);
    const { keys, projected, mask } = memory;
    checkLast(this, "query", query, this.queries);
    const scores = matmul(tanh(linear(this.w, query).unsqueeze(-2).add(projected)), this.v);
    const weights = mask === null ? softmax(scores) : maskedSoftmax(scores, mask);
    return { context: matmul(weights.unsqueeze(-2), keys).squeeze(-2), weights };
  }
}
