/**
 * Strips of images, of which a convolution is made. For each column of the kernel, the columns of the image that it meets are copied out; in
 * that *strip* of an image every row of the kernel meets a run of elements. So each row of the kernel is one product of matrices, and the
 * results add up: what is copied grows with the width of the kernel, not with its area.
 */

import { ProductMode, product, productParameters, writeParameters } from "../kernels/kernel.ts";
import type { Lowering } from "../plan/lowering.ts";
import type { Shape } from "../support/shape.ts";
import { type Axis, chunkOf, copyBox, forChunks, type Place, placeOf } from "./boxes.ts";

/** The places of the windows on an image: all for [height, width]. */
export interface Windows {
  /** 1: the kernel is stored [inputs, outputs, height, width] and turned by half a circle, as the gradient by the image needs it. */
  readonly turned: number;
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  /** Rows above and columns left of the image that are 0, and that the first window covers. */
  readonly margin: readonly number[];
  /** How many windows there are. */
  readonly places: readonly number[];
}

/** Rows of an image with the same number modulo the stride: they are contiguous in a strip. */
interface Phase {
  readonly start: number;
  readonly rows: number;
  /** How many rows of the kernel meet them. */
  readonly taps: number;
}

/** What is copied at once: for a column of the kernel the rows of a phase, as far as they and the columns lie on the image. */
interface Part {
  readonly column: number;
  readonly phase: number;
  readonly rows: Range;
  readonly columns: Range;
}

type Range = readonly [from: number, count: number];

/** The places along an axis that lie on the image, for those `offset` into the window. */
function inside(offset: number, step: number, size: number, count: number): Range {
  const from = Math.max(0, Math.ceil(-offset / step));
  return [from, Math.max(0, Math.min(count, Math.floor((size - 1 - offset) / step) + 1) - from)];
}

/** With fewer rows than this in each product, one for the whole kernel is faster. */
const leastDepth = 32;

/** What some samples are multiplied with: for each product where its operand begins, the step between its rows, and the step between samples. */
export interface Operands {
  readonly places: readonly Place[];
  readonly step: number;
  readonly stepOfSample: number;
}

/** What the launches of one convolution, or of its gradient by the kernel, have in common. */
export class Strips {
  /** How many windows an image has. */
  readonly area: number;
  /** How long the sums are that each product makes. */
  readonly depth: number;
  private readonly phases: readonly Phase[];
  /** The elements of a strip, and the strips of an image: one for each channel and column of the kernel. */
  private readonly length: number;
  private readonly strips: number;
  /** Is one product made of all rows of the kernel? */
  private readonly joined: boolean;
  /** Are the strips the image itself? */
  private readonly isImage: boolean;
  private readonly chunk: number;
  /** Nanoseconds, roughly. */
  private readonly work: number;

  constructor(
    private readonly lowering: Lowering, private readonly node: number, private readonly image: Shape, private readonly outputs: number,
    private readonly windows: Windows,
  ) {
    const [samples, channels, height, width] = image;
    const { kernel: [kernelHeight, kernelWidth], stride: [down, across], margin: [top, left], places: [tall, wide] } = windows;
    let length = 0;
    this.phases = Array.from({ length: Math.min(down, kernelHeight) }, (_, phase) => {
      const taps = Math.ceil((kernelHeight - phase) / down);
      const start = length;
      length += (tall + taps - 1) * wide;
      return { start, rows: tall + taps - 1, taps };
    });
    this.length = length;
    this.area = tall * wide;
    this.strips = channels * kernelWidth;
    this.joined = kernelHeight > 1 && this.strips < leastDepth;
    this.depth = this.strips * (this.joined ? kernelHeight : 1);
    this.isImage = kernelWidth === 1 && across === 1 && down === 1 && top === 0 && left === 0 && wide === width && length === height * width;
    this.chunk = chunkOf(lowering, samples, this.strips * length + (this.joined ? this.depth * this.area : 0) + outputs * this.area);
    this.work = samples * outputs * this.area * channels * kernelHeight * kernelWidth * 0.04;
  }

  /** C = or += A·B, for `count` matrices. Steps are those of rows, columns and matrices. */
  product(c: Place, m: number, n: number, k: number, a: Place, stepsA: Shape, b: Place, stepsB: Shape, adds: boolean, count: number): void {
    const { lowering } = this;
    lowering.launch(product, this.node);
    lowering.output(...c);
    for (const operand of [a, b, c]) lowering.operand(...operand);
    writeParameters(productParameters, lowering.code, {
      m, n, k, rowA: stepsA[0], columnA: stepsA[1], rowB: stepsB[0], columnB: stepsB[1], mode: adds ? ProductMode.matrix : ProductMode.plain,
      count0: 1, batchA0: 0, batchB0: 0, count1: count, batchA1: stepsA[2], batchB1: stepsB[2],
    });
  }

  /**
   * For some samples at a time: makes their strips and calls `visit` with the first sample, their number, their operands, and what `begin`
   * has made for the strand.
   */
  forEachChunk<Own>(source: number, begin: () => Own, visit: (own: Own, first: number, count: number, operands: Operands) => void): Own[] {
    const { lowering, node, chunk, strips, length, joined, isImage } = this;
    const [samples, channels, height, width] = this.image;
    const [value, offset] = placeOf(lowering, source);
    const parts = isImage ? [] : this.parts();
    const beginStrand = (): { strip: number; all: number; own: Own } => {
      const own = begin();
      const strip = isImage ? -1 : lowering.temporary(chunk * strips * length);
      const all = joined ? lowering.temporary(chunk * this.depth * this.area) : -1;
      // What lies beyond the image is 0 in all chunks.
      if (parts.some(({ phase, rows, columns }) => columns[1] < this.windows.places[1] || rows[1] < this.phases[phase].rows)) lowering.zero(node, strip);
      return { strip, all, own };
    };
    return forChunks(lowering, samples, chunk, this.work, beginStrand, ({ strip, all, own }, first, count) => {
      const images: Place = [value, offset + first * channels * height * width];
      for (const part of parts) this.copyPart(strip, images, part, count);
      const made: Place = isImage ? images : [strip, 0];
      visit(own, first, count, joined ? this.joinRows(all, made, count) : this.rowsOf(made));
    }).map(({ own }) => own);
  }

  private parts(): Part[] {
    const [, , height, width] = this.image;
    const { kernel: [, kernelWidth], stride: [down, across], margin: [top, left], places: [, wide] } = this.windows;
    return Array.from({ length: kernelWidth }, (_, column) => this.phases.map(({ rows }, phase) => (
      { column, phase, columns: inside(column - left, across, width, wide), rows: inside(phase - top, down, height, rows) }
    ))).flat();
  }

  private copyPart(strip: number, [value, from]: Place, { column, phase, rows, columns }: Part, count: number): void {
    const { length } = this;
    const [, channels, height, width] = this.image;
    const { kernel: [, kernelWidth], stride: [down, across], margin: [top, left], places: [, wide] } = this.windows;
    copyBox(
      this.lowering, this.node,
      [strip, column * length + this.phases[phase].start + rows[0] * wide + columns[0]],
      [value, from + (rows[0] * down + phase - top) * width + columns[0] * across + column - left],
      [
        [columns[1], 1, across], [rows[1], wide, down * width],
        [channels, kernelWidth * length, height * width], [count, this.strips * length, channels * height * width],
      ],
    );
  }

  /** The operands of a product for each row of the kernel. */
  private rowsOf([value, at]: Place): Operands {
    const { kernel: [kernelHeight], stride: [down], places: [, wide] } = this.windows;
    const places = Array.from({ length: kernelHeight }, (_, i): Place => [value, at + this.phases[i % down].start + Math.floor(i / down) * wide]);
    return { places, step: this.length, stepOfSample: this.strips * this.length };
  }

  /** Copies what all rows of the kernel meet: the operand of one product. */
  private joinRows(all: number, [value, at]: Place, count: number): Operands {
    const { area, depth, length } = this;
    const { kernel: [kernelHeight], stride: [down], places: [, wide] } = this.windows;
    this.phases.forEach(({ start, taps }, phase) => {
      copyBox(this.lowering, this.node, [all, phase * area], [value, at + start], [
        [area, 1, 1], [taps, down * area, wide], [count * this.strips, kernelHeight * area, length],
      ]);
    });
    return { places: [[all, 0]], step: area, stepOfSample: depth * area };
  }

  /** Copies the kernel as it is stored to the order of the products, [products, outputs, depth], or back. */
  copyKernel(target: Place, source: Place, back: boolean): void {
    const { depth, outputs } = this;
    const { turned, kernel: [kernelHeight, kernelWidth] } = this.windows;
    const channels = this.image[1];
    const size = kernelHeight * kernelWidth;
    const stored = turned === 1 ? [outputs * size, size, -kernelWidth, -1] : [size, channels * size, kernelWidth, 1];
    const ours = this.joined ? [size, depth, 1, kernelHeight] : [kernelWidth, depth, outputs * depth, 1];
    const sizes = [channels, outputs, kernelHeight, kernelWidth];
    const [value, offset] = back ? target : source;
    const place: Place = [value, turned === 1 ? offset + size - 1 : offset];
    copyBox(
      this.lowering, this.node, back ? place : target, back ? source : place,
      [3, 0, 2, 1].map((i): Axis => (back ? [sizes[i], stored[i], ours[i]] : [sizes[i], ours[i], stored[i]])),
    );
  }
}
