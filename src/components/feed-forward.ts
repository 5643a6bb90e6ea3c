import { affine, Component, type Parameter, parameter, ValueError, type Variable, zeros } from "../index.ts";
import { glorot } from "../initialization/index.ts";
import { checkArguments } from "../support/options.ts";
import { type Activation, type ActivationLike, activationName, checkActivation } from "./activation.ts";
import { checkDropout, checkLast, checkOptions, checkSize, show } from "./checks.ts";
import { dropped } from "./dropout.ts";

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
  readonly inputs: number;
  readonly hidden: readonly number[];
  readonly outputs: number;
  readonly activation: Activation;
  readonly outputActivation: Activation;
  readonly dropout: number;
  readonly w: readonly Parameter[];
  readonly b: readonly Parameter[];

  /** @throws ValueError for sizes that are not integers of at least 1, or an activation that is not known */
  constructor(options: FeedForwardOptions) {
    super();
    checkOptions(this, arguments, options, ["inputs", "hidden", "outputs", "activation", "outputActivation", "dropout"]);
    const { hidden = [] } = options;
    if (!Array.isArray(hidden)) throw new ValueError(`${this.constructor.name} takes a list of sizes as hidden, such as [8, 8], but got ${show(hidden)}.`);
    this.inputs = checkSize(this, "inputs", options.inputs);
    this.hidden = hidden.map((size, i) => checkSize(this, `hidden[${i}]`, size));
    this.outputs = checkSize(this, "outputs", options.outputs);
    this.activation = checkActivation(this, "activation", options.activation ?? "relu");
    this.outputActivation = checkActivation(this, "outputActivation", options.outputActivation ?? "identity");
    this.dropout = checkDropout(this, "dropout", options.dropout ?? 0);
    const sizes = [this.inputs, ...this.hidden, this.outputs];
    this.w = sizes.slice(1).map((size, i) => parameter(glorot([size, sizes[i]])));
    this.b = sizes.slice(1).map((size) => parameter(zeros([size])));
  }

  /** What the constructor takes to build such a component again. */
  get options(): FeedForwardOptions {
    const { inputs, hidden, outputs, dropout } = this;
    return { inputs, hidden, outputs, activation: activationName(this.activation), outputActivation: activationName(this.outputActivation), dropout };
  }

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
