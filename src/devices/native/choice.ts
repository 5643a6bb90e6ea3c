/** Which products of a program BLAS computes, by shape and kernels alone, never by a clock: so the same program gives the same bits each time. */

import { productParameters, readParameters } from "../../kernels/kernel.ts";
import type { Cut } from "../wasm/cut.ts";

/** What is called: `cblas_sgemm`, or `cblas_sgemv` for a matrix and a vector. */
export type Call = "gemm" | "gemv";

// The borders, measured on one machine (x86-64 with AVX-512, Node 26) against our own product with OpenBLAS 0.3.21's kernels for AVX-512 and for AVX2, and
// BLIS 0.9: below them one of these takes longer than ours. A call costs some 0.4 µs.

/** Multiplications that are worth a call of gemm, of so many rows and columns: of fewer, most of what it does is to pack the other matrix. */
const leastWork = 2 ** 16;
const leastSide = 10;
/** Elements of a matrix that are worth a call of gemv; a vector times a smaller one is as fast here. */
const leastMatrix = 2 ** 15;

/**
 * Does OpenBLAS have kernels for small products on this processor, which pack nothing? Then they are worth a call from fewer multiplications on, and faster
 * than gemv.
 */
export const hasSmallKernels = (title: string): boolean => /^OpenBLAS .*(SkylakeX|Cooperlake|SapphireRapids)/.test(title);
const leastSmall = 2 ** 15;
/** It uses them up to so many multiplications, and up to so many elements of C where A is stored by rows and B by columns. */
const mostSmall = 10 ** 6;
const mostDots = 1200;

/**
 * What of BLAS computes the product whose parameters are in `words` from `from` on, null where our own kernel does. BLAS takes matrices of which the rows or
 * the columns are contiguous and do not overlap.
 * @param isQuick are there kernels for small products?
 * @param anyway whether or not it is worth a call
 */
export function callFor(words: Int32Array, from: number, isQuick: boolean, anyway = false): Call | null {
  const { m, n, k, rowA, columnA, rowB, columnB } = readParameters(productParameters, words, from);
  const work = m * n * k;
  const isMatrix = (row: number, column: number, rows: number, columns: number): boolean => (column === 1 ? row >= columns : row === 1 && column >= rows);
  const fitsA = isMatrix(rowA, columnA, m, k);
  const fitsB = isMatrix(rowB, columnB, k, n);
  if (work === 0) return null;
  const isSmall = isQuick && work <= mostSmall && (columnA !== 1 || columnB === 1 || m * n <= mostDots);
  if (fitsA && fitsB && isSmall && (anyway || work >= leastSmall)) return "gemm";
  if (m === 1 || n === 1) {
    const fits = m === 1 ? columnA > 0 && fitsB : rowB > 0 && fitsA;
    return fits && (anyway || (m * n >= leastSide && work >= leastMatrix)) ? "gemv" : null;
  }
  return fitsA && fitsB && (anyway || (Math.min(m, n) >= leastSide && work >= leastWork)) ? "gemm" : null;
}

/** So many multiplications are worth two parts. Each packs what it shares with the others again, so there are more only where that costs little. */
const partedWork = 2 ** 22;
const partSide = 256;
/** Edges of parts that suit the kernels of BLAS. */
const grain = 32;

/** Of a cut of a product, that of one for BLAS; null where it stays whole. */
export function cutForBlas(cut: Cut, words: Int32Array, from: number): Cut | null {
  const { m, n, k, count0, count1 } = readParameters(productParameters, words, from);
  const work = m * n * k * count0 * count1;
  if (work < partedWork) return null;
  if (cut.parameter !== productParameters.m && cut.parameter !== productParameters.n) return cut;
  const parts = Math.min(cut.parts, Math.max(2, Math.floor(cut.size / partSide)), Math.floor(cut.size / grain));
  return parts < 2 ? null : { ...cut, parts, grain };
}
