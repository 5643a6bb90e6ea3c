/** Products. */

import * as flimsy from "../../../src/index.ts";
import type { Variable } from "../../../src/index.ts";
import { abs, axesAndKeepdims, type Entry, products, sizeAlong } from "../entry.ts";
import { at, type Index, last, perLine, pointwise, reduced, shapeOf, tabulate, total } from "../plain.ts";
import { domains, type Draw, Tensor } from "../draw.ts";

const { sqrt } = Math;
const { nonzero } = domains;

function matmul(a: Tensor, b: Tensor): Tensor {
  const [x, y] = [a.shape.length === 1 ? new Tensor([1, ...a.shape], a.values) : a, b.shape.length === 1 ? new Tensor([...b.shape, 1], b.values) : b];
  const [rows, columns, depth] = [x.shape.at(-2) as number, last(y), last(x)];
  const batch = pointwise(() => 0)(new Tensor(x.shape.slice(0, -2), x.values), new Tensor(y.shape.slice(0, -2), y.values)).shape;
  const found = tabulate([...batch, rows, columns], (index) => {
    const [p, i, j] = [index.slice(0, -2), index.at(-2) as number, index.at(-1) as number];
    const [left, right] = [x, y].map(({ shape }) => p.slice(p.length - shape.length + 2).map((k, axis) => (shape[axis] === 1 ? 0 : k)));
    return total(Array.from({ length: depth }, (_, l) => at(x, [...left, i, l]) * at(y, [...right, l, j])));
  });
  return new Tensor([...batch, ...(a.shape.length === 1 ? [] : [rows]), ...(b.shape.length === 1 ? [] : [columns])], found.values);
}

/** Matrices that multiply, batched and broadcast; or vectors. */
function matrices(draw: Draw): Tensor[] {
  const k = draw.size();
  const [m, n] = [draw.size(Math.max(1, k)), draw.size(Math.max(1, k))];
  const batch = draw.oneIn(2) ? draw.broadcastable(2).map((shape) => shape.map((size) => Math.min(size, 3))) : [[], []];
  const a = draw.oneIn(5) ? [k] : [...batch[0], m, k];
  const b = draw.oneIn(5) ? [k] : [...batch[1], k, n];
  return [draw.tensor(a), draw.tensor(b)];
}

export const entries = {
  matmul: {
    meaning: matmul,
    draw: matrices, ulps: products.matmul, magnitude: (a: Variable, b: Variable) => flimsy.matmul(abs(a), abs(b)),
  },
  dot: {
    meaning: (a: Tensor, b: Tensor) => perLine(a, (values, line) => total(values.map((value, i) => value * at(b, [...line, i])))),
    draw: (draw) => {
      const shape = draw.shape(1);
      return [draw.tensor(shape), draw.tensor(shape)];
    },
    ulps: products.matmul,
    magnitude: (a: Variable, b: Variable) => flimsy.dot(abs(a), abs(b)),
  },
  norm2: {
    meaning: (x: Tensor, axes: number | Index = -1, keepdims = false) =>
      reduced((v) => sqrt(total(v.map((value) => value * value))))(x, shapeOf(x).length === 0 ? [] : axes, keepdims),
    draw: (draw) => {
      const shape = draw.shape(0, 4, false);
      return [draw.tensor(shape, nonzero), ...(draw.oneIn(3) ? [] : axesAndKeepdims(draw, shape))];
    },
    ulps: (x: Variable, axes: number[] | number = -1) => (x.shape.length === 0 ? 2 : sizeAlong(x, axes) + 2),
  },
} satisfies Record<string, Entry>;
