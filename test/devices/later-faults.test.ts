/** What goes wrong late, where something else is under way. */

import { afterEach, describe, expect, it } from "vitest";
import { useDevice } from "../../src/devices/current.ts";
import type { Device } from "../../src/devices/device.ts";
import {
  debug, embed, GradientDescent, GradientNoise, gather, grad, input, operation, parameter, Random, ready, setDevice, state, ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { isOnGpu } from "../device.ts";
import { errorOf, unwaited } from "./unwaited.ts";
import { onGpu } from "./webgpu/made.ts";

afterEach(() => { debug({ checkNumerics: false }); });

const read = async (x: Variable | null) => (x === null ? null : Array.from(await x.read()));
const gpus = isOnGpu ? { own: await onGpu("worker"), caller: await onGpu("caller") } : null;
/** Chooses a device that answers later, which nobody can wait for unless it is said. */
function later({ canWait = false } = {}): Device {
  if (gpus === null) return unwaited({ canWait });
  const device = canWait ? gpus.own : gpus.caller;
  useDevice(device);
  return device;
}

/** A step that fails, of other parameters. */
const fault = () => grad(() => gather(parameter([1, 2]), input(9).mul(1)).sum());

describe("what goes wrong late", () => {
  it("leaves a Variable without numbers that can be printed, and that is not ready", async () => {
    later();
    const loss = fault();
    expect(await errorOf(loss.read())).toBeInstanceOf(ValueError);
    expect(String(loss)).toBe("Variable [] (on the device: await read())");
    expect(await errorOf(ready(loss))).toBeInstanceOf(ValueError);
    for (const copy of [input, parameter, state]) expect(() => copy(loss)).toThrow(ValueError);
    expect(() => parameter(0).assign(loss)).toThrow(ValueError);
  });

  it("ends the step that is open when it is told, even if that has caught it", async () => {
    later({ canWait: true });
    const w = parameter([1, 2]);
    grad(() => w.mul(3).sum());
    const caught = (x: () => Variable) => { try { x().item(); } catch { /* goes on */ } };
    expect(() => grad(() => {
      const h = gather(w, input(9).mul(1));
      caught(() => h.sum());
      return h.sum().add(w.sum());
    })).toThrow(/gather got index 9/);
    const earlier = fault();
    expect(() => grad(() => {
      const h = w.mul(2).sum();
      caught(() => earlier);
      return h;
    })).toThrow(/gather got index 9/);
    expect(await read(w.grad)).toEqual([3, 3]);
  });

  it("leaves gradients as they were where minimize has set them aside", async () => {
    later({ canWait: true });
    const w = parameter([1, 2]);
    const optimizer = new GradientDescent(w, { learningRate: 0.1 });
    grad(() => w.mul(3).sum());
    fault();
    expect(() => optimizer.minimize(() => {
      w.sum().item();
      return w.sum();
    })).toThrow(/gather got index 9/);
    expect([await read(w.grad), optimizer.step]).toEqual([[3, 3], 0]);
  });

  it("leaves the generator of an optimizer's noise as it was", async () => {
    const train = async (): Promise<unknown> => {
      const w = parameter([1, 2]);
      const random = new Random(4);
      const optimizer = new GradientDescent(w, { learningRate: 0.1, noise: new GradientNoise({ eta: 0.1, random }) });
      const states: unknown[] = [];
      for (const row of [0, 9, 1]) {
        const step = async () => { await optimizer.minimize(() => gather(w, input(row).mul(1)).sum()).read(); };
        await step().catch((error: unknown) => expect(error).toBeInstanceOf(ValueError));
        states.push(random.state, optimizer.step);
      }
      return [states, await read(w)];
    };
    unwaited(); // the reference device behind it: the same bits
    const found = await train();
    await setDevice("reference");
    expect(found).toEqual(await train());
  });

  it("leaves gradients as they were where the update of minimize alone fails", async () => {
    unwaited(); // in float64
    const w = parameter([1, 2]);
    const optimizer = new GradientDescent(w, { learningRate: 1e300 });
    grad(() => w.mul(3).sum());
    debug({ checkNumerics: true });
    const loss = optimizer.minimize(() => w.mul(1e60).sum());
    expect((await errorOf(loss.read())).message).toMatch(/^gradientDescent produced -Infinity/);
    expect([await read(w), await read(w.grad), optimizer.step]).toEqual([[1, 2], [3, 3], 0]);
  });

  it("leaves gradients as they were where the update of minimize could not begin, and its gradient fails later", async () => {
    const rates = { learningRate: () => NaN };
    for (const [w, look] of [[parameter([1, 2]), gather], [parameter(zeros([40_000, 2])), embed]] as const) {
      unwaited();
      const step = (row: number) => look(w, input(row).mul(1)).sum();
      grad(() => step(1));
      const before = input(w.grad as Variable);
      expect(() => new GradientDescent(w, rates).minimize(() => step(50_000))).toThrow("schedule of GradientDescent gave NaN");
      expect(await errorOf((w.grad as Variable).read())).toBeInstanceOf(ValueError);
      expect(await read(w.grad)).toEqual(await read(before));
      // One that would have failed itself is none.
      w.clearGrad();
      grad(() => step(50_000));
      expect(() => new GradientDescent(w, rates).minimize(() => step(1))).toThrow("schedule of GradientDescent gave NaN");
      expect(await errorOf(w.add(1).read())).toBeInstanceOf(ValueError);
      expect(w.grad).toBeNull();
    }
  });

  it("leaves the gradient of a table that is asked for meanwhile", async () => {
    later();
    const w = parameter(zeros([40_000, 2]));
    grad(() => embed(w, input([1])).sum());
    fault();
    expect(await errorOf((w.grad as Variable).read())).toBeInstanceOf(ValueError);
    expect((await read(w.grad))?.slice(0, 4)).toEqual([0, 0, 1, 1]);
  });

  it("is anything that a function of the host throws, with its own line", async () => {
    later();
    for (const thrown of ["a string", Object.freeze(new TypeError("theirs")), null, undefined]) {
      const mine: (x: Variable) => Variable = operation({ name: "mine", shape: (x) => x, forward: () => { throw thrown; }, reverse: (g) => [g] });
      expect(await errorOf(grad(() => mine(parameter([1])).sum()).read())).toBe(thrown);
    }
  });

  it("is told by setDevice at the end, when all the rest has left; to nobody, if nobody waits", async () => {
    later();
    const [w, v] = [parameter([1, 2]), parameter([5])];
    const loss = grad(() => v.mul(v).sum());
    const failed = fault();
    expect(await errorOf(setDevice("wasm"))).toBeInstanceOf(ValueError);
    expect([w.toArray(), v.grad?.toArray(), loss.item()]).toEqual([[1, 2], [10], 25]);
    expect(() => failed.item()).toThrow(ValueError);
    later();
    fault();
    void setDevice("wasm"); // an unhandled rejection would fail the test run
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  });
});

describe("leaving a device that answers later", () => {
  it("takes what is assigned meanwhile along, and ends where the device is chosen again", async () => {
    const device = later();
    const [w, v] = [parameter([1, 2]), parameter([0, 0])];
    const optimizer = new GradientDescent([w, v], { learningRate: 0.5 });
    const step = () => optimizer.minimize(() => w.add(v).sum());
    step();
    const back = setDevice("wasm");
    useDevice(device);
    step();
    await back;
    expect(await read(w)).toEqual([0, 1]);
    const left = setDevice("wasm");
    v.assign(w);
    await left;
    expect(v.toArray()).toEqual([0, 1]);
  });
});
