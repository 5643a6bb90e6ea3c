/** The webgpu device, in a thread of its own and in the caller's: what it gives, what it keeps, what goes wrong. */

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { Lstm } from "../../../src/components/index.ts";
import { currentDevice, useDevice } from "../../../src/devices/current.ts";
import { connect } from "../../../src/devices/webgpu/connect.ts";
import { WebGpuDevice } from "../../../src/devices/webgpu/webgpu.ts";
import {
  Adam, affine, cost, cumsum, debug, DeviceError, embed, evaluate, gather, grad, input, MemoryError, memory, operation, parameter, type Parameter, rand, ready,
  seed, setDevice, tanh, type Variable, zeros,
} from "../../../src/index.ts";
import { errorOf } from "../unwaited.ts";
import { gpu } from "./adapter.ts";
import { onGpu } from "./made.ts";

const threads = ["worker", "caller"] as const;
const read = async (...xs: (Variable | null)[]) => {
  const found: number[][] = [];
  for (const x of xs) found.push(x === null ? [] : Array.from(await x.read()));
  return found;
};

/** Two layers that learn to tell points apart, by minibatches that a table of classes goes with. */
async function train(steps: number): Promise<{ losses: number[]; found: number[][] }> {
  seed(7);
  const [u, b, v] = [parameter(rand([16, 3])), parameter(zeros([16])), parameter(rand([4, 16]))];
  const optimizer = new Adam([u, b, v], { learningRate: 0.02 });
  const [x, y] = [input(rand([20, 3])), Array.from({ length: 20 }, (_, i) => (7 * i) % 4)];
  const losses: Variable[] = [];
  const loss = () => cost.categoricalCrossEntropyWithScores(affine(v, tanh(affine(u, x, b)), zeros([4])), y);
  for (let i = 0; i < steps; i++) losses.push(optimizer.minimize(loss));
  return { losses: (await read(...losses)).flat(), found: await read(u, b, v) };
}

describe.runIf(gpu !== null).each(threads)(`the webgpu device on ${gpu?.name}, its engine in the thread of the %s`, (thread) => {
  let device: WebGpuDevice;
  beforeAll(async () => { device = await onGpu(thread); });
  const choose = (): void => useDevice(device);
  afterEach(() => {
    debug({ checkNumerics: false });
    void setDevice("wasm");
  });

  it("says whether it can be waited for", () => {
    choose();
    expect(device.later.canWait).toBe(thread === "worker");
    const sum = input([1, 2]).sum();
    if (thread === "worker") expect(sum.item()).toBe(3);
    else expect(() => sum.item()).toThrow(DeviceError);
  });

  it("trains as the reference device does, twice with the same bits", async () => {
    await setDevice("reference");
    const exact = await train(30);
    choose();
    const [first, second] = [await train(30), await train(30)];
    expect(first).toEqual(second);
    // Some hundred roundings of 6·10⁻⁸ in each of thirty steps, in losses of 1 and parameters whose update divides by small numbers.
    first.losses.forEach((loss, i) => { expect(Math.abs(loss - exact.losses[i])).toBeLessThan(1e-5); });
    first.found.flat().forEach((value, i) => { expect(Math.abs(value - exact.found.flat()[i])).toBeLessThan(1e-3); });
  });

  it("gives the same bits before and after fusion", async () => {
    choose();
    const x = input(rand([40, 9]));
    const f = () => evaluate(() => tanh(x.mul(1.7).add(x.exp())).sub(x.mul(x)).div(x.add(2)).sum(1));
    const found: number[][] = [];
    for (let i = 0; i < 8; i++) found.push(...await read(f()));
    expect(new Set(found.map(String)).size).toBe(1);
  });

  it("runs a recurrent cell by few dispatches: the gates are one, going forward and backward, and what nobody waits for is done at once", async () => {
    choose();
    const counts: number[] = [];
    const prepare = vi.spyOn(device, "prepare").mockImplementation((program) => {
      const made = WebGpuDevice.prototype.prepare.call(device, program);
      counts.push(program.launches, (made as unknown as { dispatches: Int32Array }).dispatches.length / 5);
      return made;
    });
    const cell = new Lstm({ inputs: 4, outputs: 8 });
    const xs = Array.from({ length: 20 }, () => input(rand([3, 4])));
    for (let i = 0; i < 5; i++) await grad(() => cell.unfold(xs).map((y) => y.mul(y).mean()).reduce((a, b) => a.add(b))).read();
    prepare.mockRestore();
    const [launches, dispatches] = counts.slice(-2);
    expect(launches).toBeGreaterThan(400);
    // Of each step forward and of each back, the products of the gates, and what is elementwise.
    expect(dispatches).toBeLessThan(4 * 20 + 20);
  });

  it("calls functions of the host between launches, several in a step", async () => {
    choose();
    const reversed = operation({
      name: "reversed", shape: (x) => x, forward: (y, x) => { x.data.forEach((value, i) => { y.data[x.data.length - 1 - i] = value; }); },
      reverse: (g): Variable[] => [reversed(g) as Variable],
    }) as (x: Variable) => Variable;
    const w = parameter([1, 2, 3]);
    for (let i = 0; i < 3; i++) {
      w.clearGrad();
      const loss = grad(() => reversed(reversed(w.mul(w)).mul(input([1, 10, 100]))).sum());
      expect(await read(loss, w.grad)).toEqual([[149], [200, 40, 6]]);
    }
  });

  it("writes nothing after a fault until that is told, and goes on then", async () => {
    choose();
    const w = parameter([1, 2]);
    const optimizer = new Adam(w, { learningRate: 0.5 });
    const step = (row: number) => optimizer.minimize(() => gather(w, input(row).mul(1)).sum());
    await step(0).read();
    const before = await read(w);
    const failed = [step(2), step(0), step(1)];
    for (const loss of failed) expect((await errorOf(loss.read())).message).toMatch(/^gather got index 2/);
    expect([await read(w), optimizer.step]).toEqual([before, 1]);
    await step(1).read();
    expect(optimizer.step).toBe(2);
    expect(await read(w)).not.toEqual(before);
  });

  it("names the first index that is wrong, of many, as the processor does", async () => {
    const table = parameter(zeros([10, 3]));
    const indices = Float32Array.from({ length: 700 }, (_, i) => (i === 555 ? 10.5 : i === 130 ? -1 : i === 131 ? 77 : i % 10));
    choose();
    expect((await errorOf(evaluate(() => embed(table, input(indices).mul(1))).read())).message).toMatch(/^embed got index -1|^gather got index -1/);
    await setDevice("wasm");
  });

  it("says which operation made a NaN, and where, while numbers are checked", async () => {
    choose();
    debug({ checkNumerics: true });
    const x = parameter([1, -1]);
    const error = await errorOf(evaluate(() => x.log().exp().sum()).read());
    expect([error.name, error.message]).toEqual(["NanError", expect.stringMatching(/^log produced NaN.*device\.test\.ts/)]);
  });

  it("refuses what it has no room for, and loses nothing", async () => {
    choose();
    const w = parameter([1, 2]);
    grad(() => w.mul(w).sum());
    const much = Math.floor(device.limits.heap / 4 / 1.5);
    expect(() => evaluate(() => zeros([much]).add(w.sum()).exp().sub(zeros([much]).mul(w.sum())))).toThrow(MemoryError);
    expect(await read(w, w.grad)).toEqual([[1, 2], [2, 4]]);
  });

  it("has a step's memory rest only as far as there is much of it", async () => {
    const link = await connect(thread);
    const small: WebGpuDevice = new WebGpuDevice(Object.assign(link, { limits: { ...link.limits, heap: 2 ** 24 } }), () => currentDevice() === small);
    useDevice(small);
    // Ten sizes, twenty-four arrays of each: 25 MB, of which two of each size are needed at a time. Running sums of (0, 1) are (0, 1).
    const all = Array.from({ length: 10 }, (_, k) => input([0, 1]).add(zeros([8000 + 1100 * k, 2])));
    const loss = evaluate(() => all.map((x) => Array.from({ length: 24 }).reduce<Variable>((y) => cumsum(y, 1), x).sum()).reduce((a, b) => a.add(b)));
    expect(await read(loss)).toEqual([[10 * 8000 + 1100 * 45]]);
  });

  it("keeps its memory as it is in many steps", async () => {
    choose();
    seed(3);
    const w = parameter(rand([50, 20]));
    const optimizer = new Adam(w, { learningRate: 0.01 });
    const x = input(rand([8, 20]));
    const step = () => optimizer.minimize(() => tanh(affine(w, x, zeros([50]))).sum());
    for (let i = 0; i < 20; i++) await step().read();
    const before = memory();
    for (let i = 0; i < 300; i++) {
      const loss = step();
      if (i % 10 === 0) await loss.read();
    }
    await ready(w);
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => { setTimeout(resolve, 10); });
    const { plans } = memory();
    expect(plans).toBeLessThanOrEqual(before.plans); // the fused plan, which may have been compiled only now, is smaller
    expect({ ...memory(), plans, inputs: 0, total: 0 }).toEqual({ ...before, plans, inputs: 0, total: 0 });
  });

  it("lets all that lives on it leave", async () => {
    choose();
    const w = parameter([1, 2]);
    const loss = grad(() => w.mul(w).sum());
    await setDevice("wasm");
    expect([w.toArray(), w.grad?.toArray(), loss.item()]).toEqual([[1, 2], [2, 4], 5]);
  });

  it("is lost with what it alone has, and says so; what the host has goes on", async () => {
    const lost = await onGpu(thread);
    useDevice(lost);
    const [w, moved]: Parameter[] = [parameter([1, 2]), parameter([3])];
    const optimizer = new Adam(moved, { learningRate: 0.5 });
    await optimizer.minimize(() => moved.sum()).read();
    grad(() => w.sum());
    lost.destroy();
    const error = await errorOf(moved.read());
    expect([error, (error as DeviceError).reason, (error as DeviceError).device]).toEqual([expect.any(DeviceError), "lost", "webgpu"]);
    expect(() => grad(() => w.sum())).toThrow(/device webgpu has been lost/);
    await setDevice("wasm").catch(() => {});
    expect(w.sum().item()).toBe(3);
    expect(() => moved.sum()).toThrow(/device webgpu has been lost/);
    expect(currentDevice().name).toBe("wasm");
  });
});
