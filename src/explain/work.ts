/** The two limits of a launch: arithmetic and bytes moved. */

import type { Expr } from "../kernels/expression.ts";
import {
  columnsParameters, gatherParameters, type Kernel, type KernelOf, type Kind, parametersAt, productParameters, randomParameters, readCopyAxes, readHostShapes, readMapAxes, rowParameters,
  scanParameters, scatterAddParameters, varies,
} from "../kernels/kernel.ts";
import { sizeOf } from "../support/shape.ts";

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

const moved = (elements: number, flops: number): Work => ({ flops, bytes: 4 * elements });

/** Elements and operations of a launch of each kind; its parameters are in `words` from `at` on. */
const works: { readonly [K in Kind]: (kernel: KernelOf<K>, words: Int32Array, at: number) => Work } = {
  map: (kernel, words, at) => {
    const axes = readMapAxes(kernel, words, at);
    const total = axes.reduce((product, { size }) => product * size, 1);
    const read = axes[0].strides.filter((step) => step !== 0).length;
    return moved(total * (read + kernel.outputs.length), total * costOf(kernel.outputs));
  },
  row: (kernel, words, at) => {
    const { rows, n } = rowParameters.read(words, at);
    const stridesAt = at + rowParameters.at.strides;
    const read = kernel.inputs.map((per, k) => (per === "element" ? n : 1) * (words[stridesAt + k] === 0 ? 1 : rows));
    const written = kernel.outputs.map(({ per }) => (per === "element" ? n : 1) * rows);
    const roots = [...kernel.stages, ...kernel.outputs].map(({ value }) => value);
    const cost = costOf(roots, (part) => varies(kernel, part)) + kernel.stages.length;
    return moved([...read, ...written].reduce((a, b) => a + b, 0), rows * n * cost);
  },
  columns: (_, words, at) => {
    const { outer, n, inner } = columnsParameters.read(words, at);
    return moved(outer * inner * (n + 1), outer * n * inner);
  },
  product: (_, words, at) => {
    const { m, n, k, count0, batchA0, batchB0, count1, batchA1, batchB1 } = productParameters.read(words, at);
    const times = (a: number, b: number): number => (a === 0 ? 1 : count0) * (b === 0 ? 1 : count1);
    const products = count0 * count1;
    return moved(products * m * n + times(batchA0, batchA1) * m * k + times(batchB0, batchB1) * k * n, 2 * products * m * n * k);
  },
  copy: (_, words, at) => moved(2 * readCopyAxes(words, at).reduce((total, [size]) => total * size, 1), 0),
  gather: (_, words, at) => {
    const { outer, count, inner } = gatherParameters.read(words, at);
    return moved(count + 2 * outer * count * inner, 0);
  },
  scatterAdd: (_, words, at) => {
    const { outer, count, inner, size } = scatterAddParameters.read(words, at);
    return moved(count + outer * inner * (2 * count + size), outer * count * inner);
  },
  scan: (kernel, words, at) => {
    const { outer, n, inner } = scanParameters.read(words, at);
    const elements = outer * n * inner;
    return moved(kernel.operands.length * elements, (kernel.hasFactors ? 2 : 1) * elements);
  },
  random: (_, words, at) => {
    const { n } = randomParameters.read(words, at);
    return moved(n, 30 * n);
  },
  host: (kernel, words, at) => moved(readHostShapes(words, at, kernel.operands.length).reduce((total, shape) => total + sizeOf(shape), 0), 0),
};

/** What the launch that begins at `at` takes. */
export function workOf(kernel: Kernel, words: Int32Array, at: number): Work {
  return (works[kernel.kind] as (kernel: Kernel, words: Int32Array, at: number) => Work)(kernel, words, parametersAt(words, at));
}
