/** The largest of windows. */

import * as flimsy from "../../../src/index.ts";
import type { Shape, Variable } from "../../../src/index.ts";
import { record } from "../../../src/engine/recording.ts";
import { abs, type Entry, operation, type Drawing } from "../entry.ts";
import { at, type Index, indices, places, sizeOf, tabulate, total, type Vector } from "../plain.ts";
import { domains, type Draw, type Tensor } from "../draw.ts";

const { max } = Math;
const { plain, integers } = domains;

/** Of a window: where its numbers are, and what share of the largest each is; of NaN, where there are some. */
function shares(x: Tensor, before: Index, [i, j]: Index, size: Vector, stride: Vector): { index: Index; share: number }[] {
  const all = indices(size).map(([k, l]) => [...before, i * stride[0] + k, j * stride[1] + l]);
  const values = all.map((index) => at(x, index));
  const isChosen = values.some(Number.isNaN) ? Number.isNaN : (value: number) => value === max(...values);
  const count = values.filter(isChosen).length;
  return all.map((index, k) => ({ index, share: isChosen(values[k]) ? 1 / count : 0 }));
}

const windows = (x: Tensor, size: Vector, stride: Vector): number[] =>
  [...x.shape.slice(0, -2), ...size.map((window, axis) => places(x.shape.at(axis - 2) as number, window, stride[axis]))];

const overWindows = (x: Tensor, size: Vector, stride: Vector, f: (entries: { index: Index; share: number }[]) => number): Tensor =>
  tabulate(windows(x, size, stride), (index) => f(shares(x, index.slice(0, -2), index.slice(-2), size, stride)));

/** Images, the size of windows on them and their distance. */
function imagesAndWindow(draw: Draw, tensor: (shape: Shape) => Tensor, overlap: boolean): [Tensor, number[], number[]] {
  const size = [draw.integer(1, 3), draw.integer(1, 4)];
  const stride = draw.oneIn(2) ? size : size.map((n) => (overlap ? draw.integer(1, 4) : n + draw.integer(0, 2)));
  const batch = draw.shape(0, 2).map((n) => Math.min(n, 3));
  return [tensor([...batch, ...size.map((n) => n + draw.integer(0, 5))]), size, stride];
}

/** Images, their largest entries, and a number for each window or pixel. A share has a rounding, and the sum of shares one for each. */
function pooled(name: string, otherOf: (x: Shape, largest: Shape) => Shape): Drawing {
  const f = (x: Variable, other: Variable, size: Shape, stride: Shape): Variable => {
    const largest = flimsy.maxPool2d(x, size, stride);
    const spreads = name === "maxPool2d′";
    return record(operation(name), spreads ? x.shape : largest.shape, spreads ? [x, largest, other] : [x, other, largest], [...size, ...stride]);
  };
  return {
    draw: (draw) => {
      const [x, size, stride] = imagesAndWindow(draw, (shape) => draw.tensor(shape, draw.oneIn(2) ? integers : plain, false), false);
      const shape = [...x.shape.slice(0, -2), ...size.map((n, i) => Math.floor((x.shape.at(i - 2) as number - n) / stride[i]) + 1)];
      return [x, draw.tensor(otherOf(x.shape, shape)), size, stride];
    },
    f: f as (...args: never[]) => Variable,
    ulps: (_: Variable, __: Variable, size: Shape) => 2 + sizeOf(size),
    magnitude: (x: Variable, other: Variable, size: Shape, stride: Shape) => f(x, abs(other), size, stride),
  };
}

export const entries = {
  maxPool2d: {
    meaning: (x: Tensor, size: Vector, stride: Vector) => overWindows(x, size, stride, (entries) => max(...entries.map(({ index }) => at(x, index)))),
    draw: (draw) => imagesAndWindow(draw, (shape) => draw.tensor(shape, draw.oneIn(2) ? integers : plain), true),
    smooth: (draw) => imagesAndWindow(draw, (shape) => draw.distinct(shape), true),
  },
  "maxPool2d′": {
    meaning: (x: Tensor, numbers: Tensor, size: Vector, stride: Vector) => {
      const found = tabulate(x.shape, () => 0);
      const offset = (index: Index): number => index.reduce((sum, i, axis) => sum * x.shape[axis] + i, 0);
      for (const window of indices(windows(x, size, stride))) {
        for (const { index, share } of shares(x, window.slice(0, -2), window.slice(-2), size, stride)) {
          if (share > 0) found.values[offset(index)] += share * at(numbers, window); // others get nothing, also of ∞
        }
      }
      return found;
    },
    ...pooled("maxPool2d′", (_, largest) => largest),
  },
  "maxPool2d″": {
    meaning: (x: Tensor, images: Tensor, size: Vector, stride: Vector) =>
      overWindows(x, size, stride, (entries) => total(entries.map(({ index, share }) => (share > 0 ? share * at(images, index) : 0)))),
    ...pooled("maxPool2d″", (x) => x),
  },
} satisfies Record<string, Entry>;
