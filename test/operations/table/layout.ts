/** What only moves numbers. */

import type { Shape } from "../../../src/index.ts";
import { type Entry, ofArray } from "../entry.ts";
import { at, axesOf, axisOf, type Index, same, sizeOf, spreadAt, tabulate, unsqueeze, type Vector } from "../plain.ts";
import { type Draw, Tensor } from "../draw.ts";

const { max, min } = Math;

const permute = (x: Tensor, axes: Index): Tensor => {
  const order = axesOf(axes, x.shape.length);
  return tabulate(order.map((axis) => x.shape[axis]), (index) => at(x, x.shape.map((_, axis) => index[order.indexOf(axis)])));
};

/** Which places a range names, as Python's slice.indices says; a number is one place, of an axis that is gone. */
function named(range: number | Vector | null | undefined, size: number): number[] {
  if (typeof range === "number") return [axisOf(range, size)];
  const [start, end, step = 1] = range ?? [];
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const bound = (value: number | undefined, otherwise: number): number =>
    value === undefined ? otherwise : min(max(value < 0 ? value + size : value, least), most);
  const found: number[] = [];
  const to = bound(end, step > 0 ? most : least);
  for (let i = bound(start, step > 0 ? least : most); step > 0 ? i < to : i > to; i += step) found.push(i);
  return found;
}

function slice(x: Tensor, ...ranges: (number | Vector | null)[]): Tensor {
  const kept = x.shape.map((size, axis) => named(ranges[axis], size));
  const whole = tabulate(kept.map(({ length }) => length), (index) => at(x, index.map((i, axis) => kept[axis][i])));
  return new Tensor(whole.shape.filter((_, axis) => typeof ranges[axis] !== "number"), whole.values);
}

function ranges(draw: Draw, shape: Shape): unknown[] {
  return shape.slice(0, draw.integer(0, shape.length)).map((size) => {
    if (size > 0 && draw.oneIn(4)) return draw.integer(-size, size - 1);
    if (draw.oneIn(4)) return null;
    const end = (): number | undefined => (draw.oneIn(4) ? undefined : draw.integer(-size - 2, size + 2));
    return draw.oneIn(2) ? [end(), end()] : [end(), end(), draw.pick([1, 2, 3, -1, -2, -3])];
  });
}

export const entries = {
  identity: { meaning: same, ...ofArray() },
  broadcastTo: {
    meaning: (x: Tensor | number, shape: Index) => tabulate(shape, (index) => spreadAt(x, index)),
    draw: (draw) => {
      const shape = draw.shape();
      const from = shape.slice(draw.integer(0, shape.length)).map((size) => (draw.oneIn(3) ? 1 : size));
      return [draw.oneIn(6) ? draw.random.uniform() < 0.5 ? 1.5 : -2 : draw.tensor(from), shape];
    },
  },
  reshape: {
    meaning: (x: Tensor, shape: Index) => new Tensor(shape.map((size) => (size === -1 ? -x.values.length / sizeOf(shape) : size)), x.values),
    ...ofArray((draw, shape) => {
      const size = sizeOf(shape);
      const factors = [2, 3, 4, 5].filter((n) => size % n === 0);
      const target = factors.length === 0 ? [size, 1] : ((n) => [n, size / n])(draw.pick(factors));
      return [draw.oneIn(3) && size > 0 ? [-1, target[1]] : draw.oneIn(3) ? [...shape, 1] : target];
    }),
  },
  permute: {
    meaning: permute,
    ...ofArray((draw, shape) => [draw.random.shuffle(shape.map((_, i) => (draw.oneIn(3) ? i - shape.length : i)))]),
  },
  transpose: {
    meaning: (x: Tensor, a = -2, b = -1) => {
      const rank = x.shape.length;
      if (rank === 1) return x;
      const order = axesOf(undefined, rank);
      [order[axisOf(a, rank)], order[axisOf(b, rank)]] = [axisOf(b, rank), axisOf(a, rank)];
      return permute(x, order);
    },
    ...ofArray((draw, shape) => (draw.oneIn(2) ? [] : [draw.axis(shape.length), draw.axis(shape.length)]), {}, 1),
  },
  slice: {
    meaning: slice,
    draw: (draw) => {
      const shape = draw.shape();
      return [draw.tensor(shape), ...ranges(draw, shape)];
    },
  },
  flip: {
    meaning: (x: Tensor, axes?: number | Index) => {
      const turned = axesOf(axes, x.shape.length);
      return tabulate(x.shape, (index) => at(x, index.map((i, axis) => (turned.includes(axis) ? x.shape[axis] - 1 - i : i))));
    },
    ...ofArray((draw, shape) => [draw.axes(shape.length)]),
  },
  pad: {
    meaning: (x: Tensor, widths: readonly Vector[]) => tabulate(x.shape.map((size, axis) => size + widths[axis][0] + widths[axis][1]), (index) => {
      const from = index.map((i, axis) => i - widths[axis][0]);
      return from.every((i, axis) => i >= 0 && i < x.shape[axis]) ? at(x, from) : 0;
    }),
    ...ofArray((draw, shape) => [shape.map(() => [draw.integer(0, 3), draw.integer(0, 3)])]),
  },
  decat: {
    meaning: (x: Tensor, axis = 0) => {
      const along = axisOf(axis, x.shape.length);
      return Array.from({ length: x.shape[along] }, (_, i) => tabulate(x.shape.toSpliced(along, 1), (index) => at(x, index.toSpliced(along, 0, i))));
    },
    ...ofArray((draw, shape) => [draw.axis(shape.length)], {}, 1),
  },
  squeeze: {
    meaning: (x: Tensor, axes?: number | Index) => {
      const named = axes === undefined ? null : axesOf(axes, x.shape.length);
      return new Tensor(x.shape.filter((size, axis) => (named === null ? size !== 1 : !named.includes(axis))), x.values);
    },
    draw: (draw) => {
      const shape = draw.shape().map((size) => (draw.oneIn(2) ? 1 : size));
      const ones = shape.flatMap((size, i) => (size === 1 ? [i] : []));
      return [draw.tensor(shape), draw.oneIn(2) || ones.length === 0 ? undefined : draw.pick(ones)];
    },
  },
  unsqueeze: { meaning: unsqueeze, ...ofArray((draw, shape) => [draw.axis(shape.length + 1)]) },
} satisfies Record<string, Entry>;
