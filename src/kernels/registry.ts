/**
 * The kernels that programs use, by id. Users make operations, and structures differ, without end; so from time to time all ids are forgotten, with
 * all plans that hold them and all that devices have compiled for them. Kernels that are used again get another id.
 */

import { type Layout, layoutSize, type Words } from "./layout.ts";

/** What a launch does with an operand: writes all of it, changes it, or reads it. Those that are made come first: the outputs. */
export type Role = "written" | "updated" | "read";

/** What every kind of kernel says of its kernels and their launches. */
export abstract class KernelBase {
  abstract readonly kind: string;
  private place = -1;

  /**
   * @param key equal for equal kernels
   * @param operands outputs first, then inputs
   * @param isFallible may a launch refuse its data, as an index out of range?
   */
  constructor(readonly key: string, readonly operands: readonly Role[], readonly isFallible = false) {}

  /** Unique; what programs call it, from its first use on. */
  get id(): number {
    if (kernels[this.place] !== this) {
      const inputs = this.operands.indexOf("read");
      this.place = kernels.length;
      kernels.push(this);
      operandCounts.push(this.operands.length);
      outputCounts.push(inputs < 0 ? this.operands.length : inputs);
    }
    return this.place;
  }

  /** How many parameters a launch has: they are in `words` from `at` on. */
  abstract parameterCount(words: Words, at: number): number;

  /**
   * Does a launch read exactly the elements of a value that it writes at the same time? Then it may write them where they are.
   * Its operands, pairs of a value and an offset, are in `words` from `at` on, and the parameters after them.
   */
  runsInPlace(_words: Words, _at: number, _value: number): boolean { return false; }
}

/** A kernel of a kind whose launches all have the same parameters. */
export class FixedKernel<K extends string> extends KernelBase {
  constructor(readonly kind: K, operands: readonly Role[], private readonly parameters: Layout, isFallible = false, key: string = kind) {
    super(key, operands, isFallible);
  }

  override parameterCount(): number { return layoutSize(this.parameters); }
}

const kernels: KernelBase[] = [];
/** By id, as kernels are objects of many forms, and looking at them is slow. */
const operandCounts: number[] = [];
const outputCounts: number[] = [];
let generation = 0;

/** So many kernels may be made before they are forgotten: some 50 kB of the engine each. */
export const MAX_KERNELS = 2048;

/** The kernel with this id, as it stands in programs. */
export const registered = (id: number): KernelBase => kernels[id];
/** How many operands a launch of the kernel with this id has. */
export const operandCount = (id: number): number => operandCounts[id];
/** How many of the operands are outputs. */
export const outputCount = (id: number): number => outputCounts[id];
/** How many kernels have an id. */
export const kernelCount = (): number => kernels.length;
/** Changes when ids are forgotten. */
export const kernelGeneration = (): number => generation;

/** Forgets all ids where there are too many. Only while no program is being made. */
export function limitKernels(): void {
  if (kernels.length < MAX_KERNELS) return;
  kernels.length = operandCounts.length = outputCounts.length = 0;
  known.clear();
  generation++;
}

const known = new Map<string, KernelBase>();

/** One object for equal kernels, as long as it is remembered. */
export function intern<K extends KernelBase>(key: string, make: () => K): K {
  const earlier = known.get(key);
  if (earlier !== undefined) return earlier as K;
  if (known.size >= 2 * MAX_KERNELS) known.clear(); // made, but never used
  const fresh = make();
  known.set(key, fresh);
  return fresh;
}
