/** The native device: products by BLAS where they lie, with the same bits for every number of threads, and all else as on the wasm device. */

import { afterEach, describe, expect, it } from "vitest";
import { deviceByName, useDevice } from "../../../src/devices/current.ts";
import type { Device } from "../../../src/devices/device.ts";
import { NativeDevice } from "../../../src/devices/native/native.ts";
import { argument } from "../../../src/kernels/expression.ts";
import { kernelCount, map, MAX_KERNELS } from "../../../src/kernels/kernel.ts";
import { threadsOf } from "../../../src/devices/wasm/threads.ts";
import { explain } from "../../../src/explain/index.ts";
import {
  add, affine, evaluate, gather, grad, gradients, input, matmul, type Parameter, parameter, Random, randn, setDevice, sum, threads, transpose, ValueError,
  type Variable,
} from "../../../src/index.ts";
import { machineBlas, plainBlas } from "./blas-in-plain.ts";

afterEach(() => setDevice("wasm"));

/** Products in all forms that BLAS is called in, and two for which there is none: a broadcast matrix, and nothing to sum. */
const products: Record<string, (r: Random) => () => Variable> = {
  "rows by rows": (r) => {
    const [a, b] = [randn([37, 51], r), randn([51, 43], r)];
    return () => matmul(a, b);
  },
  "transposed": (r) => {
    const [a, b] = [randn([51, 37], r), randn([43, 51], r)];
    return () => matmul(transpose(a), transpose(b));
  },
  "with a bias": (r) => {
    const [w, x, b] = [randn([43, 51], r), randn([37, 51], r), randn([43], r)];
    return () => affine(w, x, b);
  },
  "added to a matrix": (r) => {
    const [c, a, b] = [randn([37, 43], r), randn([37, 51], r), randn([51, 43], r)];
    return () => add(matmul(a, b), c);
  },
  "added up": (r) => {
    const [a, b, c, d] = [randn([37, 51], r), randn([51, 43], r), randn([37, 20], r), randn([20, 43], r)];
    return () => add(matmul(a, b), matmul(c, d));
  },
  "of two batches": (r) => {
    const [a, b] = [randn([3, 1, 17, 20], r), randn([5, 20, 19], r)];
    return () => matmul(a, b);
  },
  "a vector by a matrix": (r) => {
    const [a, b] = [randn([1, 201], r), randn([201, 301], r)];
    return () => matmul(a, b);
  },
  "a vector by a transposed matrix, with a bias": (r) => {
    const [w, x, b] = [randn([301, 201], r), randn([1, 201], r), randn([301], r)];
    return () => affine(w, x, b);
  },
  "a matrix by a vector": (r) => {
    const [a, b] = [randn([301, 201], r), randn([201], r)];
    return () => matmul(a, b);
  },
  "a transposed matrix by a vector": (r) => {
    const [a, b] = [randn([201, 301], r), randn([201, 1], r)];
    return () => matmul(transpose(a), b);
  },
};

const valuesOn = (device: Device, f: () => Variable): number[] => {
  useDevice(device);
  return [...evaluate(f).data];
};
const largest = (values: readonly number[]): number => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

describe.each(Object.entries(products))("a product %s", (_, make) => {
  const device = new NativeDevice(plainBlas(), "all");
  it("is as on the reference device", () => {
    const f = make(new Random(1));
    const exact = valuesOn(deviceByName("reference") as Device, f);
    const found = valuesOn(device, f);
    // The plain one adds in float64: what is added, each product and the sum of two are rounded.
    found.forEach((x, i) => expect(Math.abs(x - exact[i])).toBeLessThanOrEqual(4 * 2 ** -24 * largest(exact)));
  });
});

describe("the native device", () => {
  it("has small products computed by its own kernels, and larger ones by BLAS, whatever their form", () => {
    const blas = plainBlas();
    useDevice(new NativeDevice(blas));
    const product = (m: number, n: number, k: number): [number, number] => {
      Object.assign(blas.called, { gemm: 0, gemv: 0 });
      evaluate(() => matmul(input(new Float32Array(m * k), [m, k]), input(new Float32Array(k * n), [k, n])));
      return [blas.called.gemm, blas.called.gemv];
    };
    expect(product(16, 16, 16)).toEqual([0, 0]);
    expect(product(64, 64, 64)).toEqual([1, 0]);
    expect(product(4, 256, 256)).toEqual([0, 0]);
    expect(product(1, 64, 64)).toEqual([0, 0]);
    expect(product(1, 256, 256)).toEqual([0, 1]);
    expect(product(256, 1, 256)).toEqual([0, 1]);
  });

  it("tells who computed each product, and threads() which library there is", () => {
    useDevice(new NativeDevice(plainBlas()));
    const [a, b, small] = [randn([64, 64]), randn([64, 64]), randn([64, 2])];
    const report = explain(() => evaluate(() => add(sum(matmul(a, b)), sum(matmul(a, small)))));
    const found = report.steps[0].launches.filter(({ kernel }) => kernel === "product").map(({ shape, library }) => [shape, library]);
    expect(found).toContainEqual([[64, 64], "Plain BLAS 1.0"]);
    expect(found).toContainEqual([[64, 2], ""]);
    expect(String(report)).toContain("product by Plain BLAS 1.0");
    expect(threads().library).toBe("Plain BLAS 1.0");
    setDevice("reference");
    expect(threads()).not.toHaveProperty("library");
  });

  it("has BLAS compute with one thread, and sets again what the program has set, also after an error", () => {
    const blas = plainBlas(4);
    const device = new NativeDevice(blas);
    const counts: number[] = [];
    const { gemm } = blas.calls;
    Object.assign(blas.calls, { gemm: (...values: Parameters<typeof gemm>) => { counts.push(blas.threads?.get() ?? 0); return gemm(...values); } });
    const spied = new NativeDevice(blas);
    const [a, b] = [randn([64, 64]), randn([64, 64])];
    valuesOn(spied, () => matmul(a, b));
    expect(counts).toEqual([1]);
    expect(blas.threads?.get()).toBe(4);
    useDevice(spied);
    expect(() => evaluate(() => gather(matmul(a, b), sum(matmul(a, b)).mul(0).add(70)))).toThrow(ValueError);
    expect(blas.threads?.get()).toBe(4);
    useDevice(device);
  });

  it("goes on where its memory has grown", () => {
    const device = new NativeDevice(plainBlas());
    const f = products["rows by rows"](new Random(2));
    const before = valuesOn(device, f);
    const held = randn([3_000_000]);
    valuesOn(device, () => add(sum(held), 1));
    expect(valuesOn(device, f)).toEqual(before);
  });
});

it("calls BLAS also after the ids of all kernels have been forgotten", () => {
  const plain = plainBlas();
  const device = new NativeDevice(plain);
  const f = products["rows by rows"](new Random(8));
  const before = valuesOn(device, f);
  for (let i = 0; kernelCount() < MAX_KERNELS; i++) void map(1, argument(0).mul(i + 0.25)).id;
  plain.called.gemm = 0;
  expect(valuesOn(device, f)).toEqual(before);
  expect(kernelCount()).toBeLessThan(MAX_KERNELS);
  expect(plain.called.gemm).toBe(1);
});

const blas = machineBlas();

describe.skipIf(blas === null)(`with ${blas?.title}`, () => {
  const made = (which?: "all"): NativeDevice => new NativeDevice(blas as NonNullable<typeof blas>, which);

  it.each(Object.entries(products))("is a product %s within the bound of rounding", (_, make) => {
    const f = make(new Random(3));
    const exact = valuesOn(deviceByName("reference") as Device, f);
    // A sum of up to 202 terms in any order: as many roundings, each of at most the sum of their absolute values, which is no more than 202 · 5.5².
    valuesOn(made("all"), f).forEach((x, i) => expect(Math.abs(x - exact[i])).toBeLessThanOrEqual(202 * 2 ** -24 * 202 * 5.5 ** 2));
  });

  it("has the infinities and NaN of any product", () => {
    const device = made("all");
    const a = input(Array.from({ length: 40 }, (_, i) => Array.from({ length: 40 }, (_, j) => (i === 3 && j === 5 ? Infinity : i === 7 && j === 8 ? NaN : 1))));
    const b = input(Array.from({ length: 40 }, (_, i) => Array.from({ length: 40 }, (_, j) => (i === 5 && j === 9 ? 0 : 1))));
    const found = valuesOn(device, () => matmul(a, b));
    found.forEach((x, at) => {
      const [i, j] = [Math.floor(at / 40), at % 40];
      expect(x).toBe(i === 7 || (i === 3 && j === 9) ? NaN : i === 3 ? Infinity : j === 9 ? 39 : 40);
    });
  });

  const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

  it("gives the same bits for every number of threads, and each time", { timeout: 60_000 }, async () => {
    const train = (): { step: () => number[] } => {
      const r = new Random(4);
      const θ = [[300, 260], [300], [10, 300], [10]].map((shape): Parameter => parameter(randn(shape, r).mul(0.1)));
      const x = randn([500, 260], r);
      return {
        step: () => {
          for (const w of θ) w.clearGrad();
          const loss = grad(() => sum(affine(θ[2], affine(θ[0], x, θ[1]).tanh(), θ[3]).tanh()));
          return [loss.item(), ...θ.flatMap((w) => [...(w.grad?.data ?? [])])];
        },
      };
    };
    let expected: number[] = [];
    for (const count of [1, 2, 4]) {
      const device = made();
      threadsOf(device.team, count);
      useDevice(device);
      const { step } = train();
      const first = step();
      if (count === 1) expected = first;
      for (let i = 0; threadsOf(device.team).count < count && i < 1000; i++) {
        step();
        await pause(5);
        useDevice(device);
      }
      expect(threadsOf(device.team), threadsOf(device.team).why).toMatchObject({ count });
      for (let i = 0; i < 5; i++) expect(step()).toEqual(expected);
      for (const thread of device.team.threads) await thread.terminate();
    }
  });

  it("has its workers follow where the memory grows", { timeout: 60_000 }, async () => {
    const device = made();
    threadsOf(device.team, 2);
    useDevice(device);
    const [a, b] = [randn([512, 256], new Random(5)), randn([256, 512], new Random(6))];
    const f = (): number[] => [...evaluate(() => matmul(a, b)).data];
    const expected = f();
    for (let i = 0; threadsOf(device.team).count < 2 && i < 1000; i++) {
      f();
      await pause(5);
      useDevice(device);
    }
    expect(threadsOf(device.team)).toMatchObject({ count: 2, why: "" });
    const held: Variable[] = [];
    for (let i = 0; i < 8; i++) {
      held.push(randn([1_000_000 + i]));
      evaluate(() => add(sum(held[i]), 1));
      expect(f()).toEqual(expected);
    }
    for (const thread of device.team.threads) await thread.terminate();
  });

  it("has the gradients of the reference device", () => {
    const r = new Random(7);
    const [w, x, b] = [parameter(randn([100, 80], r).mul(0.1)), randn([60, 80], r), randn([100], r)];
    const f = (): number[] => [...gradients(() => sum(affine(w, x, b).tanh()), [w])[0].data];
    useDevice(deviceByName("reference") as Device);
    const exact = f();
    useDevice(made("all"));
    f().forEach((x, i) => expect(x).toBeCloseTo(exact[i], 4));
  });
});
