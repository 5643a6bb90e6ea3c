/** The forms of the matrix product, those that are fast on a processor and those that are on a GPU, beside each other and the float64 reference device. */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useDevice } from "../../../src/devices/current.ts";
import type { Forms } from "../../../src/devices/webgpu/kinds.ts";
import type { WebGpuDevice } from "../../../src/devices/webgpu/webgpu.ts";
import { add, evaluate, grad, input, matmul, parameter, permute, rand, seed, setDevice, slice, type Variable } from "../../../src/index.ts";
import { gpu } from "./adapter.ts";
import { onGpu } from "./made.ts";

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  readonly transposed: readonly [a: boolean, b: boolean];
  /** Where in larger matrices A and B begin. */
  readonly first: readonly [a: number, b: number];
  readonly added: "nothing" | "row" | "matrix" | "product";
}

/** A matrix of a stack of them, or its transpose, within a larger one. */
function matrix(batch: number, rows: number, columns: number, isTransposed: boolean, first: number): Variable {
  const [high, wide] = isTransposed ? [columns, rows] : [rows, columns];
  const all = input(rand([batch, high + first, wide + first])).mul(2).sub(1);
  const part = first > 0 ? slice(all, null, [first, undefined], [first, undefined]) : all;
  return isTransposed ? permute(part, [0, 2, 1]) : part;
}

async function compute({ m, n, k, batch, transposed, first, added }: Case): Promise<readonly number[]> {
  seed(3);
  const [a, b] = [matrix(batch, m, k, transposed[0], first[0]), matrix(batch, k, n, transposed[1], first[1])];
  const more = { nothing: null, row: input(rand([n])), matrix: input(rand([batch, m, n])), product: null }[added];
  const result = evaluate(() => {
    const product = matmul(a, b);
    if (added === "product") return add(product, matmul(a.mul(0.5), b));
    return more === null ? product : add(product, more);
  });
  return Array.from(await result.read());
}

const plain: Case = { m: 5, n: 7, k: 3, batch: 1, transposed: [false, false], first: [0, 0], added: "nothing" };
const bools = [false, true];
/** Its compiler takes seconds for a kernel with barriers. */
const isSlow = gpu?.name.includes("SwiftShader") ?? false;
/** Each form at least once: alone and by vectors; shared by workgroups, with tiles of both heights; K cut into blocks. */
const cases: readonly Case[] = [
  plain, { ...plain, m: 1, k: 700 }, { ...plain, n: 1, k: 513 }, { ...plain, m: 1, n: 1, k: 1030 }, { ...plain, m: 33, n: 47, k: 61 },
  { ...plain, m: 1, n: 64, k: 256 }, { ...plain, m: 90, n: 100, k: 515, batch: 2 }, { ...plain, m: 16, n: 16, k: 0 },
  ...bools.flatMap((a) => bools.flatMap((b) => (["nothing", "row", "matrix", "product"] as const).map((added): Case =>
    ({ m: 20, n: 36, k: 300, batch: 3, transposed: [a, b], first: [0, 0], added })))),
  ...bools.flatMap((a) => bools.map((b): Case => ({ ...plain, m: 24, n: 40, k: 44, transposed: [a, b], first: [3, 4] }))),
  { ...plain, m: 20, n: 20, k: 8, batch: 256, added: "row" }, { ...plain, m: 21, n: 19, k: 6, batch: 256, transposed: [true, true] },
];

if (isSlow) console.warn("Skipped on SwiftShader: most products in the forms that share memory, which take it seconds to compile.");

describe.runIf(gpu !== null)(`products on ${gpu?.name}`, () => {
  const devices = new Map<Forms, WebGpuDevice>();
  beforeAll(async () => { for (const forms of ["processor", "gpu"] as const) devices.set(forms, await onGpu("worker", forms)); });
  afterAll(() => setDevice("wasm"));

  async function check(given: Case): Promise<void> {
    await setDevice("reference");
    const exact = await compute(given);
    useDevice(devices.get("processor") as WebGpuDevice);
    const found = await compute(given);
    useDevice(devices.get("gpu") as WebGpuDevice);
    const other = await compute(given);
    expect(found.length).toBe(exact.length);
    expect(found.every((value, i) => Object.is(value, other[i]))).toBe(true);
    // Products of numbers below 1, each rounded to 6·10⁻⁸ of a sum that is seldom above √k.
    const errors = found.map((value, i) => Math.abs(value - exact[i]));
    expect(errors.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(1e-6 * (given.k + 1));
  }

  const tried = isSlow ? cases.filter(({ m, n, transposed: [a, b] }) => m < 16 || n < 16 || (n === 36 && !a && !b)) : cases;
  it.each(tried)("are the same to the bit in all forms: $m × $k × $n, $batch times, $transposed, $first, $added", check);

  it.skipIf(isSlow)("are the same to the bit whatever the sizes", async () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(12, 16, 17, 24, 32, 65));
    await fc.assert(fc.asyncProperty(fc.record({
      m: size, n: size, k: fc.oneof(size, fc.constantFrom(256, 257, 520)), batch: fc.integer({ min: 1, max: 3 }),
      transposed: fc.tuple(fc.boolean(), fc.boolean()), first: fc.tuple(fc.nat(4), fc.nat(4)), added: fc.constantFrom("nothing", "row", "matrix", "product"),
    }), check), { numRuns: 15, seed: 5 });
  });

  it("take what begins anywhere in memory", async () => {
    const [x, w] = [parameter(Array.from({ length: 35 }, (_, i) => i)), input(rand([8, 12]))];
    const f = () => grad(() => {
      const part = slice(x.mul(2), [3, undefined]).reshape([4, 8]);
      const isLarge = part.sum().item() > 0; // from here on it is a view of what has run
      return matmul(part, w).mul(isLarge ? 1 : 2).sum();
    });
    await setDevice("reference");
    const exact = f().item();
    for (const device of devices.values()) {
      useDevice(device);
      expect(Math.abs(f().item() / exact - 1)).toBeLessThan(1e-6);
    }
  });
});
