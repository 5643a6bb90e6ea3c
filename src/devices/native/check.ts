/** Nothing is trusted: products of a BLAS are compared with our own at first. Old builds compute wrong ones on processors that they do not know. */

import { DeviceError } from "../../support/errors.ts";
import { warnOnce } from "../../support/warn.ts";
import { product, ProductMode } from "../../kernels/kernel.ts";
import { aligned, type Program, UNIT } from "../device.ts";
import type { NativeDevice } from "./native.ts";

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Which matrices are stored by columns. */
  readonly transposed: "" | "A" | "B" | "AB";
  readonly mode: (typeof ProductMode)[keyof typeof ProductMode];
  readonly count: number;
}

/** No sizes that kernels like, all forms, and enough terms for more than one block. */
const cases: readonly Case[] = [
  { m: 37, n: 45, k: 131, transposed: "", mode: ProductMode.plain, count: 2 },
  { m: 70, n: 97, k: 401, transposed: "B", mode: ProductMode.matrix, count: 1 },
  { m: 95, n: 33, k: 66, transposed: "A", mode: ProductMode.row, count: 1 },
  { m: 19, n: 203, k: 39, transposed: "AB", mode: ProductMode.plain, count: 1 },
  { m: 1, n: 301, k: 170, transposed: "", mode: ProductMode.matrix, count: 1 },
  { m: 1, n: 170, k: 301, transposed: "B", mode: ProductMode.plain, count: 1 },
  { m: 203, n: 1, k: 190, transposed: "", mode: ProductMode.plain, count: 1 },
  { m: 203, n: 1, k: 190, transposed: "A", mode: ProductMode.matrix, count: 1 },
];
const speedCase: Case = { m: 128, n: 128, k: 128, transposed: "", mode: ProductMode.plain, count: 1 };
const TRIES = 30;

/** A program of one product. Two arrays are bound to its arena: A, B and what is added, one after another, and C. */
function programOf({ m, n, k, transposed, mode, count }: Case): { readonly program: Program; readonly c: number; readonly sizeOfC: number } {
  const sizeOfC = count * m * n;
  const places = [0];
  for (const size of [count * m * k, count * k * n, sizeOfC]) places.push(places[places.length - 1] + aligned(size, UNIT));
  const [a, b, addend, c] = places;
  const operands = [c, a, b, mode === ProductMode.plain ? c : addend].flatMap((offset) => [0, offset]);
  const ofA = transposed.includes("A") ? [1, m] : [k, 1];
  const ofB = transposed.includes("B") ? [1, k] : [n, 1];
  const words = Int32Array.of(product.id, 2 + operands.length + 14, ...operands, m, n, k, ...ofA, ...ofB, mode, 1, 0, 0, count, m * k, k * n);
  return {
    program: {
      words, launches: 1, arena: c + aligned(sizeOfC, UNIT), strands: Int32Array.of(), scalars: Int32Array.of(), hosts: Int32Array.of(0, c), functions: [],
      buffers: 0, checks: null,
    },
    c,
    sizeOfC,
  };
}

/** Numbers from −1 to 1, the same each time. */
function numbers(count: number): Float32Array {
  const drawn = new Float32Array(count);
  for (let i = 0, state = 1; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    drawn[i] = state / 2 ** 31;
  }
  return drawn;
}

/**
 * Carries a case out, by BLAS or by our own kernel. At first C is NaN, which must not matter where nothing is added to it.
 * @returns the result, and how many milliseconds its launch took
 */
function prepared(device: NativeDevice, which: NativeDevice["which"], of: Case, drawn: Float32Array): () => { values: Float32Array; ms: number } {
  const { program, c, sizeOfC } = programOf(of);
  const hosts = [drawn.subarray(0, c), new Float32Array(sizeOfC).fill(NaN)];
  const usual = device.which;
  device.which = which;
  const executable = device.prepare(program);
  device.which = usual;
  const times = new Float64Array(1);
  return () => {
    const arena = device.run(executable, new Float64Array(), hosts, [], times);
    const values = device.readRegion(arena, c, sizeOfC);
    executable.release();
    device.endStep();
    return { values, ms: times[0] };
  };
}

/**
 * Compares products of the device's BLAS with those of our own kernels, and how long they take, with one thread: some milliseconds. A slow library is
 * warned of.
 * @throws DeviceError where one is wrong
 */
export function checkBlas(device: NativeDevice): void {
  const drawn = numbers(Math.max(...[speedCase, ...cases].map((of) => programOf(of).c)));
  device.team.limit = 1;
  checkValues(device, drawn);
  checkSpeed(device, drawn);
  device.team.limit = null;
}

function checkValues(device: NativeDevice, drawn: Float32Array): void {
  const { isQuick, library: { name } } = device;
  for (const of of cases) {
    const own = prepared(device, "none", of, drawn)().values;
    // Sums of k products of numbers up to 1, and what is added, in any order: k + 2 roundings of at most k + 1, in each.
    const bound = (2 * (of.k + 2) * (of.k + 1)) / 2 ** 24;
    // What its kernels for small products compute is computed without them too.
    for (const quick of isQuick ? [true, false] : [false]) {
      device.isQuick = quick;
      const { values } = prepared(device, "all", of, drawn)();
      device.isQuick = isQuick;
      const wrong = values.findIndex((value, i) => !(Math.abs(value - own[i]) <= bound));
      if (wrong < 0) continue;
      throw new DeviceError(
        `${name} computes wrong products: an element of one of ${of.m} × ${of.k} by ${of.k} × ${of.n} is off by ` +
          `${Math.abs(values[wrong] - own[wrong]).toPrecision(2)}, where rounding explains ${bound.toPrecision(2)}. Another library can be chosen by ` +
          "FLIMSY_BLAS, and other kernels of OpenBLAS by OPENBLAS_CORETYPE.",
        "missing",
      );
    }
  }
}

function checkSpeed(device: NativeDevice, drawn: Float32Array): void {
  const [runIts, runOwn] = [prepared(device, "all", speedCase, drawn), prepared(device, "none", speedCase, drawn)];
  let [its, own] = [Infinity, Infinity];
  for (let i = 0; i < TRIES; i++) {
    its = Math.min(its, runIts().ms);
    own = Math.min(own, runOwn().ms);
    if (i >= TRIES / 6 && its < own) return;
  }
  warnOnce(
    "slow BLAS",
    `${device.library.name}, takes ${(its / own).toFixed(1)} times as long for a product as the device wasm does. Perhaps it does not know the processor: ` +
      "start the program with OPENBLAS_CORETYPE=SkylakeX (for AVX-512) or Haswell (for AVX2) in the environment, or use a newer version.",
  );
}
