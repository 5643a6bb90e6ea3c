/**
 * The largest entry of windows on images. Windows that do not overlap are taken apart: for each place in the window there
 * is an array with what all windows have there, and then everything is elementwise. Some images are treated at a time, so that these
 * arrays stay in the cache.
 */

import { aligned } from "../devices/device.ts";
import { defineOperation, type NodeView, type Operation, type ReverseRule } from "../engine/operation.ts";
import { checkInteger } from "../support/check.ts";
import { ShapeError } from "../support/errors.ts";
import { argument, constant, type Expr } from "../kernels/expression.ts";
import { map, type MapKernel } from "../kernels/kernel.ts";
import type { Lowering } from "../plan/lowering.ts";
import { record } from "../engine/recording.ts";
import { formatShape, type Shape } from "../support/shape.ts";
import type { Variable } from "../engine/variable.ts";
import { maximum } from "./arithmetic.ts";
import { type Axis, chunkOf, copyBox, forChunks, placeOf } from "./boxes.ts";
import { checkCall } from "./check.ts";
import { slice } from "./layout.ts";
import { isExtreme } from "./rows.ts";

/** Larger windows have too many operands for one kernel. */
const mostEntries = 16;

/**
 * An elementwise operation over windows. The first `images` inputs are images [..., height, width], the others have a number for
 * each window, as the result has; but if it `spreads`, it has the shape of the images. Attributes: size and stride of the window.
 */
function overWindows(
  name: string, images: number, spreads: boolean, kernelOf: (entries: number) => MapKernel, reverse: (k: number) => ReverseRule | null,
): Operation {
  const kernels: MapKernel[] = [];
  return defineOperation({
    name,
    lower: (lowering: Lowering, node: number) => {
      const { trace } = lowering;
      const [tall, wide, down, across] = trace.attributes(node);
      const [height, width] = lowering.shape(trace.input(node, 0)).slice(-2);
      const [rows, columns] = lowering.shape(spreads ? trace.input(node, images) : node).slice(-2);
      const [entries, area] = [tall * wide, rows * columns];
      const result = lowering.define(node);
      if (lowering.size(node) === 0) return;
      if (spreads && (rows * tall < height || columns * wide < width)) lowering.zero(node, result);
      kernels[entries] ??= kernelOf(entries);
      const kernel = kernels[entries];
      const sources = Array.from({ length: images }, (_, i) => placeOf(lowering, trace.input(node, i)));
      const others = Array.from({ length: trace.inputCount(node) - images }, (_, i) => placeOf(lowering, trace.input(node, images + i)));
      const count = lowering.size(trace.input(node, 0)) / (height * width);
      // Kernels write whole vectors, so each array begins where arrays do.
      const chunk = aligned(chunkOf(lowering, count, images * entries * area), lowering.policy.unit);
      const work = lowering.size(trace.input(node, 0)) * (images + (spreads ? 2 : 0)) * 0.5;
      forChunks(lowering, count, chunk, work, () => sources.map(() => lowering.temporary(entries * chunk * area)), (parts, first, some) => {
        /** Visits the places in the window: where the array of each begins, where its first entry is in the images, and the axes of both. */
        const forEachEntry = (visit: (at: number, from: number, axes: readonly (readonly [size: number, part: number, image: number])[]) => void): void => {
          for (let k = 0; k < entries; k++) {
            visit(k * chunk * area, first * height * width + Math.floor(k / wide) * width + k % wide, [
              [columns, 1, across], [rows, columns, down * width], [some, area, height * width],
            ]);
          }
        };
        sources.forEach(([value, offset], i) => {
          forEachEntry((at, from, axes) => copyBox(lowering, node, [parts[i], at], [value, offset + from], axes));
        });
        lowering.launch(kernel, node);
        if (spreads) forEachEntry((at) => lowering.output(parts[0], at));
        else lowering.output(result, first * area);
        for (const part of parts) forEachEntry((at) => lowering.operand(part, at));
        for (const [value, offset] of others) lowering.operand(value, offset + first * area);
        kernel.writeFlat(lowering.code, some * area);
        if (spreads) {
          forEachEntry((at, from, axes) =>
            copyBox(lowering, node, [result, from], [parts[0], at], axes.map(([size, part, image]): Axis => [size, image, part])));
        }
      });
    },
    reverse,
  });
}

const args = (count: number, from = 0): Expr[] => Array.from({ length: count }, (_, k) => argument(from + k));
const zero = constant(0);

/** Inputs: images x. */
const largestOperation = overWindows(
  "maxPool2d", 1, false,
  (entries) => map(entries, args(entries).reduce((a, b) => a.maximum(b))),
  () => (gradient, node) => spread(node.input(0), node.output, gradient, node.attributes()),
);

/** For each entry, the number there is for it if it is the largest, by how many such there are; else 0, whatever the number is. */
function shares(entries: number, largest: Expr, numbers: (k: number) => Expr): Expr[] {
  const here = args(entries).map((x) => isExtreme(x, largest));
  const count = here.reduce((a, b) => a.add(b));
  return here.map((isHere, k) => isHere.where(numbers(k).div(count), zero));
}

/** Puts the number of each window where its largest entries are, in equal shares. Inputs: x, the largest entries, the numbers. */
const spreadOperation = overWindows(
  "maxPool2d′", 1, true,
  (entries) => map(entries + 2, ...shares(entries, argument(entries), () => argument(entries + 1))),
  (k) => k < 2 ? null : (gradient, node) => pick(node, gradient),
);

/** The mean of other images where x has the largest entry of a window: the adjoint. Inputs: x, other images, the largest entries. */
const pickOperation = overWindows(
  "maxPool2d″", 2, false,
  (entries) => map(2 * entries + 1, shares(entries, argument(2 * entries), (k) => argument(entries + k)).reduce((a, b) => a.add(b))),
  (k) => k !== 1 ? null : (gradient, node) => spread(node.input(0), node.input(2), gradient, node.attributes()),
);

function spread(x: Variable, largest: Variable, numbers: Variable, window: ArrayLike<number>): Variable {
  return record(spreadOperation, x.shape, [x, largest, numbers], window);
}

function pick(node: NodeView, images: Variable): Variable {
  return record(pickOperation, node.inputShape(1), [node.input(0), images, node.input(1)], node.attributes());
}

/**
 * The largest entry of each window; equal ones share the gradient. Rows and columns that fill no window are left out.
 * @param x [..., height, width]
 * @param size of the window: [height, width], or one number for both
 * @param stride the distance of neighbouring windows, [down, across] or one number for both; `size` unless given
 * @returns [..., places down, places across], with ⌊(height − size) / stride⌋ + 1 places down
 * @throws ShapeError if the images are smaller than the window; ValueError for a size or stride that is not two integers
 * @example
 * const x = reshape(arange(16), [4, 4]);
 * maxPool2d(x, 2).toArray(); // [[5, 7], [13, 15]]
 * maxPool2d(x, 3, 1).toArray(); // [[10, 11], [14, 15]]
 */
export function maxPool2d(x: Variable, size: number | readonly number[], stride: number | readonly number[] = size): Variable {
  checkCall("maxPool2d", arguments, 3);
  const [window, steps] = [["size", size], ["stride", stride]].map(([name, list]) =>
    [0, 1].map((i) => checkInteger("maxPool2d", name as string, typeof list === "number" ? list : (list as Shape)?.[i], 1)));
  const image = x.shape.slice(-2);
  if (image.length < 2 || image.some((length, axis) => length < window[axis])) {
    throw new ShapeError(
      `maxPool2d got images ${formatShape(x.shape)} and a window ${formatShape(window)}: it takes [..., height, width], no less than the window.`,
    );
  }
  const places = image.map((length, axis) => Math.floor((length - window[axis]) / steps[axis]) + 1);
  const disjoint = steps[0] >= window[0] && steps[1] >= window[1];
  if (disjoint && window[0] * window[1] <= mostEntries) return record(largestOperation, [...x.shape.slice(0, -2), ...places], [x], [...window, ...steps]);
  // Along one axis after the other.
  const before = x.shape.slice(0, -2).map(() => null);
  return [0, 1].reduce((y, axis) => Array.from({ length: window[axis] }, (_, start) =>
    slice(y, ...before, ...(axis === 1 ? [null] : []), [start, start + steps[axis] * (places[axis] - 1) + 1, steps[axis]] as const)).reduce(maximum), x);
}
