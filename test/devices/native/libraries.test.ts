/**
 * The libraries of BLAS that Debian has: each computes right products, with the same bits by several threads at once. `BLAS_PATHS` names more of them, with
 * colons between; those that are missing are skipped.
 */

import { existsSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { useDevice } from "../../../src/devices/current.ts";
import { type Blas, openBlas } from "../../../src/devices/native/blas.ts";
import { checkBlas } from "../../../src/devices/native/check.ts";
import { NativeDevice } from "../../../src/devices/native/native.ts";
import { threadsOf } from "../../../src/devices/wasm/threads.ts";
import { evaluate, matmul, Random, randn, setDevice } from "../../../src/index.ts";
import { machineBlas } from "./blas-in-plain.ts";

const folder = "/usr/lib/x86_64-linux-gnu";
const builds = ["pthread", "openmp", "serial"];
const standard = [...builds.map((build) => `openblas-${build}/libopenblas.so.0`), ...builds.map((build) => `blis-${build}/libblis.so.4`)];
const all = [...standard.map((name) => `${folder}/${name}`), ...(process.env.BLAS_PATHS?.split(":") ?? [])];
const paths = machineBlas() === null ? [] : all.filter((path) => existsSync(path));
const allWide = [`${folder}/libopenblas64.so.0`, ...(process.env.BLAS64_PATHS?.split(":") ?? [])];
const wide = machineBlas() === null ? [] : allWide.filter((path) => existsSync(path));
if (paths.length < standard.length) console.info(`Of the libraries of BLAS that are tested where they are, ${paths.length} of ${standard.length} are here.`);
if (wide.length === 0) console.info("That one with integers of 64 bits is refused is not tested: there is no libopenblas64.");

it.skipIf(paths.length + wide.length === 0)("finds libraries", () => { expect([...paths, ...wide]).not.toEqual([]); });

const { FLIMSY_BLAS } = process.env;
afterEach(() => {
  vi.restoreAllMocks();
  if (FLIMSY_BLAS === undefined) delete process.env.FLIMSY_BLAS;
  else process.env.FLIMSY_BLAS = FLIMSY_BLAS;
  setDevice("wasm");
});

function open(path: string): Blas {
  process.env.FLIMSY_BLAS = path;
  return openBlas();
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

describe.each(paths)("%s", (path) => {
  it("is known by name, and gives the same bits with three threads as with one", { timeout: 60_000 }, async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {}); // of slow kernels
    const blas = open(path);
    expect(blas.title).toMatch(path.includes("blis") ? /^BLIS \d+\.\d+.*, kernels for \w+$/ : /^OpenBLAS \d+\.\d+.*, kernels for \w+$/);
    const before = blas.threads?.get();
    const device = new NativeDevice(blas);
    checkBlas(device);
    threadsOf(device.team, 3);
    useDevice(device);
    const r = new Random(1);
    const pairs = [[[500, 300], [300, 400]], [[20, 64, 32], [20, 32, 64]], [[1, 2000], [2000, 1500]]].map((shapes) => shapes.map((shape) => randn(shape, r)));
    const f = (): Uint8Array[] => pairs.map(([a, b]) => new Uint8Array(evaluate(() => matmul(a, b)).data.slice().buffer));
    const expected = f();
    for (let i = 0; i < 5 || (threadsOf(device.team).count < 3 && i < 1000); i++) {
      expect(f().map((bytes, i) => Buffer.compare(bytes, expected[i]))).toEqual([0, 0, 0]);
      await pause(5);
      useDevice(device);
    }
    expect(threadsOf(device.team)).toMatchObject({ count: 3, why: "" });
    expect(blas.threads?.get()).toBe(before);
    for (const thread of device.team.threads) await thread.terminate();
  });
});

it.each(wide)("%s is refused, as it takes integers of 64 bits", (path) => {
  expect(() => open(path)).toThrow(/integers of 64 bits/);
});
