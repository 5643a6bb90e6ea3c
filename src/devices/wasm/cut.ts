/**
 * Which launches are cut into parts that different threads can compute, and where. The cut depends on the launch alone,
 * never on the number of threads, and every element is computed within one part: so the bits are the same for all.
 */

import { parts as expressions } from "../../kernels/expression.ts";
import { type Kernel, type MapKernel, type RowKernel, varies } from "../../kernels/kernel.ts";

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

/** The cut of a launch whose parameters are in `words` from `at` on; null where it stays whole. */
export function cutOf(kernel: Kernel, words: Int32Array, at: number): Cut | null {
  switch (kernel.kind) {
    case "map": {
      const { inputs } = kernel;
      const rank = words[at + 1 + inputs];
      let total = words[at];
      let axis = at;
      let inner = 1;
      for (let d = 0; d < rank; d++) {
        axis = at + 2 + inputs + d * (1 + inputs);
        inner = total;
        total *= words[axis];
      }
      const cost = total * elementCost(kernel);
      if (cost < 2 * PART) return null;
      return cut(cost, axis - at, words[axis], rank === 0 ? 64 : 1, [...kernel.outputs.map(() => inner), ...words.subarray(axis + 1, axis + 1 + inputs)]);
    }
    case "row": {
      const rows = words[at];
      const n = words[at + 1];
      const cost = rows * n * elementCost(kernel);
      if (cost < 2 * PART) return null;
      return cut(cost, 0, rows, 1, [...kernel.outputs.map(({ per }) => (per === "row" ? 1 : n)), ...words.subarray(at + 2, at + 2 + kernel.inputs.length)]);
    }
    case "columns": {
      const [outer, n, inner] = [words[at], words[at + 1], words[at + 2]];
      const cost = outer * n * inner * 0.15;
      return outer === 1 ? cut(cost, 2, inner, 16, [1, 1]) : cut(cost, 0, outer, 1, [inner, n * inner]);
    }
    case "copy": {
      const axis = 1 + 3 * (words[at] - 1);
      let cost = 0.5;
      for (let d = 1; d <= axis; d += 3) cost *= words[at + d];
      return words[at] === 0 ? null : cut(cost, axis, words[at + axis], axis === 1 ? 16 : 1, [words[at + axis + 1], words[at + axis + 2]]);
    }
    case "random": return cut(words[at] * 4, 0, words[at], 64, [1, 0]);
    case "product": return cutOfProduct(words, at);
    default: return null; // what may refuse its data, or adds to the same elements, stays whole
  }
}

function cutOfProduct(words: Int32Array, at: number): Cut | null {
  const [m, n] = [words[at], words[at + 1]];
  const [count0, count1] = [words[at + 8], words[at + 11]];
  const cost = m * n * words[at + 2] * count0 * count1 * 0.05;
  if (cost < 2 * PART) return null;
  const mode = words[at + 7];
  const ofC = (step: number): number[] => [step, 0, 0, mode === 1 ? step : 0];
  const steps = (step: number, stepA: number, stepB: number): number[] => ofC(step).map((s, operand) => (operand === 1 ? stepA : operand === 2 ? stepB : s));
  if (count0 > 1) return cut(cost, 8, count0, 1, steps(count1 * m * n, words[at + 9], words[at + 10]));
  if (count1 > 1) return cut(cost, 11, count1, 1, steps(m * n, words[at + 12], words[at + 13]));
  // Each part packs all of the other side: the longer one is cut, and into parts that repay it.
  const most = Math.max(4, Math.floor(Math.max(m, n) / 256));
  if (m >= n) return cut(cost, 0, m, 12, steps(n, words[at + 3], 0), most);
  return cut(cost, 1, n, 16, [1, 0, words[at + 6], mode === 0 ? 0 : 1], most);
}

function cut(cost: number, parameter: number, size: number, grain: number, steps: readonly number[], most = PARTS): Cut | null {
  const parts = Math.min(Math.floor(cost / PART), Math.max(Math.min(most, PARTS), Math.floor(cost / LONG_PART)), Math.floor(size / grain));
  return parts < 2 ? null : { parts, parameter, size, grain, steps };
}
