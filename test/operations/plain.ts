/** Arrays in plain numbers, by loops over every index: what the meanings of operations are written with. Nothing of src/ computes here. */

import { Tensor } from "./draw.ts";

export type Index = readonly number[];

export const sizeOf = (shape: Index): number => shape.reduce((product, size) => product * size, 1);

/** Every index into a shape, in row-major order. */
export const indices = (shape: Index): number[][] =>
  shape.reduce<number[][]>((before, size) => before.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])), [[]]);

/** The array of a shape with f at each index. */
export const tabulate = (shape: Index, f: (index: number[]) => number): Tensor => new Tensor([...shape], Float64Array.from(indices(shape), f));

/** An element. */
export const at = ({ shape, values }: Tensor, index: Index): number => values[index.reduce((offset, i, axis) => offset * shape[axis] + i, 0)];

/** An element of an array that is repeated where it has too few axes, or size 1; or a number, which is everywhere. */
export const spreadAt = (x: Tensor | number, index: Index): number =>
  typeof x === "number" ? x : at(x, index.slice(index.length - x.shape.length).map((i, axis) => (x.shape[axis] === 1 ? 0 : i)));

export const shapeOf = (x: Tensor | number): Index => (typeof x === "number" ? [] : x.shape);

/** NumPy's rule. */
function broadcast(shapes: readonly Index[]): number[] {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[shape.length - rank + i] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
}

/** A function of numbers, element by element. */
export const pointwise = (f: (...x: number[]) => number) => (...x: (Tensor | number)[]): Tensor =>
  tabulate(broadcast(x.map(shapeOf)), (index) => f(...x.map((each) => spreadAt(each, index))));

export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

export const axesOf = (axes: number | Index | undefined, rank: number): number[] =>
  axes === undefined ? Array.from({ length: rank }, (_, i) => i) : [axes].flat().map((axis) => axisOf(axis, rank));

/** A function of all numbers along some axes. */
export const reduced = (f: (values: number[]) => number) => (x: Tensor, axes?: number | Index, keepdims = false): Tensor => {
  const gone = axesOf(axes, x.shape.length);
  const kept = x.shape.flatMap((_, axis) => (gone.includes(axis) ? [] : [axis]));
  const groups = new Map(indices(kept.map((axis) => x.shape[axis])).map((index) => [String(index), [] as number[]]));
  for (const index of indices(x.shape)) groups.get(String(kept.map((axis) => index[axis])))?.push(at(x, index));
  const shape = x.shape.flatMap((size, axis) => (gone.includes(axis) ? (keepdims ? [1] : []) : [size]));
  return new Tensor(shape, Float64Array.from([...groups.values()].map(f)));
};

/** A function of each line along an axis, which gives as many numbers; it also gets the index of the line, without that axis. */
export const lines = (f: (values: number[], line: Index) => readonly number[]) => (x: Tensor, axis = -1): Tensor => {
  const along = axisOf(axis, x.shape.length);
  const known = new Map<string, readonly number[]>();
  return tabulate(x.shape, (index) => {
    const line = index.filter((_, i) => i !== along);
    let found = known.get(String(line));
    if (found === undefined) {
      found = f(Array.from({ length: x.shape[along] }, (_, i) => at(x, index.with(along, i))), line);
      known.set(String(line), found);
    }
    return found[index[along]];
  });
};

/** Indices in any form that an operation takes. */
export function asIndices(given: number | readonly number[] | Int32Array | Tensor): Tensor {
  if (given instanceof Tensor) return given;
  return typeof given === "number" ? new Tensor([], Float64Array.of(given)) : new Tensor([given.length], Float64Array.from(given));
}

export const total = (values: Iterable<number>): number => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
};

// -- what several operations are made of --------------------------------------------------------------

export type Vector = readonly number[];

/** Indices in any form that an operation takes. */
export type PlainIndices = number | readonly number[] | Int32Array | Tensor;

export const softmax = (x: Vector): number[] => {
  const largest = Math.max(...x);
  const powers = x.map((value) => Math.exp(value - largest));
  const sum = total(powers);
  return powers.map((power) => power / sum);
};

export const logSoftmax = (x: Vector): number[] => {
  const largest = Math.max(...x);
  const sum = total(x.map((value) => Math.exp(value - largest)));
  return x.map((value) => value - largest - Math.log(sum));
};

export const mean = (x: Vector): number => total(x) / x.length;

/** The first largest, or the first NaN. */
export const winner = (x: Vector): number => (x.some(Number.isNaN) ? x.findIndex(Number.isNaN) : x.indexOf(Math.max(...x)));

export const last = (x: Tensor): number => x.shape[x.shape.length - 1];

export const outer = (x: Tensor): number[] => x.shape.slice(0, -1);

export const lineOf = (x: Tensor, line: Index): number[] => Array.from({ length: last(x) }, (_, i) => at(x, [...line, i]));

/** A number for each line. */
export const perLine = (x: Tensor, f: (values: number[], line: Index) => number): Tensor => tabulate(outer(x), (line) => f(lineOf(x, line), line));

export const places = (size: number, window: number, stride: number, padding = 0): number => Math.floor((size + 2 * padding - window) / stride) + 1;

export const unsqueeze = (x: Tensor, axis: number): Tensor => new Tensor(x.shape.toSpliced(axisOf(axis, x.shape.length + 1), 0, 1), x.values);

export function gather(x: Tensor, given: PlainIndices, axis = 0): Tensor {
  const [found, along] = [asIndices(given), axisOf(axis, x.shape.length)];
  const rank = found.shape.length;
  return tabulate([...x.shape.slice(0, along), ...found.shape, ...x.shape.slice(along + 1)], (index) =>
    at(x, [...index.slice(0, along), at(found, index.slice(along, along + rank)), ...index.slice(along + rank)]));
}

export const same = (x: Tensor): Tensor => x;
