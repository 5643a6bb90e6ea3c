/** Matrix product C = A·B (+ a matrix or a row), for a batch of two levels. */

import { readParameters, type Words } from "./layout.ts";
import { FixedKernel } from "./registry.ts";
import { moved, type Work } from "./work.ts";

/**
 * M, N, K; row and column strides of A and of B; what is added; for both levels of the batch, outer first: how many, and how far apart those of A
 * and of B are.
 */
export const productParameters = {
  m: 0, n: 1, k: 2, rowA: 3, columnA: 4, rowB: 5, columnB: 6, mode: 7,
  count0: 8, batchA0: 9, batchB0: 10, count1: 11, batchA1: 12, batchB1: 13,
} as const;

/** What a product adds: nothing, a matrix as large as C, which may be C itself, or a row. */
export const ProductMode = { plain: 0, matrix: 1, row: 2 } as const;

/** Operands: C, A, B, addend (C again where there is none). */
export class ProductKernel extends FixedKernel<"product"> {
  constructor() { super("product", ["written", "read", "read", "read"], productParameters); }

  /** Where the matrix that is added is neither A nor B, and begins with the value, C may take its place. */
  override runsInPlace(words: Words, at: number, value: number): boolean {
    const a = at + 2;
    const b = a + 2;
    const addend = b + 2;
    return words.at(addend) === value && words.at(addend + 1) === 0 && words.at(addend + 2 + productParameters.mode) === ProductMode.matrix &&
      words.at(a) !== value && words.at(b) !== value;
  }
}

export const product = /*#__PURE__*/ new ProductKernel();

/** What a launch takes whose parameters begin at `from`. */
export function productWork(_: ProductKernel, words: Int32Array, from: number): Work {
  const { m, n, k, count0, batchA0, batchB0, count1, batchA1, batchB1 } = readParameters(productParameters, words, from);
  const times = (a: number, b: number): number => (a === 0 ? 1 : count0) * (b === 0 ? 1 : count1);
  const products = count0 * count1;
  return moved(products * m * n + times(batchA0, batchA1) * m * k + times(batchB0, batchB1) * k * n, 2 * products * m * n * k);
}
