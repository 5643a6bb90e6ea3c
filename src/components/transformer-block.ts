import { Component, type Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { type ActivationLike, activationName, checkActivation } from "./activation.ts";
import { checkDropout, checkFlag, checkLast, checkOptions, checkSize } from "./checks.ts";
import { dropped } from "./dropout.ts";
import { FeedForward } from "./feed-forward.ts";
import { LayerNorm } from "./layer-norm.ts";
import { MultiHeadAttention } from "./multi-head-attention.ts";
import { type Mask, maskVariable, withoutPadding } from "./sequence.ts";

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
  readonly inputs: number;
  readonly heads: number;
  readonly hidden: number;
  readonly dropout: number;
  readonly causal: boolean;
  readonly attentionNorm: LayerNorm;
  readonly attention: MultiHeadAttention;
  readonly networkNorm: LayerNorm;
  readonly network: FeedForward;

  /** @throws ValueError for sizes that are not integers of at least 1; ShapeError if `inputs` is no multiple of `heads` */
  constructor(options: TransformerBlockOptions) {
    super();
    checkOptions(this, arguments, options, ["inputs", "heads", "hidden", "activation", "dropout", "causal"]);
    const inputs = checkSize(this, "inputs", options.inputs);
    this.inputs = inputs;
    this.heads = checkSize(this, "heads", options.heads);
    this.hidden = checkSize(this, "hidden", options.hidden ?? 4 * inputs);
    this.dropout = checkDropout(this, "dropout", options.dropout ?? 0);
    this.causal = checkFlag(this, "causal", options.causal ?? false);
    const activation = checkActivation(this, "activation", options.activation ?? "gelu");
    this.attentionNorm = new LayerNorm({ inputs });
    this.attention = new MultiHeadAttention({ inputs, heads: this.heads, dropout: this.dropout });
    this.networkNorm = new LayerNorm({ inputs });
    this.network = new FeedForward({ inputs, hidden: [this.hidden], outputs: inputs, activation });
  }

  /** What the constructor takes to build such a component again. */
  get options(): TransformerBlockOptions {
    const { inputs, heads, hidden, dropout, causal } = this;
    return { inputs, heads, hidden, activation: activationName(this.network.activation), dropout, causal };
  }

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
