/** Convolution, by loops over every window. */

import * as flimsy from "../../../src/index.ts";
import type { Shape, Variable } from "../../../src/index.ts";
import { record } from "../../../src/engine/recording.ts";
import { abs, type Entry, operation } from "../entry.ts";
import { at, type Index, indices, places, sizeOf, tabulate, total, type Vector } from "../plain.ts";
import { type Draw, Tensor } from "../draw.ts";

/** An image's number, 0 beyond its margin. */
const pixel = (x: Tensor, before: Index, row: number, column: number): number => {
  const [height, width] = x.shape.slice(-2);
  return row < 0 || column < 0 || row >= height || column >= width ? 0 : at(x, [...before, row, column]);
};

function conv2d(x: Tensor, w: Tensor, b: Tensor | null, { stride, padding }: { stride: Vector; padding: Vector }): Tensor {
  const [outputs, ...kernel] = w.shape;
  const down = places(x.shape.at(-2) as number, kernel[1], stride[0], padding[0]);
  const across = places(x.shape.at(-1) as number, kernel[2], stride[1], padding[1]);
  return tabulate([...x.shape.slice(0, -3), outputs, down, across], (index) => {
    const [output, i, j] = index.slice(-3);
    const terms = indices(kernel).map(([c, k, l]) =>
      at(w, [output, c, k, l]) * pixel(x, [...index.slice(0, -3), c], i * stride[0] + k - padding[0], j * stride[1] + l - padding[1]));
    return total(terms) + (b === null ? 0 : b.values[output]);
  });
}

/** By each number of the kernel: what the windows have under it, times the gradients. */
const kernelGradient = (x: Tensor, g: Tensor, kernel: Vector, stride: Vector, padding: Vector): Tensor =>
  tabulate([g.shape[1], x.shape[1], ...kernel], ([output, c, k, l]) => total(indices([g.shape[0], ...g.shape.slice(2)]).map(([sample, i, j]) =>
    at(g, [sample, output, i, j]) * pixel(x, [sample, c], i * stride[0] + k - padding[0], j * stride[1] + l - padding[1]))));

/** Images, a kernel that fits them, and how it is moved over them. */
function imagesAndKernel(draw: Draw): [Tensor, Tensor, Tensor | null, { stride: number[]; padding: number[] }] {
  const [channels, outputs] = [draw.integer(1, 3), draw.oneIn(4) ? draw.integer(4, 9) : draw.integer(1, 3)];
  const kernel = [draw.integer(1, 4), draw.integer(1, 4)];
  const padding = draw.oneIn(2) ? [0, 0] : [draw.integer(0, 4), draw.integer(0, 4)];
  const stride = draw.oneIn(2) ? [1, 1] : [draw.integer(1, 3), draw.integer(1, 5)];
  // With room for the kernel, or a little more.
  const image = kernel.map((size, axis) => Math.max(0, size - 2 * padding[axis]) + draw.integer(0, 5));
  const batch = draw.oneIn(4) ? [] : draw.oneIn(4) ? [2, draw.integer(0, 2)] : [draw.integer(0, 5)];
  // Many channels make one product for each row of the kernel.
  const many = draw.oneIn(3) ? 12 * channels : channels;
  return [draw.tensor([...batch, many, ...image]), draw.tensor([outputs, many, ...kernel]), draw.oneIn(2) ? draw.tensor([outputs]) : null, { stride, padding }];
}

/** The gradient of a convolution by its kernel. */
function byKernel(x: Variable, g: Variable, kernel: Shape, stride: Shape, padding: Shape): Variable {
  return record(operation("conv2d′"), [g.shape[1], x.shape[1], ...kernel], [x, g], [0, ...kernel, ...stride, ...padding, ...g.shape.slice(2)]);
}

export const entries = {
  conv2d: {
    meaning: conv2d,
    draw: imagesAndKernel,
    ulps: (_: Variable, w: Variable) => w.size / w.shape[0] + 1,
    magnitude: (x: Variable, w: Variable, b: Variable | null, settings: object) => flimsy.conv2d(abs(x), abs(w), b && abs(b), settings),
  },
  "conv2d′": {
    meaning: kernelGradient,
    draw: (draw) => {
      const [x, w, , { stride, padding }] = imagesAndKernel(draw);
      const images = [sizeOf(x.shape.slice(0, -3)), ...x.shape.slice(-3)];
      const kernel = w.shape.slice(2);
      const places = kernel.map((size, i) => Math.floor((images[2 + i] + 2 * padding[i] - size) / stride[i]) + 1);
      return [new Tensor(images, x.values), draw.tensor([images[0], w.shape[0], ...places]), kernel, stride, padding];
    },
    f: byKernel,
    ulps: (x: Variable, g: Variable) => x.shape[0] * sizeOf(g.shape.slice(2)) + 1,
    magnitude: (x: Variable, g: Variable, ...windows: [Shape, Shape, Shape]) => byKernel(abs(x), abs(g), ...windows),
  },
} satisfies Record<string, Entry>;
