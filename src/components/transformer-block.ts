import { Component, type Variable } from "../index.ts";
import { derived, flag, type Kinds, of, optional, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { type Activation, type ActivationLike, activation } from "./activation.ts";
import { checkLast } from "./checks.ts";
import { dropped, share } from "./dropout.ts";
import { FeedForward } from "./feed-forward.ts";
import { LayerNorm } from "./layer-norm.ts";
import { MultiHeadAttention } from "./multi-head-attention.ts";
import { type Mask, maskVariable, withoutPadding } from "./sequence.ts";

/** What a `TransformerBlock` is made with. */
export interface TransformerBlockOptions {
  /** The size of a step, in and out. */
  readonly inputs: number;
  readonly heads: number;
  /** The size of the hidden layer of the network of each step; 4 · inputs unless given. */
  readonly hidden?: number;
  /** Of that hidden layer; `gelu` unless given. */
  readonly activation?: ActivationLike;
  /** With which probability the results of attention and network, and weights of attention, are dropped in training; 0 unless given. */
  readonly dropout?: number;
  /** Whether a step sees only itself and the steps before it; false unless given. */
  readonly causal?: boolean;
}

/**
 * A block of a transformer (Vaswani et al., arXiv:1706.03762) with normalisation first (Xiong et al., arXiv:2002.04745):
 * x ← x + attention(norm(x)), x ← x + network(norm(x)). It knows nothing of positions: add them to x.
 * @example
 * const block = new TransformerBlock({ inputs: 32, heads: 4, causal: true });
 * block.forward(randn([2, 3, 32]), [[1, 1, 1], [1, 0, 0]]).shape; // [2, 3, 32]
 */
export class TransformerBlock extends Component {
  static get options(): Kinds<TransformerBlockOptions, TransformerBlock> {
    return {
      inputs: size, heads: size, hidden: derived(size, ({ inputs }) => 4 * inputs),
      activation: optional(activation, "gelu"), dropout: optional(share, 0), causal: optional(flag, false),
    };
  }

  declare readonly inputs: number;
  declare readonly heads: number;
  declare readonly hidden: number;
  declare readonly activation: Activation;
  declare readonly dropout: number;
  declare readonly causal: boolean;
  readonly attentionNorm: LayerNorm;
  readonly attention: MultiHeadAttention;
  readonly networkNorm: LayerNorm;
  readonly network: FeedForward;

  /** @throws ValueError for sizes that are not integers of at least 1; ShapeError if `inputs` is no multiple of `heads` */
  constructor(options: TransformerBlockOptions) {
    super();
    const { inputs, heads, hidden, dropout } = take(this, TransformerBlock.options, options, arguments);
    this.attentionNorm = new LayerNorm({ inputs });
    this.attention = new MultiHeadAttention({ inputs, heads, dropout });
    this.networkNorm = new LayerNorm({ inputs });
    this.network = new FeedForward({ inputs, hidden: [hidden], outputs: inputs, activation: this.activation });
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<TransformerBlockOptions> { return of(this, TransformerBlock.options); }

  /**
   * @param x [..., steps, inputs]
   * @param mask [..., steps] with 0 for steps that no other sees
   * @returns [..., steps, inputs]
   * @throws ShapeError
   */
  forward(x: Variable, mask?: Mask): Variable {
    checkArguments("forward", arguments, 2);
    checkLast(this, "x", x, this.inputs);
    const found = mask === undefined ? null : maskVariable(this, mask, x.shape.slice(0, -1));
    const start = found === null ? x : withoutPadding(x, found);
    const normed = this.attentionNorm.forward(start);
    const attended = this.attention.forward(normed, normed, { causal: this.causal, ...(found === null ? {} : { mask: found }) });
    const y = start.add(dropped(attended, this.dropout));
    return y.add(dropped(this.network.forward(this.networkNorm.forward(y)), this.dropout));
  }
}
