/** What a report says of steps on a GPU. */

import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { useDevice } from "../../src/devices/current.ts";
import type { WebGpuDevice } from "../../src/devices/webgpu/webgpu.ts";
import { explain } from "../../src/explain/index.ts";
import { sizeNotes } from "../../src/explain/gpu.ts";
import { Adam, affine, evaluate, grad, input, operation, parameter, rand, ready, setDevice, tanh, type Variable, zeros } from "../../src/index.ts";
import { gpu } from "../devices/webgpu/adapter.ts";
import { onGpu } from "../devices/webgpu/made.ts";

/** A step, an update, and a look at the loss. */
function program(): { run: () => Variable; loss: () => Variable } {
  const [w, b] = [parameter(rand([16, 8])), parameter(zeros([16]))];
  const optimizer = new Adam([w, b], { learningRate: 0.01 });
  const x = input(rand([4, 8]));
  const loss = () => tanh(affine(w, x, b)).sum();
  return { loss, run: () => optimizer.minimize(loss) };
}

describe.runIf(gpu !== null)(`explain on ${gpu?.name}`, () => {
  let device: WebGpuDevice;
  beforeAll(async () => { device = await onGpu("worker"); });
  afterEach(() => void setDevice("wasm"));

  it("measures launches, those that share a dispatch too, and the GPU itself", () => {
    useDevice(device);
    const { run } = program();
    run();
    const begun = performance.now();
    const { steps, gpu, ...report } = explain(run);
    const wall = performance.now() - begun;
    expect(steps.map(({ caller }) => caller)).toEqual(["Adam.minimize", "Adam.update"]);
    for (const { launches, dispatches, ...step } of steps) {
      for (const { measured, estimated } of launches) {
        expect(measured).toBeGreaterThanOrEqual(0);
        expect(estimated).toBeGreaterThan(0);
      }
      const measured = launches.reduce((sum, launch) => sum + launch.measured, 0);
      expect(measured).toBeGreaterThan(0);
      expect(measured).toBeLessThan(wall);
      expect(dispatches).toBeGreaterThan(0);
      expect(dispatches).toBeLessThanOrEqual(launches.length);
      expect(step.notes.join()).toMatch(/Too small for a GPU: \d+ dispatch(es)? of [\d.]+ µs, [\d.]+ µs even if nothing is done; wasm takes [\d.]+ µs/);
    }
    // The updates of both parameters are one dispatch.
    expect([steps[1].launches.length, steps[1].dispatches]).toEqual([2, 1]);
    expect(gpu).toMatchObject({ adapter: device.limits.adapter, unmeasured: null });
    for (const rate of [gpu?.flops, gpu?.bandwidth, gpu?.dispatch]) expect(rate).toBeGreaterThan(0);
    expect(report.toString()).toMatch(/minimize: \d+ operations, \d+ launches in \d+ dispatch(es)?, [\d.]+ µs \(estimated [\d.]+ µs\)/);
    expect(report.toString()).toContain(device.limits.adapter);
  });

  it("counts what a call submits, reads and moves", () => {
    useDevice(device);
    const x = input([1, 2, 3, 4, 5]);
    // The five numbers and the factor are written, the sum is read.
    const once = explain(() => evaluate(() => x.mul(0.5).sum()).item());
    expect(once.gpu).toMatchObject({ submits: 2, reads: 1, bytesWritten: 4 * (5 + 1), bytesRead: 4 });
    expect(String(once)).toContain("2 submissions and 1 read, 24 B written to it, 4 B read from it");
    // Nobody reads.
    expect(explain(() => evaluate(() => x.mul(0.5).sum())).gpu).toMatchObject({ submits: 1, reads: 0, bytesRead: 0 });
    const shown: (x: Variable) => Variable = operation({
      name: "shown", shape: (x) => x, reverse: (g) => [g.mul(1)], forward: (y, x) => { y.data.set(x.data); },
    });
    // For a function of the host its argument is read, and the memory of its result, which is written; and which run it is that may fail, in two numbers.
    const { steps, gpu } = explain(() => evaluate(() => shown(x.mul(0.5)).sum()));
    expect(gpu).toMatchObject({ submits: 2, reads: 1, bytesWritten: 4 * (5 + 1 + 5 + 2), bytesRead: 4 * (5 + 5) });
    expect(steps[0].launches.map(({ kernel }) => kernel)).toEqual(["map", "host", "row"]);
    expect(steps[0].dispatches).toBe(2);
  });

  it("gives the results and leaves the memory of steps that nobody watches", () => {
    const found = [false, true].map((isExplained) => {
      useDevice(device);
      const w = parameter([1, 2, 3]);
      const optimizer = new Adam(w, { learningRate: 0.1 });
      const step = () => optimizer.minimize(() => w.mul(w).sum());
      if (isExplained) explain(step, { runs: 3 });
      else for (let i = 0; i < 3; i++) step();
      return [step().item(), ...w.toArray() as number[]];
    });
    expect(found[1]).toEqual(found[0]);
  });

  it("leaves measured times out where there is no clock, or nobody can wait for it, and says why", async () => {
    const [unwaited, unclocked] = [await onGpu("caller"), await onGpu("worker")];
    Object.assign(unclocked.limits, { hasClock: false });
    Object.assign(unclocked.later.dispatching ?? {}, { hasClock: false });
    for (const [device, why] of [[unwaited, "nothing can wait here for what it says"], [unclocked, "it has no clock (timestamp-query)"]] as const) {
      useDevice(device);
      const { loss } = program();
      const { steps, gpu, ...report } = explain(() => grad(loss));
      expect(steps[0].launches.map(({ measured }) => measured)).toEqual(steps[0].launches.map(() => NaN));
      expect(gpu).toMatchObject({ unmeasured: why, flops: 1e12 });
      expect(report.toString()).toMatch(/grad: \d+ operations, \d+ launches in \d+ dispatches, estimated [\d.]+ µs, /);
      expect(report.toString()).toMatch(/µs est\. {2}operations/);
      expect(report.toString()).toContain(`launches are not measured, as ${why}`);
      await ready(loss());
    }
  });
});

describe("where a step belongs", () => {
  /** A discrete GPU: 10 TFLOP/s, 500 GB/s, 4 µs a dispatch. */
  const fast = { flop: 1e-13, byte: 2e-12, launch: 4e-6 };
  const launch = (flops: number, bytes: number, measured = NaN) =>
    ({ flops, bytes, measured, estimated: 1000 * (fast.launch + Math.max(flops * fast.flop, bytes * fast.byte)) });

  it("is wasm if it is small: a core of 45 GFLOP/s, 20 GB/s and 20 ns a launch is done before the dispatches are", () => {
    const launches = Array.from({ length: 10 }, () => launch(1000, 400));
    // 10 · (20 ns + 1000 / 45e9 s) = 0.42 µs
    expect(sizeNotes(launches, 5, fast)).toEqual([
      "Too small for a GPU: 5 dispatches of 4.00 µs, 20.0 µs even if nothing is done; wasm takes 0.42 µs for all, by estimate.",
    ]);
  });

  it("is wasm where the GPU takes longer, by what has been measured", () => {
    // 20 ns + 2e9 / 45e9 s = 44 ms
    expect(sizeNotes([launch(2e9, 12e6, 400)], 1, fast)).toEqual(["wasm takes 44444 µs for this, by estimate: less than this GPU."]);
  });

  it("is the GPU for large products and large arrays", () => {
    expect(sizeNotes([launch(2e9, 12e6)], 1, fast)).toEqual([]);
    expect(sizeNotes([launch(2e9, 12e6, 3)], 1, fast)).toEqual([]);
    expect(sizeNotes([launch(1e6, 8e6)], 1, fast)).toEqual([]);
  });
});
