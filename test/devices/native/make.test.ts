/** The native device as a program gets it, from the package as it is built, in Node and Deno: what it computes, and what is said where it cannot be had. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { throughNode } from "../../../src/support/foreign.ts";
import { DeviceError, setDevice } from "../../../src/index.ts";
import type { ForeignHost } from "../../../src/support/platform.ts";
import { built } from "../../built.ts";
import { machineBlas } from "./blas-in-plain.ts";

const hasFfi = throughNode(globalThis as ForeignHost, null, () => {}) !== null;
const hasFlag = process.allowedNodeEnvironmentFlags.has("--experimental-ffi");
const blas = machineBlas();
const deno = process.env.DENO_PATH ?? "deno";
const hasDeno = blas !== null && spawnSync(deno, ["--version"]).status === 0;
if (!hasDeno) console.info("Tests of the native device on Deno are skipped: there is no deno, or no BLAS. Install it or set DENO_PATH.");

const folder = mkdtempSync(path.join(tmpdir(), "flimsy-native-"));
const file = path.join(folder, "program.mjs");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  const dist = pathToFileURL(await built()).href;
  writeFileSync(file, `
    const { evaluate, matmul, Random, randn, setDevice, sum, threads } = await import("${dist}/node.js");
    const print = (text) => console.log(text);
    try {
      const [count, device] = (globalThis.Deno?.args ?? process.argv.slice(2));
      if (device) setDevice(device);
      const [a, b] = [randn([300, 400], new Random(1)), randn([400, 500], new Random(2))];
      const step = () => [...evaluate(() => matmul(a, b)).data].join();
      const first = step();
      threads(+count);
      let isSame = true;
      for (let i = 0; i < 5 || (threads().count < +count && i < 600); i++) {
        isSame &&= step() === first;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      print([threads().count, isSame, threads().library].join("; "));
    } catch (error) {
      print([error.constructor.name, error.reason, error.message].join("; "));
    }
    setTimeout(() => globalThis.process?.exit(0));`);
}, 120_000);

/** The program is nowhere near the packages that are installed here. */
const installed = { NODE_PATH: [process.env.NODE_PATH, path.resolve("node_modules")].filter(Boolean).join(path.delimiter) };

/** What a program prints, in Node with some options, and what it says besides. */
function run(options: readonly string[], env: Record<string, string>, ...args: string[]): { said: string; warned: string } {
  const all = { ...process.env, ...installed, ...env };
  const { stdout, stderr } = spawnSync(process.execPath, [...options, file, ...args], { encoding: "utf8", cwd: folder, env: all });
  return { said: stdout.trim(), warned: stderr };
}
const alone = { NODE_PATH: "" };

describe.skipIf(blas === null)("a program on the native device", () => {
  it("computes by BLAS, with the same bits for two threads as for one", () => {
    expect(run([], {}, "2", "native").said).toBe(`2; true; ${blas?.title}`);
  });

  it("need not be changed for it", () => {
    const { said, warned } = run([], { FLIMSY_DEVICE: "native" }, "1");
    expect(said).toBe(`1; true; ${blas?.title}`);
    // Node's warning of node:ffi takes one line, and OpenBLAS may be slow.
    expect(warned.split("\n").filter((line) => line !== "" && !line.includes("OPENBLAS_CORETYPE")).length).toBeLessThanOrEqual(1);
  });

  it.skipIf(!hasDeno)("runs on Deno too, if it may", () => {
    const onDeno = (...allowed: string[]): string =>
      spawnSync(deno, ["run", "--quiet", "--no-prompt", "--allow-read", ...allowed, file, "2", "native"], { encoding: "utf8", cwd: folder }).stdout.trim();
    expect(onDeno("--allow-ffi")).toBe(`2; true; ${blas?.title}`);
    expect(onDeno()).toMatch(/^DeviceError; missing; .* may open none. Deno needs --allow-ffi/);
  });

  it("is told which library cannot be opened", () => {
    expect(run([], { FLIMSY_BLAS: "/nowhere/libblas.so" }, "1", "native").said)
      .toMatch(/^DeviceError; missing; The device native needs a BLAS, and \/nowhere\/libblas.so, which FLIMSY_BLAS names, cannot be opened: /);
    const library = process.platform === "linux" ? "libm.so.6" : "";
    if (library) expect(run([], { FLIMSY_BLAS: library }, "1", "native").said).toMatch(/^DeviceError; missing; libm.so.6 .* no function cblas_sgemm/);
  });
});

it("a program is told how to call foreign functions, where it cannot", () => {
  const { said } = run(hasFfi ? ["--no-experimental-ffi"] : [], alone, "1", "native");
  expect(said).toMatch(hasFlag ? /^DeviceError; missing; .*node --experimental-ffi, or npm install koffi/ : /^DeviceError; missing; .*Node 26 or later/);
});

it.skipIf(!hasFfi)("a program is told what the permission model asks for", () => {
  expect(run(["--permission", "--allow-fs-read=*"], alone, "1", "native").said).toMatch(/^DeviceError; missing; .* may open none. .*--allow-ffi/);
});

it("what a browser loads has no such device, and says so", () => {
  expect(() => setDevice("native")).toThrow(DeviceError);
  expect(() => setDevice("native")).toThrow(/only Node, Deno and Bun/);
});
