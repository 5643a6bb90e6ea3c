/** A BLAS made of loops, for tests of what calls one: it needs no library. And the machine's own, where there is one. */

import { type Blas, openBlas } from "../../../src/devices/native/blas.ts";

export interface PlainBlas extends Blas {
  /** What it has been called with. */
  readonly called: { gemm: number; gemv: number };
  /** What it adds to each first element of a result: a library that is wrong. */
  off: number;
  /** How many milliseconds each call takes at least. */
  slowness: number;
}

/** @param threads how many it says that it has */
export function plainBlas(threads = 1): PlainBlas {
  let f32: Float32Array = new Float32Array();
  const at = (address: number | bigint): number => Number(address) / 4;
  const places = (order: number | bigint, form: number | bigint, step: number | bigint) => {
    if (order !== 101) throw new Error("C is stored by rows");
    return form === 111 ? (i: number, j: number): number => i * Number(step) + j : (i: number, j: number): number => j * Number(step) + i;
  };
  const wait = (): void => { for (const end = performance.now() + blas.slowness; performance.now() < end;); };
  const blas: PlainBlas = {
    path: "plain", prefix: "", title: "Plain BLAS 1.0", koffi: null, called: { gemm: 0, gemv: 0 }, off: 0, slowness: 0,
    foreign: {
      by: "node:ffi",
      open: () => { throw new Error("there is no library"); },
      addressOf(view) {
        f32 = new Float32Array(view.buffer);
        return 0n;
      },
    },
    calls: {
      gemm(order, formA, formB, m, n, k, alpha, a, stepA, b, stepB, beta, c, stepC) {
        blas.called.gemm++;
        wait();
        const [placeA, placeB] = [places(order, formA, stepA), places(order, formB, stepB)];
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let sum = beta === 0 ? 0 : f32[at(c) + i * Number(stepC) + j];
            for (let l = 0; l < k; l++) sum += Number(alpha) * f32[at(a) + placeA(i, l)] * f32[at(b) + placeB(l, j)];
            f32[at(c) + i * Number(stepC) + j] = sum + (i + j === 0 ? blas.off : 0);
          }
        }
      },
      gemv(order, form, rows, columns, alpha, a, step, x, stepX, beta, y, stepY) {
        blas.called.gemv++;
        wait();
        const [m, k] = form === 111 ? [rows, columns] : [columns, rows];
        const place = places(order, form, step);
        for (let i = 0; i < m; i++) {
          let sum = beta === 0 ? 0 : f32[at(y) + i * Number(stepY)];
          for (let l = 0; l < k; l++) sum += Number(alpha) * f32[at(a) + place(i, l)] * f32[at(x) + l * Number(stepX)];
          f32[at(y) + i * Number(stepY)] = sum + (i === 0 ? blas.off : 0);
        }
      },
    },
    threads: { get: () => threads, set: (count) => { threads = count; } },
  };
  return blas;
}

/** That of this machine; null, and it is said why, where there is none. */
export function machineBlas(): Blas | null {
  try {
    return openBlas();
  } catch (error) {
    console.info(`Tests of BLAS are skipped: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}
