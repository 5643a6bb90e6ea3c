/** `threads()` as a program sees it: steps give the same bits for every number of threads, and a process ends when its program does. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  Adam, affine, conv2d, cost, evaluate, grad, input, matmul, maxPool2d, mul, parameter, rand, Random, randn, relu, sigmoid, slice, sum, tanh, threads,
  type Variable, zeros,
} from "../../src/index.ts";
import { deviceByName } from "../../src/devices/current.ts";
import { threadsOf } from "../../src/devices/wasm/threads.ts";
import type { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import { behind } from "../device.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

const models: Record<string, () => number[]> = {
  "a network of two layers": () => {
    const r = new Random(2);
    const θ = [[129, 301], [129], [10, 129], [10]].map((shape) => parameter(randn(shape, r).mul(0.1)));
    const x = rand([61, 301], r);
    const y = Array.from({ length: 61 }, (_, i) => i % 10);
    const optimizer = new Adam(θ, { learningRate: 1e-3 });
    const losses = Array.from({ length: 8 }, () => {
      const loss = grad(() => cost.categoricalCrossEntropyWithScores(affine(θ[2], relu(affine(θ[0], x, θ[1])), θ[3]), y)).item();
      optimizer.update();
      return loss;
    });
    return [...losses, ...θ.flatMap((w) => [...w.data])];
  },
  "a recurrent network": () => {
    const r = new Random(3);
    const [hidden, batch, inputs] = [97, 33, 64];
    const [wx, wh, b] = [[4 * hidden, inputs], [4 * hidden, hidden], [4 * hidden]].map((shape) => parameter(randn(shape, r).mul(0.1)));
    const xs = Array.from({ length: 7 }, () => randn([batch, inputs], r));
    const step = (): number => grad(() => {
      let h: Variable = zeros([batch, hidden]);
      let c = h;
      for (const x of xs) {
        const gates = affine(wx, x, b).add(affine(wh, h, zeros([4 * hidden])));
        const [i, f, o, z] = [0, 1, 2, 3].map((k) => slice(gates, [0, batch], [k * hidden, (k + 1) * hidden]));
        c = sigmoid(f).mul(c).add(sigmoid(i).mul(tanh(z)));
        h = sigmoid(o).mul(tanh(c));
      }
      return sum(mul(h, h));
    }).item();
    const losses = Array.from({ length: 6 }, step);
    return [...losses, ...[wx, wh, b].flatMap((w) => [...(w.grad as Variable).data])];
  },
  "a convolution": () => {
    const r = new Random(4);
    const w = parameter(randn([16, 3, 5, 5], r).mul(0.1));
    const x = randn([9, 3, 29, 31], r);
    const losses = Array.from({ length: 5 }, () => grad(() => sum(mul(tanh(conv2d(x, w)), 0.01))).item());
    return [...losses, ...(w.grad as Variable).data];
  },
  "convolutions and pools, whose samples are shared in strands": () => {
    const r = new Random(6);
    const w = [[8, 1, 5, 5], [12, 8, 3, 3]].map((shape) => parameter(randn(shape, r).mul(0.1)));
    const b = parameter(randn([8], r));
    const x = randn([23, 1, 30, 27], r);
    const losses = Array.from({ length: 5 }, () => grad(() => {
      const h = relu(maxPool2d(conv2d(x, w[0], b, { padding: 2 }), 2));
      return sum(mul(tanh(maxPool2d(conv2d(h, w[1], null, { stride: 1 }), 3)), 0.01));
    }).item());
    return [...losses, ...[...w, b].flatMap((p) => [...(p.grad as Variable).data])];
  },
  "attention": () => {
    const r = new Random(5);
    const [q, k, v] = [0, 1, 2].map(() => parameter(randn([6, 70, 33], r)));
    const scores = (): Variable => matmul(q, k.permute([0, 2, 1])).softmax();
    const losses = Array.from({ length: 5 }, () => grad(() => sum(tanh(matmul(scores(), v)))).item());
    return [...losses, ...[q, k, v].flatMap((w) => [...(w.grad as Variable).data])];
  },
};

describe.skipIf(behind !== null)("steps", () => {
  beforeAll(async () => {
    threads(4);
    evaluate(() => sum(matmul(rand([300, 300]), rand([300, 300]))));
    for (let i = 0; threads().count < 4 && i < 1000; i++) await pause(10);
    expect(threads()).toEqual({ count: 4, limit: 4, why: "" });
  });
  afterAll(() => { threads(1); });

  it.each(Object.keys(models))("%s: the same bits on 1, 2, 3 and 4 threads", (name) => {
    threads(1);
    const expected = models[name]();
    expect(expected.every(Number.isFinite)).toBe(true);
    for (const count of [2, 3, 4, 1]) {
      expect(threads(count).count).toBe(count);
      const numbers = models[name]();
      expect(numbers.length).toBe(expected.length);
      expect(numbers.findIndex((value, i) => !Object.is(value, expected[i]))).toBe(-1);
    }
  });

  it("can grow beyond the memory that workers have seen", () => {
    const large = input(new Float32Array(2 ** 23).fill(0.5));
    for (const count of [1, 2, 4]) {
      threads(count);
      // 96 MiB more than before at least.
      expect(evaluate(() => sum(tanh(large).add(sigmoid(large)))).item() / 2 ** 23).toBeCloseTo(Math.tanh(0.5) + 1 / (1 + Math.exp(-0.5)), 5);
    }
  });

  it("are of the default device, which reports", () => {
    expect(threadsOf((deviceByName("wasm") as WasmDevice).team)).toEqual(threads());
  });
});

describe("a process", () => {
  let folder: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "flimsy-threads-"));
    const entry = fileURLToPath(new URL("../../src/index.ts", import.meta.url));
    await esbuild.build({
      entryPoints: [entry], bundle: true, format: "esm", platform: "neutral", outfile: path.join(folder, "flimsy.mjs"), logLevel: "error",
    });
  });
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs a program; resolves when it ends, with how long that took from when it said "end". */
  async function run(
    program: string, onEnd: (child: ChildProcess) => void = () => {},
  ): Promise<{ code: number | null; signal: string | null; ms: number; text: string }> {
    const file = path.join(folder, `program-${children.length}.mjs`);
    await writeFile(file, `
      import { evaluate, matmul, rand, sum, threads } from "./flimsy.mjs";
      const large = () => evaluate(() => sum(matmul(rand([400, 400]), rand([400, 400])))).item();
      const started = async () => { for (large(); threads().count < 2;) await new Promise((resolve) => setTimeout(resolve, 5)); large(); };
      ${program}`);
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    let text = "";
    let end = 0;
    const listen = (data: Buffer): void => {
      text += data;
      if (end === 0 && text.includes("end")) {
        end = performance.now();
        onEnd(child);
      }
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    return new Promise((resolve) => child.on("exit", (code, signal) => resolve({ code, signal, ms: performance.now() - end, text })));
  }

  // It takes some milliseconds, but the machine may be busy.
  const SOON = 3000;

  it.each([
    ["when its program ends", "await started(); console.log('end');", 0],
    ["when its program ends while workers start", "large(); console.log('end');", 0],
    ["when its program ends right after a launch", "await started(); console.log('end'); for (let i = 0; i < 5; i++) large();", 0],
    ["by process.exit", "await started(); console.log('end'); large(); process.exit(3);", 3],
    ["by process.exit while workers start", "large(); console.log('end'); process.exit(3);", 3],
    ["by an uncaught exception", "await started(); console.log('end'); large(); throw new Error('mine');", 1],
    ["by an unhandled rejection", "await started(); console.log('end'); Promise.reject(new Error('mine'));", 1],
    ["in a timer", "await started(); setTimeout(() => { large(); console.log('end'); }, 50);", 0],
  ])("ends %s", async (_, program, code) => {
    const result = await run(`threads(2); ${program}`);
    expect(result).toMatchObject({ code, signal: null });
    expect(result.text).toContain("end");
    expect(result.ms).toBeLessThan(SOON);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends by %s, in the middle of steps", async (signal) => {
    const result = await run("threads(3); await started(); console.log('end'); for (;;) large();", (child) => child.kill(signal));
    expect(result.signal).toBe(signal);
    expect(result.ms).toBeLessThan(SOON);
  });

  it("starts no worker by importing, nor for small work", async () => {
    const { text } = await run(`
      console.log(process.getActiveResourcesInfo().filter((name) => /worker|port/i.test(name)).length, JSON.stringify(threads(2)));
      evaluate(() => sum(matmul(rand([9, 9]), rand([9, 9]))));
      console.log(JSON.stringify(threads()));
      console.log("end");`);
    const report = JSON.stringify({ count: 1, limit: 2, why: "Workers start with the first launch that is large enough." });
    expect(text).toBe(`0 ${report}\n${report}\nend\n`);
  });

  it("that may have no workers has one thread", async () => {
    const { text, code } = await run(`
      import { createRequire } from "node:module";
      createRequire(import.meta.url)("node:worker_threads").Worker = class { constructor() { throw new Error("not here"); } };
      threads(2);
      console.log(large() > 0, JSON.stringify(threads()));
      console.log("end");`);
    expect(text).toBe('true {"count":1,"limit":1,"why":"No worker could start: not here."}\nend\n');
    expect(code).toBe(0);
  });

  it("goes on with one thread where a worker dies at its start", async () => {
    const { text, code } = await run(`
      import { createRequire } from "node:module";
      const workers = createRequire(import.meta.url)("node:worker_threads");
      const { Worker } = workers;
      workers.Worker = class extends Worker { constructor(program, options) { super("throw new Error('no room');" + program, options); } };
      threads(2);
      const first = large();
      for (let i = 0; threads().limit > 1 && i < 300; i++) await new Promise((resolve) => setTimeout(resolve, 10));
      console.log(first > 0, large() > 0, threads().count, threads().why);
      console.log("end");`);
    expect(text).toMatch(/^true true 1 A worker has ended: no room.\nend\n$/);
    expect(code).toBe(0);
  });

  /** Has Node's Worker replaced by another class, before the library asks for it. */
  const withWorker = (worker: string): string => `
    import { createRequire } from "node:module";
    const workers = createRequire(import.meta.url)("node:worker_threads");
    const { Worker } = workers;
    workers.Worker = ${worker};`;

  it("has its workers, whatever keeps its thread from giving them kernels at once", async () => {
    const { text } = await run(`${withWorker(`class extends Worker {
        postMessage(message) {
          super.postMessage(message);
          for (const end = performance.now() + 400; performance.now() < end;);
        }
      }`)}
      threads(3);
      const first = large();
      for (let i = 0; threads().count < 3 && threads().limit > 1 && i < 300; i++) await new Promise((resolve) => setTimeout(resolve, 10));
      await new Promise((resolve) => setTimeout(resolve, 200)); // a worker that has died is heard of
      const { count, limit, why } = threads();
      console.log(first > 0, large() > 0, count, limit, why);
      console.log("end");`);
    expect(text).toBe("true true 3 3 \nend\n");
  });

  it("says that it has not been back in its event loop, where workers may wait for that", async () => {
    const { text } = await run(`${withWorker("class { postMessage() {} unref() {} on() {} terminate() {} }")}
      threads(2);
      large();
      console.log(threads().why);
      await null;
      console.log(threads().why);
      await new Promise((resolve) => setTimeout(resolve, 5));
      console.log(threads().why);
      console.log("end");`);
    const waiting = "Workers are starting. Browsers start them when this thread returns to its event loop; it has not yet.";
    expect(text).toBe(`${waiting}\n${waiting}\nWorkers are starting.\nend\n`);
  });

  it.each([
    ["a page that is not isolated", "globalThis.crossOriginIsolated = false;", /not cross-origin isolated.*Cross-Origin-Embedder-Policy: require-corp/],
    [
      "a page that is neither isolated nor has SharedArrayBuffer", "globalThis.crossOriginIsolated = false; delete globalThis.SharedArrayBuffer;",
      /not cross-origin isolated/,
    ],
    [
      "an isolated page of an engine without SharedArrayBuffer", "globalThis.crossOriginIsolated = true; delete globalThis.SharedArrayBuffer;",
      /^The engine has no SharedArrayBuffer\.$/,
    ],
    ["an engine without SharedArrayBuffer", "delete globalThis.SharedArrayBuffer;", /^The engine has no SharedArrayBuffer\.$/],
    ["a system that promises no 4 GiB", `const { Memory } = WebAssembly;
      WebAssembly.Memory = function (limits) { if (limits.shared) throw new RangeError("no room"); return new Memory(limits); };`,
    /^There is no memory that threads can share\.$/],
  ])("says why it has one thread: %s", async (_, situation, why) => {
    const { text } = await run(`${situation}
      threads(2);
      console.log(large() > 0);
      console.log(JSON.stringify(threads()));`);
    const [result, report] = text.trim().split("\n");
    expect(result).toBe("true");
    expect(JSON.parse(report)).toEqual({ count: 1, limit: 1, why: expect.stringMatching(why) });
  });

  const deno = process.env.DENO_PATH ?? "deno";
  const hasDeno = spawnSync(deno, ["--version"]).status === 0;
  if (!hasDeno) console.info("The test of threads on Deno is skipped: there is no deno. Install it or set DENO_PATH.");
  it.skipIf(!hasDeno)("has its workers on Deno, whose memories show in a worker what they were when it was told of them", async () => {
    const file = path.join(folder, "deno.mjs");
    await writeFile(file, `
      import { evaluate, matmul, rand, sum, threads } from "./flimsy.mjs";
      threads(4);
      const large = () => evaluate(() => sum(matmul(rand([400, 400]), rand([400, 400])))).item();
      for (const end = performance.now() + 500; performance.now() < end;) large();
      for (let i = 0; threads().count < 4 && i < 500; i++) await new Promise((resolve) => setTimeout(resolve, 10));
      console.log(large() > 0, JSON.stringify(threads()));
      process.exit();`);
    const { stdout, stderr } = spawnSync(deno, ["run", "--quiet", "--allow-all", file], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toBe('true {"count":4,"limit":4,"why":""}\n');
  });
});
