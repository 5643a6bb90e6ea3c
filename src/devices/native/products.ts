/** Matrix products by BLAS: kernels that call it, for launches of the wasm device. */

import { layoutSize, ProductMode, productParameters } from "../../kernels/kernel.ts";
import { I32, ModuleBuilder } from "../wasm/assembler.ts";
import type { KernelTable } from "../wasm/kernels.ts";
import { loadWord, toBytes, word, words } from "../wasm/layout.ts";
import { emitStepFrom } from "../wasm/product-packed.ts";
import type { Call } from "./choice.ts";
import type { ForeignFunction, ForeignType } from "../../support/foreign.ts";

/** The functions of BLAS, and what they take. */
export type Calls = { readonly [name in Call]: ForeignFunction };
export const takes: { readonly [name in Call]: readonly ForeignType[] } = {
  gemm: ["i32", "i32", "i32", "i32", "i32", "i32", "f32", "address", "i32", "address", "i32", "f32", "address", "i32"],
  gemv: ["i32", "i32", "i32", "i32", "f32", "address", "i32", "address", "i32", "f32", "address", "i32"],
};

/** Adds the kernels to a table, and returns their places: they put what a product adds where C is, and call what adds the product, which has their name. */
export function addForeignProducts(kernels: KernelTable): { readonly [name in Call]: number } {
  const { used, table, isShared } = kernels;
  const module = new ModuleBuilder();
  const [gemm, gemv] = ["gemm", "gemv"].map((name) => module.importFunction(name, [I32]));
  module.importMemory("memory", isShared);
  const begin = module.function(null, 1, (f) => {
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
  });
  [gemm, gemv].forEach((call, i) => { module.function(String(used + i), 1, (f) => { f.get(0).call(begin).get(0).call(call); }); });
  const exports = kernels.instantiate(module.complete(), used + 2);
  if (used + 2 > table.length) table.grow(2);
  for (; kernels.used < used + 2; kernels.used++) table.set(kernels.used, exports[kernels.used] as () => void);
  return { gemm: used, gemv: used + 1 };
}

/**
 * What computes the launches of these kernels, as wasm/product.ts describes them, given their addresses. Its text is part of the program of workers: so it uses
 * nothing from outside, and its numbers are those of a launch.
 */
export function products(
  memory: WebAssembly.Memory, { gemm, gemv }: Calls, addressOf: (view: Int32Array) => bigint,
): { readonly [name in Call]: (launch: number) => void } {
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
  /** One product of the launch that begins at word `at`: C, A, B are addresses. 101: C is stored by rows. 111: a matrix is as well, 112: it is by columns. */
  const matrices = (at: number, c: bigint, a: bigint, b: bigint): void => {
    const isRowsA = words[at + 10] === 1;
    const isRowsB = words[at + 12] === 1;
    gemm(
      101, isRowsA ? 111 : 112, isRowsB ? 111 : 112, words[at + 6], words[at + 7], words[at + 8],
      1, a, words[isRowsA ? at + 9 : at + 10], b, words[isRowsB ? at + 11 : at + 12], words[at + 13] === 0 ? 0 : 1, c, words[at + 20],
    );
  };
  /** The same of a matrix and a vector, one row or one column. */
  const vector = (at: number, c: bigint, a: bigint, b: bigint): void => {
    const m = words[at + 6];
    const n = words[at + 7];
    const k = words[at + 8];
    const columnA = words[at + 10];
    const rowB = words[at + 11];
    const beta = words[at + 13] === 0 ? 0 : 1;
    if (m > 1) {
      if (columnA === 1) gemv(101, 111, m, k, 1, a, words[at + 9], b, rowB, beta, c, words[at + 20]);
      else gemv(101, 112, k, m, 1, a, columnA, b, rowB, beta, c, words[at + 20]);
    } else if (words[at + 12] === 1) gemv(101, 112, k, n, 1, b, rowB, a, columnA, beta, c, 1);
    else gemv(101, 111, n, k, 1, b, words[at + 12], a, columnA, beta, c, 1);
  };
  /** All products of a launch. */
  const each = (multiply: (at: number, c: bigint, a: bigint, b: bigint) => void) => (launch: number): void => {
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
  return { gemm: each(matrices), gemv: each(vector) };
}
