/** Strided copy of a box, or its addition to what is there; then no element of the output is met twice. */

import { mergedAxes } from "../support/shape.ts";
import type { Words } from "./layout.ts";
import { KernelBase } from "./registry.ts";
import { moved, type Work } from "./work.ts";

/** An axis of a box. Strides may be 0 or negative. */
export type CopyAxis = readonly [size: number, out: number, into: number];
const axisWords = 3;
/** Where it is said how many axes there are, and where each begins. */
export const copyRankAt = 0;
export const copyAxisAt = (axis: number): number => 1 + axisWords * axis;

/**
 * Operands: output, input; their offsets are those of the first element.
 * Parameters: how many axes there are; for each, innermost first, its size and the strides of the output and the input.
 */
export class CopyKernel extends KernelBase {
  readonly kind = "copy";

  constructor(key: string, readonly adds: boolean) { super(key, [adds ? "updated" : "written", "read"]); }

  override parameterCount(words: Words, at: number): number { return copyAxisAt(words.at(at + copyRankAt)); }

  /** A run of neighbours, from where both begin. In place there is nothing to do: such a launch is left out. */
  override runsInPlace(words: Words, at: number): boolean {
    const axis = at + 4 + copyAxisAt(0);
    return !this.adds && words.at(at + 1) === 0 && words.at(at + 3) === 0 &&
      words.at(at + 4 + copyRankAt) === 1 && words.at(axis + 1) === 1 && words.at(axis + 2) === 1;
  }

  /** Axes from the outermost. Those along which both run on are one, and those of size 1 are left out. */
  write(words: Words, sizes: readonly number[], outputStrides: ArrayLike<number>, inputStrides: ArrayLike<number>): void {
    const axes = mergedAxes(sizes, outputStrides, inputStrides).map(({ size, steps: [out, into] }): CopyAxis => [size, out, into]);
    writeCopyAxes(words, axes.length > 0 ? axes : [[1, 1, 1]]);
  }
}

/** The parameters of a copy with these axes, from the innermost. */
export function writeCopyAxes(words: Words, axes: readonly CopyAxis[]): void {
  words.push(axes.length);
  for (const axis of axes) for (const number of axis) words.push(number);
}

/** The axes of a copy, from the innermost. */
export function readCopyAxes(words: ArrayLike<number>, from: number): CopyAxis[] {
  return Array.from({ length: words[from + copyRankAt] }, (_, k) => {
    const at = from + copyAxisAt(k);
    return [words[at], words[at + 1], words[at + 2]];
  });
}

export const copy = /*#__PURE__*/ new CopyKernel("copy", false);
export const copyAdd = /*#__PURE__*/ new CopyKernel("copy add", true);

/** What a launch takes whose parameters begin at `from`. */
export function copyWork(_: CopyKernel, words: Int32Array, from: number): Work {
  return moved(2 * readCopyAxes(words, from).reduce((total, [size]) => total * size, 1), 0);
}
