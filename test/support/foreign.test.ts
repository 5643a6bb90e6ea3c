/** Functions of the system's libraries, called by what this runtime has, in the main thread and in workers. */

import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { type Foreign, foreign, throughKoffi, throughNode } from "../../src/support/foreign.ts";
import { installed } from "../../src/support/installed.ts";
import { DeviceError } from "../../src/index.ts";
import type { ForeignHost } from "../../src/support/platform.ts";

const koffi = installed("koffi");

/** Those that this Node has; of Deno and Bun the tests of programs know. */
const ways = [throughNode, throughKoffi].flatMap((look) => look(globalThis as ForeignHost, koffi, () => {}) ?? []);
if (ways.length === 0) console.info("Tests of foreign functions are skipped: this Node has no node:ffi, and the package koffi is not installed.");

/** The system's library of mathematics. */
const library = process.platform === "darwin" ? "libSystem.dylib" : process.platform === "win32" ? "ucrtbase.dll" : "libm.so.6";
const standard = process.platform === "linux" ? "libc.so.6" : library;

describe.each(ways.map((way): [string, Foreign] => [way.by, way]))("foreign functions by %s", (_, way) => {
  it("take and give numbers", () => {
    const math = way.open(library);
    expect(math.find("cos", "f64", ["f64"])(1)).toBe(Math.cos(1));
    expect(math.find("fmaf", "f32", ["f32", "f32", "f32"])(2, 3, 4)).toBe(10);
    expect(math.find("ldexp", "f64", ["f64", "i32"])(3, -2)).toBe(0.75);
    expect(Number(math.find("llround", "i64", ["f64"])(2 ** 40 + 0.5))).toBe(2 ** 40 + 1);
  });

  it("work on memory, of which they take addresses, and give texts", () => {
    const c = way.open(standard);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
    const bytes = new Uint8Array(memory.buffer);
    const address = way.addressOf(bytes);
    expect(typeof address).toBe("bigint");
    c.find("memset", "void", ["address", "i32", "i64"])(address + 3n, 7, 2n);
    expect([...bytes.subarray(0, 7)]).toEqual([0, 0, 0, 7, 7, 0, 0]);
    const text = c.find("strerror", "text", ["i32"])(2);
    expect(text).toMatch(/no such file/i);
    const short = Float32Array.of(1, 2); // one that lies within an object of the engine
    const to = new Float32Array(memory.buffer, 64, 2);
    c.find("memcpy", "void", ["address", "address", "i64"])(address + 64n, way.addressOf(short), 8n);
    expect([...to]).toEqual([1, 2]);
  });

  it("are not found where there are none", () => {
    expect(() => way.open("libnothing-of-the-kind.so")).toThrow();
    const math = way.open(library);
    expect(() => math.find("no_such_function", "void", [])).toThrow();
  });
});

it.skipIf(ways.length === 0)("begins with what the runtime itself has", () => {
  expect(foreign(koffi).by).toBe(ways[0].by);
});

it("says what to do where a runtime has none", () => {
  const hasFlag = process.allowedNodeEnvironmentFlags.has("--experimental-ffi");
  if (ways.some(({ by }) => by === "node:ffi")) return;
  expect(() => foreign(null)).toThrow(DeviceError);
  expect(() => foreign(null)).toThrow(hasFlag ? /node --experimental-ffi, or npm install koffi/ : /Node 26 or later, which has node:ffi, or npm install koffi/);
});

it.skipIf(ways.length === 0)("works in a worker as its text, with a warning in one line at most", async () => {
  const program = `
    const __name = (named) => named;
    const lines = [];
    const ways = [${throughNode}, ${throughKoffi}].map((look) => look(globalThis, ${JSON.stringify(koffi)}, (line) => lines.push(line)));
    const cos = ways.find((way) => way !== null).open(${JSON.stringify(library)}).find("cos", "f64", ["f64"]);
    require("node:worker_threads").parentPort.postMessage([cos(1), lines]);`;
  const worker = new Worker(program, { eval: true, execArgv: [] });
  const [value, lines] = await new Promise<[number, string[]]>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  await worker.terminate();
  expect(value).toBe(Math.cos(1));
  for (const line of lines) expect(line).toMatch(/^node:ffi: [^\n]*$/);
  expect(lines.length).toBeLessThanOrEqual(1);
});
