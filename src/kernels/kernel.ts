/**
 * What can be launched: a file for each kind of kernel says what it means, and how its launches are written and read.
 * Each device carries a kernel out; shapes arrive as run-time parameters, so a kernel never depends on them.
 *
 * A launch names its operands (outputs first, then inputs) and a list of integer parameters.
 * All sizes, strides and offsets count elements. Outputs are contiguous, row-major.
 */

import type { ColumnsKernel } from "./columns.ts";
import type { CopyKernel } from "./copy.ts";
import type { GatherKernel } from "./gather.ts";
import type { HostKernel } from "./host.ts";
import type { MapKernel } from "./map.ts";
import type { ProductKernel } from "./product.ts";
import type { RandomKernel } from "./random.ts";
import { operandCount, registered } from "./registry.ts";
import type { RowKernel } from "./row.ts";
import type { ScanKernel } from "./scan.ts";
import type { ScatterAddKernel } from "./scatter-add.ts";

export type Kernel =
  | MapKernel | RowKernel | ColumnsKernel | ProductKernel | CopyKernel
  | GatherKernel | ScatterAddKernel | ScanKernel | RandomKernel | HostKernel;
export type Kind = Kernel["kind"];
/** The kernels of a kind. */
export type KernelOf<K extends Kind> = Extract<Kernel, { readonly kind: K }>;

/** The kernel with this id, as it stands in programs. */
export const kernelById = (id: number): Kernel => registered(id) as Kernel;

/** Where the parameters of a launch begin, which itself begins at `at`: behind the kernel's id, the number of words, and (space, offset) of each operand. */
export const parametersAt = (words: Int32Array, at: number): number => at + 2 + 2 * operandCount(words[at]);

export * from "./columns.ts";
export * from "./copy.ts";
export * from "./gather.ts";
export * from "./host.ts";
export { layoutSize, readParameters, writeParameters } from "./layout.ts";
export * from "./map.ts";
export * from "./product.ts";
export * from "./random.ts";
export { kernelCount, kernelGeneration, limitKernels, MAX_KERNELS, operandCount, outputCount } from "./registry.ts";
export * from "./row.ts";
export * from "./scan.ts";
export * from "./scatter-add.ts";
