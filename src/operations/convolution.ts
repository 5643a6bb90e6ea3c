/**
 * Convolution of images, as products of matrices with strips of the images (`strips.ts`). Some samples are treated at a time, so that their
 * strips stay in the cache; threads may share the samples.
 */

import { defineOperation } from "../engine/operation.ts";
import { checkInteger } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ShapeError, ValueError } from "../support/errors.ts";
import { checkOptions } from "../support/options.ts";
import { formatShape, type Shape, sizeOf } from "../support/shape.ts";
import { argument } from "../kernels/expression.ts";
import { map } from "../kernels/kernel.ts";
import { record } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { type Place, placeOf } from "./boxes.ts";
import { view } from "./broadcasting.ts";
import { checkCall, checkVariable } from "./check.ts";
import { stack } from "./joining.ts";
import { pad, slice } from "./layout.ts";
import { sum } from "./reduction.ts";
import { Strips, type Windows } from "./strips.ts";


const encode = ({ turned, kernel, stride, margin, places }: Windows): number[] => [turned, ...kernel, ...stride, ...margin, ...places];

function decode(x: ArrayLike<number>): Windows {
  return { turned: x[0], kernel: [x[1], x[2]], stride: [x[3], x[4]], margin: [x[5], x[6]], places: [x[7], x[8]] };
}

const repeated = map(1, argument(0));
const plus = map(2, argument(0).add(argument(1)));

/** Inputs: images [samples, inputs, height, width], kernel, and bias [outputs] if there is one. Attributes: the windows. */
const convolutionOperation = defineOperation({
  name: "conv2d",
  lower: (lowering, node) => {
    const [image, kernel] = [lowering.trace.input(node, 0), lowering.trace.input(node, 1)];
    const y = lowering.define(node);
    if (lowering.size(node) === 0) return;
    const [samples, outputs, down, across] = lowering.shape(node);
    const biased = lowering.trace.inputCount(node) === 3;
    const putBias = (first: number, count: number): void => {
      lowering.launch(repeated, node);
      lowering.output(y, first * outputs * down * across);
      lowering.input(lowering.trace.input(node, 2));
      repeated.write(lowering.code, [count, outputs, down * across], [[outputs, 1]]);
    };
    if (lowering.size(image) === 0) {
      if (biased) putBias(0, samples);
      else lowering.zero(node, y);
      return;
    }
    const strips = new Strips(lowering, node, lowering.shape(image), outputs, decode(lowering.trace.attributes(node)));
    const { depth, area } = strips;
    const w = lowering.temporary(lowering.size(kernel));
    strips.copyKernel([w, 0], placeOf(lowering, kernel), false);
    strips.forEachChunk(image, () => null, (_, first, count, { places, step, stepOfSample }) => {
      if (biased) putBias(first, count);
      places.forEach((operand, i) => {
        strips.product(
          [y, first * outputs * area], outputs, area, depth, [w, i * outputs * depth], [depth, 1, 0],
          operand, [step, 1, stepOfSample], biased || i > 0, count,
        );
      });
    });
  },
  reverse: (k) => (gradient, node) => {
    if (k === 2) return sum(gradient, [0, 2, 3]);
    const windows = decode(node.attributes());
    return k === 0 ? byImage(gradient, node.input(1), windows, node.inputShape(0)) : byKernel(node.input(0), gradient, windows);
  },
});

/** Inputs: images, gradient of the result. Attributes: the windows. */
const kernelGradientOperation = defineOperation({
  name: "conv2d′",
  lower: (lowering, node) => {
    const [image, gradient] = [lowering.trace.input(node, 0), lowering.trace.input(node, 1)];
    const result = lowering.define(node);
    const size = lowering.size(node);
    if (size === 0) return;
    if (lowering.size(image) === 0 || lowering.size(gradient) === 0) return lowering.zero(node, result);
    const outputs = lowering.shape(gradient)[1];
    const strips = new Strips(lowering, node, lowering.shape(image), outputs, decode(lowering.trace.attributes(node)));
    const { depth, area } = strips;
    const g = placeOf(lowering, gradient);
    /** The sums of the strands, each with whether there is something in it. */
    const sums = strips.forEachChunk(image, () => ({ sum: lowering.temporary(size), adds: false }), (own, first, count, { places, step, stepOfSample }) => {
      // Products whose operands are equally far apart, as they are without strides, are one launch.
      const apart = places.length > 1 ? places[1][1] - places[0][1] : 0;
      const together = places.every(([, at], i) => at === places[0][1] + i * apart);
      for (let sample = 0; sample < count; sample++) {
        const a: Place = [g[0], g[1] + (first + sample) * outputs * area];
        (together ? places.slice(0, 1) : places).forEach(([value, offset], i) => {
          const b: Place = [value, offset + sample * stepOfSample];
          const c: Place = [own.sum, i * outputs * depth];
          strips.product(c, outputs, depth, area, a, [area, 1, 0], b, [1, step, apart], own.adds, together ? places.length : 1);
        });
        own.adds = true;
      }
    }).map(({ sum }) => sum);
    for (const sum of sums.slice(1)) {
      lowering.launch(plus, node);
      lowering.output(sums[0]);
      for (const part of [sums[0], sum]) lowering.operand(part);
      plus.writeFlat(lowering.code, size);
    }
    strips.copyKernel([result, 0], [sums[0], 0], true);
  },
  reverse: (k) => (gradient, node) => {
    const windows = decode(node.attributes());
    return k === 0 ? byImage(node.input(1), gradient, windows, node.inputShape(0)) : convolve(node.input(0), gradient, windows);
  },
});

function convolve(x: Variable, w: Variable, windows: Windows, b: Variable | null = null): Variable {
  return record(convolutionOperation, [x.shape[0], w.shape[windows.turned], ...windows.places], b === null ? [x, w] : [x, w, b], encode(windows));
}

function byKernel(x: Variable, gradient: Variable, windows: Windows): Variable {
  const channels = [gradient.shape[1], x.shape[1]];
  const shape = [...(windows.turned === 1 ? channels.reverse() : channels), ...windows.kernel];
  return record(kernelGradientOperation, shape, [x, gradient], encode(windows));
}

/**
 * The gradient by the image is a convolution of the gradient by the kernel, turned. With strides, neighbouring pixels meet
 * different parts of the kernel: there is one for each of these, and the results are interleaved.
 */
function byImage(gradient: Variable, w: Variable, windows: Windows, shape: Shape): Variable {
  const { turned, kernel, stride, margin } = windows;
  const turn = (part: Variable, size: Shape, top: number, left: number, places: Shape): Variable =>
    convolve(gradient, part, { turned: 1 - turned, kernel: size, stride: [1, 1], margin: [size[0] - 1 - top, size[1] - 1 - left], places });
  if (stride[0] === 1 && stride[1] === 1) return turn(w, kernel, margin[0], margin[1], [shape[2], shape[3]]);
  // A convolution with strides is never turned: that comes from here only.
  const sizes = [0, 1].map((axis) => Math.ceil((margin[axis] + shape[2 + axis]) / stride[axis]));
  const phases = (axis: 0 | 1): number[] => Array.from({ length: Math.min(stride[axis], kernel[axis]) }, (_, phase) => phase);
  const interleave = (parts: readonly Variable[], axis: 0 | 1): Variable => {
    const joined = stack(parts, 3 + axis);
    const missing = joined.shape.map((_, i) => [0, i === 3 + axis ? stride[axis] - parts.length : 0] as const);
    const full = pad(joined, missing);
    return view(full, [...full.shape.slice(0, 2 + axis), full.shape[2 + axis] * stride[axis], ...full.shape.slice(4 + axis)]);
  };
  const rows = phases(0).map((row) => interleave(phases(1).map((column) => {
    const part = slice(w, null, null, [row, undefined, stride[0]], [column, undefined, stride[1]]);
    return turn(part, [part.shape[2], part.shape[3]], 0, 0, sizes);
  }), 1));
  return slice(interleave(rows, 0), null, null, [margin[0], margin[0] + shape[2]], [margin[1], margin[1] + shape[3]]);
}

export interface Conv2dSettings {
  /** The distance of neighbouring windows, [down, across] or one number for both; 1 unless given. */
  readonly stride?: number | readonly number[];
  /** How many rows of zeros are added above and below, and columns left and right; 0 unless given. */
  readonly padding?: number | readonly number[];
}

function pair(settings: Conv2dSettings, name: "stride" | "padding", least: number): readonly number[] {
  const found = settings[name] ?? least;
  if (typeof found === "string") {
    throw new ValueError(
      `conv2d takes numbers as ${name}, but got ${describe(found)}. ` +
        'For images of the same size, give padding as (kernel size − 1) / 2, with kernels of odd size and stride 1; for "valid", 0.',
    );
  }
  if (typeof found !== "number" && found?.length !== 2) {
    throw new ValueError(`conv2d takes an integer or [down, across] as ${name}, but got ${describe(found)}.`);
  }
  return [0, 1].map((axis) => checkInteger("conv2d", name, typeof found === "number" ? found : found[axis], least));
}

/**
 * A convolution of images: each entry of the result is the sum over a window, in all channels, of image times kernel,
 * plus a bias if there is one. (As everywhere in machine learning, the kernel is not turned.)
 * @param x [..., inputs, height, width]
 * @param w [outputs, inputs, kernel height, kernel width]
 * @param b [outputs], or null for none
 * @returns [..., outputs, places down, places across], with ⌊(height + 2 · padding − kernel height) / stride⌋ + 1 places down
 * @throws ShapeError; ValueError for a stride or padding that is not an integer or two
 * @example
 * const x = reshape(arange(9), [1, 3, 3]);
 * conv2d(x, ones([1, 1, 2, 2])).toArray(); // [[[8, 12], [20, 24]]]
 * // With a margin of zeros, at every other place
 * conv2d(x, ones([1, 1, 3, 3]), null, { padding: 1, stride: 2 }).shape; // [1, 2, 2]
 */
export function conv2d(x: Variable, w: Variable, b: Variable | null = null, settings: Conv2dSettings = {}): Variable {
  checkOptions("conv2d", settings, ["stride", "padding"]);
  checkCall("conv2d", arguments, 4, 2);
  if (b !== null) checkVariable("conv2d", b);
  const [stride, padding] = [pair(settings, "stride", 1), pair(settings, "padding", 0)];
  const batch = x.shape.slice(0, -3);
  const image = x.shape.slice(-3);
  if (image.length < 3 || w.shape.length !== 4 || w.shape[1] !== image[0] || sizeOf(w.shape) === 0) {
    throw new ShapeError(
      `conv2d got images ${formatShape(x.shape)} and a kernel ${formatShape(w.shape)}: it takes [..., inputs, height, width] ` +
        "and [outputs, inputs, kernel height, kernel width], and a kernel without elements has no windows." +
        (image.length === 3 && w.shape[1] !== image[0] && w.shape[1] === image[2]
          ? " The channels seem to come last here: bring them before height and width, of [samples, height, width, channels] with x.permute([0, 3, 1, 2])."
          : ""),
    );
  }
  if (b !== null && (b.shape.length !== 1 || b.shape[0] !== w.shape[0])) {
    throw new ShapeError(
      `conv2d got a kernel ${formatShape(w.shape)} and bias ${formatShape(b.shape)}: the bias must have shape [${w.shape[0]}], one number an output.`,
    );
  }
  const [height, width] = w.shape.slice(2);
  const places = [0, 1].map((i) => Math.floor((image[1 + i] + 2 * padding[i] - w.shape[2 + i]) / stride[i]) + 1);
  if (places[0] < 1 || places[1] < 1) {
    throw new ShapeError(`conv2d got images ${formatShape(x.shape)} that are, with padding, smaller than the kernel ${formatShape(w.shape)}.`);
  }
  const y = convolve(view(x, [sizeOf(batch), ...image]), w, { turned: 0, kernel: [height, width], stride, margin: padding, places }, b);
  return view(y, [...batch, ...y.shape.slice(1)]);
}
