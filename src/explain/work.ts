/** The two limits of a launch: arithmetic and bytes moved. */

import type { Expr } from "../kernels/expression.ts";
import { type Kernel, operandCount, varies } from "../kernels/kernel.ts";

export interface Work {
  /** Floating-point operations; a product and a sum are two, and so exp or tanh are some ten each. */
  readonly flops: number;
  /** Bytes read and written if everything comes from memory once. */
  readonly bytes: number;
}

/** A machine to estimate by: one core with vectors of 128 bits. Seconds for an operation, a byte, a launch. */
const machine = { flop: 1 / 45e9, byte: 1 / 20e9, launch: 20e-9 };

/** Milliseconds that some work takes at least, by that machine. */
export const estimate = ({ flops, bytes }: Work): number => 1000 * (machine.launch + Math.max(flops * machine.flop, bytes * machine.byte));

/** Roughly what functions cost that are not one instruction. */
const costs: Partial<Record<Expr["kind"], number>> = {
  argument: 0, constant: 0, index: 0, exp: 12, expm1: 14, log: 14, log1p: 16, tanh: 14, sigmoid: 14, sin: 14, cos: 14, pow: 28, div: 4, sqrt: 4,
};

/** The operations for an element; parts that several expressions have in common count once, others than those of an element not at all. */
function costOf(outputs: readonly Expr[], isOfElement: (part: Expr) => boolean = () => true): number {
  const seen = new Set<Expr>();
  const open = [...outputs];
  let cost = 0;
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (seen.has(part) || !isOfElement(part)) continue;
    seen.add(part);
    cost += costs[part.kind] ?? 1;
    for (const input of part.inputs) open.push(input);
  }
  return cost;
}

/** Elements and operations of a launch, from its parameters (`kernels/kernel.ts` says what they are). */
export function workOf(kernel: Kernel, words: Int32Array, at: number): Work {
  const operands = operandCount(kernel.id);
  const parameter = (i: number): number => words[at + 2 + 2 * operands + i];
  const moved = (elements: number, flops: number): Work => ({ flops, bytes: 4 * elements });
  switch (kernel.kind) {
    case "map": {
      const { inputs } = kernel;
      let total = parameter(0);
      for (let d = 0; d < parameter(1 + inputs); d++) total *= parameter(2 + inputs + d * (1 + inputs));
      const read = Array.from({ length: inputs }, (_, k) => parameter(1 + k)).filter((step) => step !== 0).length;
      return moved(total * (read + kernel.outputs.length), total * costOf(kernel.outputs));
    }
    case "row": {
      const [rows, n] = [parameter(0), parameter(1)];
      const read = kernel.inputs.map((per, k) => (per === "element" ? n : 1) * (parameter(2 + k) === 0 ? 1 : rows));
      const written = kernel.outputs.map(({ per }) => (per === "element" ? n : 1) * rows);
      const roots = [...kernel.stages, ...kernel.outputs].map(({ value }) => value);
      const cost = costOf(roots, (part) => varies(kernel, part)) + kernel.stages.length;
      return moved([...read, ...written].reduce((a, b) => a + b, 0), rows * n * cost);
    }
    case "columns": {
      const [outer, n, inner] = [0, 1, 2].map(parameter);
      return moved(outer * inner * (n + 1), outer * n * inner);
    }
    case "product": {
      const [m, n, k] = [0, 1, 2].map(parameter);
      const [outer, outerA, outerB, inner, innerA, innerB] = [8, 9, 10, 11, 12, 13].map(parameter);
      const times = (a: number, b: number): number => (a === 0 ? 1 : outer) * (b === 0 ? 1 : inner);
      const products = outer * inner;
      return moved(products * m * n + times(outerA, innerA) * m * k + times(outerB, innerB) * k * n, 2 * products * m * n * k);
    }
    case "copy": {
      let total = 1;
      for (let axis = 0; axis < parameter(0); axis++) total *= parameter(1 + 3 * axis);
      return moved(2 * total, 0);
    }
    case "gather": case "scatterAdd": {
      const [outer, count, inner, size] = [0, 1, 2, 3].map(parameter);
      return kernel.kind === "gather"
        ? moved(count + 2 * outer * count * inner, 0)
        : moved(count + outer * inner * (2 * count + size), outer * count * inner);
    }
    case "random": return moved(parameter(0), 30 * parameter(0));
    case "host": {
      // For each operand its rank and its sizes.
      let elements = 0;
      for (let i = 2, left = operands; left > 0; left--) {
        const rank = parameter(i++);
        let size = 1;
        for (let axis = 0; axis < rank; axis++) size *= parameter(i++);
        elements += size;
      }
      return moved(elements, 0);
    }
  }
}

