/** Matrix products by `cblas_sgemm`: which launches of the wasm device it computes, and how. */

import { layoutSize, ProductMode, productParameters, readParameters } from "../../kernels/kernel.ts";
import { I32, ModuleBuilder } from "../wasm/assembler.ts";
import type { Cut } from "../wasm/cut.ts";
import type { KernelTable } from "../wasm/kernels.ts";
import { loadWord, toBytes, word, words } from "../wasm/layout.ts";
import { emitStepFrom } from "../wasm/product-packed.ts";
import type { ForeignFunction, ForeignType } from "./foreign.ts";

/** What is called: `cblas_sgemm`, and for a matrix and a vector `cblas_sgemv`. */
export interface Calls {
  readonly gemm: ForeignFunction;
  readonly gemv: ForeignFunction;
}
export const takes: { readonly [name in keyof Calls]: readonly ForeignType[] } = {
  gemm: ["i32", "i32", "i32", "i32", "i32", "i32", "f32", "address", "i32", "address", "i32", "f32", "address", "i32"],
  gemv: ["i32", "i32", "i32", "i32", "f32", "address", "i32", "address", "i32", "f32", "address", "i32"],
};

// The borders, measured on one machine (x86-64 with AVX-512, Node 26) against our own product with OpenBLAS 0.3.21's kernels for AVX-512 and for AVX2, and
// BLIS 0.9: below them one of these takes longer than ours. A call costs some 0.4 µs.

/** Multiplications that are worth a call of gemm, of so many rows and columns: of fewer, most of what it does is to pack the other matrix. */
const leastWork = 2 ** 16;
const leastSide = 10;
/** Elements of a matrix that are worth a call of gemv; a vector times a smaller one is as fast here. */
const leastMatrix = 2 ** 15;

/**
 * Is the product, whose parameters are in `words` from `from` on, one for BLAS? That takes matrices of which either the rows or the columns are
 * contiguous and do not overlap.
 * @param anyway whether or not it is worth a call
 */
export function isForBlas(words: Int32Array, from: number, anyway = false): boolean {
  const { m, n, k, rowA, columnA, rowB, columnB } = readParameters(productParameters, words, from);
  const isMatrix = (row: number, column: number, rows: number, columns: number): boolean => (column === 1 ? row >= columns : row === 1 && column >= rows);
  if (m === 1 || n === 1) {
    const fits = m === 1 ? columnA > 0 && isMatrix(rowB, columnB, k, n) : rowB > 0 && isMatrix(rowA, columnA, m, k);
    return fits && m * n * k > 0 && (anyway || (m * n >= leastSide && m * n * k >= leastMatrix));
  }
  const fits = isMatrix(rowA, columnA, m, k) && isMatrix(rowB, columnB, k, n);
  return fits && m * n * k > 0 && (anyway || (Math.min(m, n) >= leastSide && m * n * k >= leastWork));
}

/** So many multiplications are worth a part of their own. */
const partWork = 2 ** 22;

/** Of a cut of a product, that of one for BLAS: each part packs what it shares with the others again, so they are larger. */
export function cutForBlas(cut: Cut, words: Int32Array, from: number): Cut | null {
  const { m, n, k, count0, count1 } = readParameters(productParameters, words, from);
  const parts = Math.min(cut.parts, Math.floor((m * n * k * count0 * count1) / partWork));
  return parts < 2 ? null : { ...cut, parts };
}

/**
 * Adds a kernel to a table, and returns its place: it puts what a product adds where C is, and calls the function `product`, which adds the product.
 */
export function addForeignProduct(kernels: KernelTable): number {
  const { used, table, isShared } = kernels;
  const module = new ModuleBuilder();
  const product = module.importFunction("product", [I32]);
  module.importMemory("memory", isShared);
  module.function(String(used), 1, (f) => {
    const at = (parameter: number): number => 4 + parameter;
    const mode = word(f, at(productParameters.mode));
    const [c, , , from] = words(f, 0, 4);
    const [rows, bytes, stepC, stepFrom] = f.locals(4);
    f.get(c).get(from).i32Ne().i32(ProductMode.plain).get(mode).select().if(() => {
      const { m, count0, count1, n } = productParameters;
      loadWord(f, at(m));
      for (const count of [count0, count1]) loadWord(f, at(count)).i32Mul();
      f.set(rows);
      loadWord(f, at(n)).set(bytes);
      toBytes(f, bytes).set(bytes);
      loadWord(f, at(layoutSize(productParameters))).set(stepC);
      toBytes(f, stepC).set(stepC);
      emitStepFrom(f, mode, stepC, stepFrom);
      f.times(rows, () => { f.get(c).get(from).get(bytes).memoryCopy().advance(c, stepC).advance(from, stepFrom); });
    });
    f.get(0).call(product);
  });
  const exports = kernels.instantiate(module.complete(), used + 1);
  if (used === table.length) table.grow(table.length);
  table.set(used, exports[used] as () => void);
  return kernels.used++;
}

/**
 * What computes the launch of such a kernel at an address, as wasm/product.ts describes it. Its text is part of the program of workers: so it uses nothing
 * from outside, and its numbers are those of a launch.
 */
export function products(memory: WebAssembly.Memory, { gemm, gemv }: Calls, addressOf: (view: Int32Array) => bigint): (launch: number) => void {
  let words = new Int32Array(memory.buffer);
  let base = addressOf(words);
  /** The memory has grown: a view of before ends earlier, and is empty where the memory is not shared. */
  const follow = (length: number): void => {
    words = new Int32Array(memory.buffer);
    if (words.length < length) {
      memory.grow(0); // by another thread
      words = new Int32Array(memory.buffer);
    }
    base = addressOf(words);
  };
  /** One product of the launch that begins at word `at`: C, A, B are addresses. */
  const multiply = (at: number, c: bigint, a: bigint, b: bigint): void => {
    const m = words[at + 6];
    const n = words[at + 7];
    const k = words[at + 8];
    const rowA = words[at + 9];
    const columnA = words[at + 10];
    const rowB = words[at + 11];
    const columnB = words[at + 12];
    const beta = words[at + 13] === 0 ? 0 : 1;
    // 101: C is stored by rows. 111: a matrix is as well, 112: it is stored by columns.
    if (m === 1) {
      if (columnB === 1) gemv(101, 112, k, n, 1, b, rowB, a, columnA, beta, c, 1);
      else gemv(101, 111, n, k, 1, b, columnB, a, columnA, beta, c, 1);
    } else if (n === 1) {
      if (columnA === 1) gemv(101, 111, m, k, 1, a, rowA, b, rowB, beta, c, words[at + 20]);
      else gemv(101, 112, k, m, 1, a, columnA, b, rowB, beta, c, words[at + 20]);
    } else {
      const isRowsA = columnA === 1;
      const isRowsB = columnB === 1;
      gemm(
        101, isRowsA ? 111 : 112, isRowsB ? 111 : 112, m, n, k, 1, a, isRowsA ? rowA : columnA, b, isRowsB ? rowB : columnB, beta, c, words[at + 20],
      );
    }
  };
  return (launch) => {
    const at = launch >>> 2;
    if (at + 21 > words.length) follow(at + 21);
    const step = 4 * words[at + 6] * words[at + 20];
    let c = words[at + 2] >>> 0;
    let outerA = words[at + 3] >>> 0;
    let outerB = words[at + 4] >>> 0;
    for (let i = words[at + 14]; i > 0; i--) {
      let a = outerA;
      let b = outerB;
      for (let j = words[at + 17]; j > 0; j--) {
        multiply(at, base + BigInt(c), base + BigInt(a), base + BigInt(b));
        c += step;
        a += 4 * words[at + 18];
        b += 4 * words[at + 19];
      }
      outerA += 4 * words[at + 15];
      outerB += 4 * words[at + 16];
    }
  };
}
