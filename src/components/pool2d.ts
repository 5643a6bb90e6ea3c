/** Pooling: a summary of each window of an image, channel by channel. */

import { Component, maxPool2d, type Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { checkOptions, checkSizes } from "./checks.ts";
import { checkFits, checkImage, offset, type Pair } from "./window.ts";

export interface Pool2dOptions {
  /** Height and width of the window; one number for both. */
  readonly size: Pair;
  /** The distance of neighbouring windows, down and across; `size` unless given. */
  readonly stride?: Pair;
}

abstract class Pool2d extends Component {
  readonly size: readonly number[];
  readonly stride: readonly number[];

  /** @throws ValueError for sizes that are not integers of at least 1 */
  constructor(options: Pool2dOptions) {
    super();
    const { size, stride = size } = checkOptions(this, arguments, options, ["size", "stride"]);
    this.size = checkSizes(this, "size", size, 2);
    this.stride = checkSizes(this, "stride", stride, 2);
  }

  /** What the constructor takes to build such a component again. */
  get options(): Pool2dOptions { return { size: this.size as Pair, stride: this.stride as Pair }; }

  protected check(x: Variable): void {
    checkImage(this, x);
    checkFits(this, x.shape.slice(-2), this.size);
  }
}

/**
 * The largest entry of each window: [..., height, width] → [..., places down, places across].
 * @example
 * const image = arange(16).reshape([1, 4, 4]);
 * new MaxPool2d({ size: 2 }).forward(image).toArray(); // [[[5, 7], [13, 15]]]
 */
export class MaxPool2d extends Pool2d {
  /** @throws ShapeError if the image is smaller than the window */
  forward(x: Variable): Variable {
    checkArguments("forward", arguments, 1);
    this.check(x);
    return maxPool2d(x, this.size, this.stride);
  }
}

/**
 * The mean of each window: [..., height, width] → [..., places down, places across].
 * @example
 * const image = arange(16).reshape([1, 4, 4]);
 * new AveragePool2d({ size: 2 }).forward(image).toArray(); // [[[2.5, 4.5], [10.5, 12.5]]]
 */
export class AveragePool2d extends Pool2d {
  /** @throws ShapeError if the image is smaller than the window */
  forward(x: Variable): Variable {
    checkArguments("forward", arguments, 1);
    this.check(x);
    // Sums along height, then along width. Rows and columns that fill no window are left out.
    let y = x;
    for (const axis of [-2, -1]) {
      const [size, stride] = [this.size[axis + 2], this.stride[axis + 2]];
      const count = Math.floor((x.shape[x.shape.length + axis] - size) / stride) + 1;
      y = Array.from({ length: size }, (_, start) => offset(y, axis, start, stride, count)).reduce((a, b) => a.add(b));
    }
    return y.div(this.size[0] * this.size[1]);
  }
}
