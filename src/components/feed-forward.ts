import { affine, Component, type Parameter, parameter, type Variable, zeros } from "../index.ts";
import { glorot } from "../initialization/index.ts";
import { type Kinds, list, of, optional, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { type Activation, type ActivationLike, activation } from "./activation.ts";
import { checkLast } from "./checks.ts";
import { dropped, share } from "./dropout.ts";

/** What a `FeedForward` is made with. */
export interface FeedForwardOptions {
  readonly inputs: number;
  /** The sizes of the layers between input and output, in order; none unless given. */
  readonly hidden?: readonly number[];
  readonly outputs: number;
  /** Of the hidden layers; `relu` unless given. */
  readonly activation?: ActivationLike;
  /** Of the last layer; `identity` unless given. */
  readonly outputActivation?: ActivationLike;
  /** With which probability a hidden unit is dropped in training; 0 unless given. */
  readonly dropout?: number;
}

/**
 * A network of affine maps with activations between them, of any depth.
 * w[i] [size i + 1, size i] begin as Glorot & Bengio (2010) propose, b[i] [size i + 1] at 0.
 * @example
 * const net = new FeedForward({ inputs: 2, hidden: [8, 8], outputs: 1, activation: "tanh", outputActivation: "sigmoid" });
 * net.forward(randn([10, 2])).shape; // [10, 1]
 * net.w.map(({ shape }) => shape); // [[8, 2], [8, 8], [1, 8]]
 */
export class FeedForward extends Component {
  static get options(): Kinds<FeedForwardOptions, FeedForward> {
    return {
      inputs: size, hidden: optional(list(size, "a list of sizes", "[8, 8]"), []), outputs: size,
      activation: optional(activation, "relu"), outputActivation: optional(activation, "identity"), dropout: optional(share, 0),
    };
  }

  declare readonly inputs: number;
  declare readonly hidden: readonly number[];
  declare readonly outputs: number;
  declare readonly activation: Activation;
  declare readonly outputActivation: Activation;
  declare readonly dropout: number;
  readonly w: readonly Parameter[];
  readonly b: readonly Parameter[];

  /** @throws ValueError for sizes that are not integers of at least 1, or an activation that is not known */
  constructor(options: FeedForwardOptions) {
    super();
    const { inputs, hidden, outputs } = take(this, FeedForward.options, options, arguments);
    const sizes = [inputs, ...hidden, outputs];
    this.w = sizes.slice(1).map((m, i) => parameter(glorot([m, sizes[i]])));
    this.b = sizes.slice(1).map((m) => parameter(zeros([m])));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<FeedForwardOptions> { return of(this, FeedForward.options); }

  /** The number of layers. */
  get depth(): number { return this.w.length; }

  /**
   * @param x [..., inputs]
   * @returns [..., outputs]
   * @throws ShapeError
   */
  forward(x: Variable): Variable {
    checkArguments("forward", arguments, 1);
    checkLast(this, "x", x, this.inputs);
    let h = x;
    for (let i = 0; i < this.depth - 1; i++) h = dropped(this.activation(affine(this.w[i], h, this.b[i])), this.dropout);
    return this.outputActivation(affine(this.w[this.depth - 1], h, this.b[this.depth - 1]));
  }
}
