/**
 * Which launches are cut into parts that different threads can compute, and where. The cut depends on the launch alone,
 * never on the number of threads, and every element is computed within one part: so the bits are the same for all.
 */

import { parts as expressions } from "../../kernels/expression.ts";
import {
  type ColumnsKernel, type CopyKernel, columnsParameters, copyAxisAt, type Kernel, type MapKernel, mapSizeAt, type ProductKernel, ProductMode,
  productParameters, type RandomKernel, type RowKernel, randomParameters, readCopyAxes, readParameters, rowParameters, type ScanKernel, varies,
} from "../../kernels/kernel.ts";

/** A launch cut along one of its parameters. */
export interface Cut {
  readonly parts: number;
  /** The parameter, and what it is: parts are of so many, in multiples of `grain`. */
  readonly parameter: number;
  readonly size: number;
  readonly grain: number;
  /** How far each operand moves with each of them, in elements. */
  readonly steps: readonly number[];
}

/** Part `i` of a cut begins here. */
export const partStart = ({ parts, size, grain }: Cut, i: number): number =>
  Math.min(size, Math.floor((i * Math.ceil(size / grain)) / parts) * grain);

/** Nanoseconds, roughly, that are worth a part of their own: waking a worker costs some thousand. */
const PART = 6000;
/** Parts for the threads to take as they come; more only where each would take some milliseconds. */
const PARTS = 8;
const LONG_PART = 5e6;

/** Nanoseconds for each element of some kernels, for what an expression costs beside reading and writing. */
const costs: Partial<Record<string, number>> = {
  argument: 0.1, constant: 0, div: 0.3, sqrt: 0.3, exp: 0.5, expm1: 0.8, log: 0.8, log1p: 1, tanh: 0.8, sigmoid: 0.7, sin: 10, cos: 10, pow: 20,
};
const costOfKernel = new WeakMap<Kernel, number>();

function elementCost(kernel: MapKernel | RowKernel): number {
  const known = costOfKernel.get(kernel);
  if (known !== undefined) return known;
  let cost = 0;
  for (const roots of kernel.kind === "map" ? [kernel.outputs] : [...kernel.stages, ...kernel.outputs].map(({ value }) => [value])) {
    cost += 0.1;
    for (const part of expressions(...roots)) if (kernel.kind === "map" || varies(kernel, part)) cost += costs[part.kind] ?? 0.05;
  }
  costOfKernel.set(kernel, cost);
  return cost;
}

// The cut of a launch of each kind, whose parameters are in `words` from `at` on; null where it stays whole.

export function cutMap(kernel: MapKernel, words: Int32Array, at: number): Cut | null {
  const rank = words[at + kernel.rankAt];
  let total = words[at + mapSizeAt];
  let axis: number = mapSizeAt;
  let inner = 1;
  for (let d = 0; d < rank; d++) {
    axis = kernel.axisAt(d);
    inner = total;
    total *= words[at + axis];
  }
  const cost = total * elementCost(kernel);
  if (cost < 2 * PART) return null;
  const strides = words.subarray(at + axis + 1, at + axis + 1 + kernel.inputs);
  return cut(cost, axis, words[at + axis], rank === 0 ? 64 : 1, [...kernel.outputs.map(() => inner), ...strides]);
}

export function cutRow(kernel: RowKernel, words: Int32Array, at: number): Cut | null {
  const rows = words[at + rowParameters.rows];
  const n = words[at + rowParameters.n];
  const cost = rows * n * elementCost(kernel);
  if (cost < 2 * PART) return null;
  const strides = words.subarray(at + rowParameters.strides, at + rowParameters.strides + kernel.inputs.length);
  return cut(cost, rowParameters.rows, rows, 1, [...kernel.outputs.map(({ per }) => (per === "row" ? 1 : n)), ...strides]);
}

/** Of [outer, n, inner]: between the outer, or where there is one alone, by columns. @param lengths how many elements along n each operand has */
function cutColumnwise(words: Int32Array, from: number, cost: number, lengths: (n: number) => readonly number[]): Cut | null {
  const { outer, n, inner } = readParameters(columnsParameters, words, from);
  const total = outer * n * inner * cost;
  return outer === 1
    ? cut(total, columnsParameters.inner, inner, 16, lengths(n).map(() => 1))
    : cut(total, columnsParameters.outer, outer, 1, lengths(n).map((length) => length * inner));
}

export const cutColumns = (_: ColumnsKernel, words: Int32Array, from: number): Cut | null => cutColumnwise(words, from, 0.15, (n) => [1, n]);

export const cutScan = (kernel: ScanKernel, words: Int32Array, from: number): Cut | null =>
  cutColumnwise(words, from, 1.2, (n) => kernel.operands.map(() => n));

export function cutCopy(_: CopyKernel, words: Int32Array, at: number): Cut | null {
  const axes = readCopyAxes(words, at);
  const last = axes.length - 1;
  if (last < 0) return null;
  const [size, out, into] = axes[last];
  return cut(axes.reduce((cost, axis) => cost * axis[0], 0.5), copyAxisAt(last), size, last === 0 ? 16 : 1, [out, into]);
}

export function cutRandom(_: RandomKernel, words: Int32Array, at: number): Cut | null {
  const n = words[at + randomParameters.n];
  return cut(n * 4, randomParameters.n, n, 64, [1, 0]);
}

export function cutProduct(_: ProductKernel, words: Int32Array, from: number): Cut | null {
  // Most are small, so not all of it is read yet.
  const at = productParameters;
  const cost = words[from + at.m] * words[from + at.n] * words[from + at.k] * words[from + at.count0] * words[from + at.count1] * 0.05;
  if (cost < 2 * PART) return null;
  const { m, n, mode, count0, count1, ...p } = readParameters(productParameters, words, from);
  const steps = (c: number, a: number, b: number): number[] => [c, a, b, mode === ProductMode.matrix ? c : 0];
  if (count0 > 1) return cut(cost, productParameters.count0, count0, 1, steps(count1 * m * n, p.batchA0, p.batchB0));
  if (count1 > 1) return cut(cost, productParameters.count1, count1, 1, steps(m * n, p.batchA1, p.batchB1));
  // Each part packs all of the other side: the longer one is cut, and into parts that repay it.
  const most = Math.max(4, Math.floor(Math.max(m, n) / 256));
  if (m >= n) return cut(cost, productParameters.m, m, 12, steps(n, p.rowA, 0), most);
  return cut(cost, productParameters.n, n, 16, [1, 0, p.columnB, mode === ProductMode.plain ? 0 : 1], most);
}

/** Of what may refuse its data, or adds to the same elements. */
export const neverCut = (): null => null;

function cut(cost: number, parameter: number, size: number, grain: number, steps: readonly number[], most = PARTS): Cut | null {
  const parts = Math.min(Math.floor(cost / PART), Math.max(Math.min(most, PARTS), Math.floor(cost / LONG_PART)), Math.floor(size / grain));
  return parts < 2 ? null : { parts, parameter, size, grain, steps };
}
