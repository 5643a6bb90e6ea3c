import { Component, matmul, type Parameter, pad, parameter, ShapeError, type Variable, zeros } from "../index.ts";
import { he } from "../initialization/index.ts";
import { checkOptions, checkSize, checkSizes } from "./checks.ts";
import { checkImage, type Pair, places, shifted } from "./window.ts";

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

/**
 * A convolution of images: at each place, an affine map of all channels in a window. (As everywhere in machine learning, the
 * kernel is not flipped.)
 *
 * w [outputs, inputs, height, width] begins normal with variance 2 / (inputs · height · width) (He et al.,
 * arXiv:1502.01852), b [outputs] at 0.
 *
 *     const conv = new Conv2d({ inputs: 1, outputs: 8, size: 3, padding: 1 });
 *     conv.forward(images);   // [..., 1, 28, 28] → [..., 8, 28, 28]
 */
export class Conv2d extends Component {
  readonly inputs: number;
  readonly outputs: number;
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly w: Parameter;
  readonly b: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1 (padding: 0) */
  constructor(options: Conv2dOptions) {
    super();
    checkOptions(this, options, ["inputs", "outputs", "size", "stride", "padding"]);
    this.inputs = checkSize(this, "inputs", options.inputs);
    this.outputs = checkSize(this, "outputs", options.outputs);
    this.size = checkSizes(this, "size", options.size, 2);
    this.stride = checkSizes(this, "stride", options.stride ?? 1, 2);
    this.padding = checkSizes(this, "padding", options.padding ?? 0, 2, 0);
    this.w = parameter(he([this.outputs, this.inputs, ...this.size]));
    this.b = parameter(zeros([this.outputs]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Conv2dOptions {
    const { inputs, outputs, size, stride, padding } = this;
    return { inputs, outputs, size: size as Pair, stride: stride as Pair, padding: padding as Pair };
  }

  /**
   * @param x [..., inputs, height, width]
   * @returns [..., outputs, places down, places across], with ⌊(height + 2 · padding − size) / stride⌋ + 1 places down
   * @throws ShapeError
   */
  forward(x: Variable): Variable {
    checkImage(this, x);
    const batch = x.shape.slice(0, -3);
    if (x.shape[batch.length] !== this.inputs) {
      throw new ShapeError(`${this.constructor.name} got x of shape [${x.shape.join(", ")}], but it must have ${this.inputs} channels: [..., ${this.inputs}, height, width].`);
    }
    const [rows, columns] = this.padding;
    const padded = pad(x, [...batch.map(() => [0, 0] as const), [0, 0], [rows, rows], [columns, columns]]);
    const down = places(this, padded, -2, this.size[0], this.stride[0]);
    const across = places(this, padded, -1, this.size[1], this.stride[1]);
    // Every window as a column: first the columns of the windows, then their rows, which are long runs by then.
    const byColumn = shifted(padded, -1, this.size[1], this.stride[1], across, -3);
    const windows = shifted(byColumn, -2, this.size[0], this.stride[0], down, -4);
    const k = this.inputs * this.size[0] * this.size[1];
    const y = matmul(this.w.reshape([this.outputs, k]), windows.reshape([...batch, k, down * across]));
    return y.add(this.b.unsqueeze(-1)).reshape([...batch, this.outputs, down, across]);
  }
}
