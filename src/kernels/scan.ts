/** Along the middle axis of [outer, n, inner], each element combined with what all before it have given: running sums, products and maxima. */

import { columnsParameters } from "./columns.ts";
import { readParameters, type Words } from "./layout.ts";
import { FixedKernel, intern } from "./registry.ts";
import { moved, type Work } from "./work.ts";

export type Scan = "sum" | "product" | "maximum";
/** What a scan begins with. */
export const beginnings: Record<Scan, number> = { sum: 0, product: 1, maximum: -Infinity };

/**
 * Operands: output, input, and for a sum perhaps factors of what came before: y[i] = a[i]·y[i − 1] + x[i], and backwards, which is the adjoint,
 * y[i] = a[i + 1]·y[i + 1] + x[i]. A factor of 0 begins anew, also after NaN and ∞.
 */
export class ScanKernel extends FixedKernel<"scan"> {
  constructor(key: string, readonly scan: Scan, readonly isBackwards: boolean, readonly hasFactors: boolean) {
    super("scan", hasFactors ? ["written", "read", "read"] : ["written", "read"], columnsParameters, false, key);
  }

  override runsInPlace(words: Words, at: number, value: number): boolean {
    const input = at + 2;
    return words.at(input) === value && words.at(input + 1) === 0 && !(this.hasFactors && words.at(input + 2) === value);
  }
}

export function scan(scan: Scan, isBackwards = false, hasFactors = false): ScanKernel {
  const key = `scan ${scan} ${isBackwards} ${hasFactors}`;
  return intern(key, () => new ScanKernel(key, scan, isBackwards, hasFactors));
}

/** What a launch takes whose parameters begin at `from`. */
export function scanWork(kernel: ScanKernel, words: Int32Array, from: number): Work {
  const { outer, n, inner } = readParameters(columnsParameters, words, from);
  const elements = outer * n * inner;
  return moved(kernel.operands.length * elements, (kernel.hasFactors ? 2 : 1) * elements);
}
