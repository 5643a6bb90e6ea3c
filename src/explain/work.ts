/** What launches take, and how long that would take a machine. */

import {
  columnsWork, copyWork, gatherWork, hostWork, type Kernel, type KernelOf, type Kind, mapWork, parametersAt, productWork, randomWork, rowWork, scanWork,
  scatterAddWork,
} from "../kernels/kernel.ts";
import type { Work } from "../kernels/work.ts";

/** A machine to estimate by: seconds for an operation, a byte, a launch. */
export interface Machine {
  readonly flop: number;
  readonly byte: number;
  readonly launch: number;
}

/** One core with vectors of 128 bits. */
export const processor: Machine = { flop: 1 / 45e9, byte: 1 / 20e9, launch: 20e-9 };

/** Milliseconds that some work takes at least, by a machine. */
export const estimate = ({ flops, bytes }: Work, { flop, byte, launch }: Machine): number => 1000 * (launch + Math.max(flops * flop, bytes * byte));

const works: { readonly [K in Kind]: (kernel: KernelOf<K>, words: Int32Array, from: number) => Work } = {
  map: mapWork, row: rowWork, columns: columnsWork, product: productWork, copy: copyWork, gather: gatherWork, scatterAdd: scatterAddWork, scan: scanWork,
  random: randomWork, host: hostWork,
};

/** What the launch that begins at `at` takes. */
export function workOf(kernel: Kernel, words: Int32Array, at: number): Work {
  return (works[kernel.kind] as (kernel: Kernel, words: Int32Array, from: number) => Work)(kernel, words, parametersAt(words, at));
}
