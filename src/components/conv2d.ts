import { Component, conv2d, type Parameter, parameter, ShapeError, ValueError, type Variable, zeros } from "../index.ts";
import { he } from "../initialization/index.ts";
import { type Kind, type Kinds, of, optional, size, sizes, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { channelsLast, checkFits, checkImage, type Pair } from "./window.ts";

export interface Conv2dOptions {
  /** The number of channels of an image. */
  readonly inputs: number;
  /** The number of channels of the result. */
  readonly outputs: number;
  /** Height and width of the kernel; one number for both. */
  readonly size: Pair;
  /** The distance of neighbouring places, down and across; 1 unless given. */
  readonly stride?: Pair;
  /** How many rows (above and below) and columns (left and right) of zeros are added; 0 unless given. */
  readonly padding?: Pair;
}

/** Other libraries take the word "same" too. */
const padding: Kind<Pair, readonly number[], Conv2d> = {
  read: (given, caller, name, owner) => {
    if (typeof given !== "string") return sizes(2, 0).read(given, caller, name, owner);
    const half = owner.size.map((length) => (length - 1) / 2);
    throw new ValueError(
      `${caller} takes numbers as ${name}, but got "${given}": of images that keep their size at stride 1 it is [${half.join(", ")}], ` +
        "(size − 1) / 2 of an odd size.",
    );
  },
};

/**
 * A convolution of images: at each place, an affine map of all channels in a window. (As everywhere in machine learning, the
 * kernel is not flipped.)
 *
 * w [outputs, inputs, height, width] begins normal with variance 2 / (inputs · height · width) (He et al.,
 * arXiv:1502.01852), b [outputs] at 0.
 * @example
 * const images = randn([10, 1, 28, 28]);
 * new Conv2d({ inputs: 1, outputs: 8, size: 3, padding: 1 }).forward(images).shape; // [10, 8, 28, 28]
 * new Conv2d({ inputs: 1, outputs: 8, size: 5, stride: 2 }).forward(images).shape; // [10, 8, 12, 12]
 */
export class Conv2d extends Component {
  static get options(): Kinds<Conv2dOptions, Conv2d> {
    return { inputs: size, outputs: size, size: sizes(2), stride: optional(sizes(2), 1), padding: optional(padding, 0) };
  }

  declare readonly inputs: number;
  declare readonly outputs: number;
  declare readonly size: readonly number[];
  declare readonly stride: readonly number[];
  declare readonly padding: readonly number[];
  readonly w: Parameter;
  readonly b: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1 (padding: 0) */
  constructor(options: Conv2dOptions) {
    super();
    take(this, Conv2d.options, options, arguments);
    this.w = parameter(he([this.outputs, this.inputs, ...this.size]));
    this.b = parameter(zeros([this.outputs]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<Conv2dOptions> { return of(this, Conv2d.options); }

  /**
   * @param x [..., inputs, height, width]
   * @returns [..., outputs, places down, places across], with ⌊(height + 2 · padding − size) / stride⌋ + 1 places down
   * @throws ShapeError
   */
  forward(x: Variable): Variable {
    checkArguments("forward", arguments, 1);
    checkImage(this, x);
    if (x.shape[x.shape.length - 3] !== this.inputs) {
      throw new ShapeError(
        `${this.constructor.name} got x of shape [${x.shape.join(", ")}], but it must have ${this.inputs} channels: ` +
          `[..., ${this.inputs}, height, width].${channelsLast(x, this.inputs)}`,
      );
    }
    checkFits(this, x.shape.slice(-2).map((size, axis) => size + 2 * this.padding[axis]), this.size);
    return conv2d(x, this.w, this.b, { stride: this.stride, padding: this.padding });
  }
}
