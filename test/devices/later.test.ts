import { afterAll, afterEach, describe, expect, it } from "vitest";
import { deviceByName, useDevice } from "../../src/devices/current.ts";
import type { Device } from "../../src/devices/device.ts";
import {
  Adam, cost, debug, DeviceError, embed, evaluate, gather, grad, gradients, input, log, memory, mul, NanError, operation, parameter, randn, seed, setDevice,
  state, ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { FeedForward, ValueComponent } from "../../src/components/index.ts";
import { restore, serializeAsync } from "../../src/io/index.ts";
import { DelayingDevice } from "./delaying.ts";

const wasm = deviceByName("wasm") as Device;
const made: DelayingDevice[] = [];
function delaying(options: ConstructorParameters<typeof DelayingDevice>[0] = {}): DelayingDevice {
  const device = new DelayingDevice({ delay: 0.02, seed: made.length + 1, ...options });
  made.push(device);
  useDevice(device);
  return device;
}
afterEach(() => {
  debug({ checkNumerics: false });
  useDevice(wasm);
});
afterAll(async () => { await Promise.all(made.map((device) => device.close())); });

/** The error of a promise. */
const errorOf = (promise: Promise<unknown>): Promise<Error> => promise.then(() => { throw new Error("no error"); }, (error: Error) => error);

describe("a device that answers later", () => {
  it("is not waited for by a loop that reads every tenth loss", async () => {
    const train = async (read: (loss: Variable, step: number) => Promise<void>) => {
      seed(3);
      const model = new FeedForward({ inputs: 4, hidden: [8], outputs: 3 });
      const optimizer = new Adam(model, { learningRate: 0.05 });
      const [x, y] = [randn([16, 4]), Array.from({ length: 16 }, (_, i) => i % 3)];
      for (let step = 1; step <= 40; step++) {
        const loss = grad(() => cost.categoricalCrossEntropyWithScores(model.forward(x), y));
        optimizer.update();
        await read(loss, step);
      }
      return [...model.parameters()];
    };
    const losses: number[] = [];
    const device = delaying({ canWait: false });
    const later = await train(async (loss, step) => { if (step % 10 === 0) losses.push((await loss.read())[0]); });
    expect(device.waits).toBe(0);
    await setDevice("reference");
    const exact: number[] = [];
    const atOnce = await train(async (loss, step) => { if (step % 10 === 0) exact.push(loss.item()); });
    expect(losses).toEqual(exact);
    expect(later.map((parameter) => parameter.data)).toEqual(atOnce.map((parameter) => parameter.data));
  });

  it("is waited for by item, toArray, data and looks, also in a loop on values", () => {
    delaying();
    const x = input(2);
    // Newton's method for √2, until it stands still.
    const root = evaluate(() => {
      let y: Variable = x;
      for (let last = Infinity; y.item() < last; ) {
        last = y.item();
        y = y.add(x.div(y)).mul(0.5);
      }
      return y;
    });
    expect([root.item(), root.toArray(), root.data[0]]).toEqual([Math.SQRT2, Math.SQRT2, Math.SQRT2].map((value) => expect.closeTo(value, 14)));
  });

  it("says what to do where nobody can wait, and can be read", async () => {
    delaying({ canWait: false });
    const w = parameter([1, 2]);
    const loss = grad(() => mul(w, w).sum());
    for (const wait of [() => loss.item(), () => loss.data, () => loss.toArray(), () => w.grad?.toArray(), () => evaluate(() => w.add(1).sum().item())]) {
      expect(wait).toThrow(DeviceError);
      expect(wait).toThrow(/await x\.read\(\).*setDevice\("wasm"\)/);
    }
    try { loss.item(); } catch (error) { expect((error as DeviceError).reason).toBe("cannot-wait"); }
    expect(String(loss)).toBe("Variable [] (on the device: await read())");
    expect(Array.from(await loss.read())).toEqual([5]);
    // What has been read is on the host too.
    expect([loss.item(), String(loss)]).toEqual([5, "Variable [] 5"]);
    expect(Array.from(await (w.grad as Variable).read())).toEqual([2, 4]);
    let inside: Promise<ArrayLike<number>> | null = null;
    grad(() => {
      const h = w.mul(3);
      inside = h.read();
      return h.sum();
    });
    expect(Array.from(await (inside as unknown as Promise<ArrayLike<number>>))).toEqual([3, 6]);
    expect(Array.from(await (w.grad as Variable).read())).toEqual([5, 7]);
  });

  it("keeps what is made of results, gradients and states on it", async () => {
    const device = delaying({ canWait: false });
    const [w, h] = [parameter([1, 2]), state([0, 0])];
    const doubled = evaluate(() => w.mul(2));
    grad(() => mul(w, doubled).sum());
    const [copy, trained] = [input(doubled), parameter(doubled)];
    h.assign(doubled.add(1));
    w.assign(evaluate(() => copy.add(trained)));
    // Gradients as inputs of a step that adds to them.
    const gradient = w.grad as Variable;
    const norm = grad(() => mul(w, gradient).sum());
    const all = await Promise.all([copy, trained, h, w, norm, gradient].map(async (x) => Array.from(await x.read())));
    expect(all).toEqual([[2, 4], [2, 4], [3, 5], [4, 8], [40], [4, 8]]);
    expect(device.waits).toBe(0);
  });

  it.each([true, false])("copies what a state has in the step, and nothing that is older (one that can be waited for: %s)", async (canWait) => {
    delaying({ canWait });
    const [w, h, other] = [parameter([0, 0]), state([1, 2]), state([0, 0])];
    const assigned = (copy: () => unknown): void => {
      evaluate(() => {
        h.assign(h.add(10));
        copy();
      });
    };
    assigned(() => {});
    for (const copy of [() => w.assign(h), () => w.assign(input(h)), () => other.assign(state(h)), () => w.assign(parameter(h))]) {
      if (canWait) assigned(copy);
      else expect(() => assigned(copy)).toThrow(/cannot be waited for/);
    }
    const all = async () => Promise.all([h, w, other].map(async (x) => Array.from(await x.read())));
    expect(await all()).toEqual(canWait ? [[51, 52], [51, 52], [41, 42]] : [[11, 12], [0, 0], [0, 0]]);
  });

  it("lets what lives on it leave, before setDevice resolves", async () => {
    delaying({ canWait: false });
    const w = parameter([1, 2, 3]);
    const optimizer = new Adam(w, { learningRate: 0.1 });
    for (let step = 0; step < 3; step++) optimizer.minimize(() => mul(w, w).sum());
    const { loss, y } = grad(() => {
      const y = mul(w, w);
      return { loss: y.sum(), y };
    });
    await setDevice("wasm");
    const [a, b, c] = w.toArray<number[]>();
    expect(loss.item()).toBeCloseTo(a * a + b * b + c * c, 12);
    expect(y.toArray()).toEqual([a * a, b * b, c * c]);
    expect(optimizer.slotsOf(w).firstMoment.toArray()).toHaveLength(3);
    expect(w.grad?.toArray()).toEqual([2 * a, 2 * b, 2 * c]);
  });
});

describe("what goes wrong on a device that answers later", () => {
  const table = () => parameter([[1, 2], [3, 4], [5, 6]]);
  /** A step of training that looks up a row. */
  const trainer = () => {
    const [w, seen] = [table(), state([0])];
    const optimizer = new Adam(w, { learningRate: 0.1 });
    const step = (row: number) => {
      const loss = grad(() => {
        seen.assign(seen.add(1));
        return gather(w, input(row).mul(1)).sum();
      });
      optimizer.update();
      return loss;
    };
    const all = async () => [optimizer.step, optimizer.snapshot.length, ...(await Promise.all([w, seen].map(async (x) => Array.from(await x.read()))))];
    return { w, seen, optimizer, step, all };
  };

  it.each([["can be waited for", true], ["cannot", false]])("is told at the first read, and taken back: one that %s", async (_, canWait) => {
    delaying({ canWait });
    const { w, optimizer, step, all } = trainer();
    const before = step(1);
    const known = await all();
    const failed = step(7);
    // Nothing has been told yet: the steps that follow are taken back too.
    const after = [step(0), step(9), step(2)];
    expect(optimizer.step).toBe(5);
    const error = await errorOf(after[2].read());
    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toBe("gather got index 7: an index here is an integer from 0 to 2. Check the labels or indices that were given.");
    // The line is that of the call of grad.
    expect(error.stack?.split("\n")[1]).toMatch(/later\.test\.ts:\d+/);
    expect(await all()).toEqual(known);
    expect(w.grad).toBeNull();
    expect(Array.from(await before.read())).toEqual([7]);
    for (const gone of [failed, ...after]) expect(await errorOf(gone.read())).toBe(error);
    // It may be used no more either.
    expect(() => evaluate(() => failed.mul(2))).toThrow(ValueError);
    const next = step(2);
    expect(Number.isFinite((await next.read())[0])).toBe(true);
    expect(optimizer.step).toBe(2);
  });

  it("is the same as where it is told at once", async () => {
    const run = async (rows: readonly number[]) => {
      const { step, all } = trainer();
      for (const row of rows) await Promise.resolve(step(row)).then((loss) => loss.read()).catch(() => {});
      return all();
    };
    const rows = [0, 1, 2, 8, 1, 9, 9, 0];
    delaying();
    const later = await run(rows);
    await setDevice("reference");
    expect(later).toEqual(await run(rows.filter((row) => row < 3)));
  });

  it("leaves gradients as they were, also of tables by rows", async () => {
    delaying({ canWait: false });
    const w = parameter(zeros([40_000, 2]));
    const optimizer = new Adam(w, { learningRate: 0.1, lazy: true });
    const look = (rows: number[]) => grad(() => embed(w, input(rows).mul(1)).sum());
    const read = async (x: Variable | null) => Array.from((await x?.read()) ?? []).slice(0, 8);
    look([1]);
    const before = await read(w.grad);
    expect(before).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
    look([2, 3, 1, 0]);
    look([50_000]);
    look([2]);
    expect(await errorOf((w.grad as Variable).read())).toBeInstanceOf(ValueError);
    expect(await read(w.grad)).toEqual([1, 1, 2, 2, 1, 1, 1, 1]);
    optimizer.update();
    look([50_001]);
    optimizer.update();
    expect(await errorOf(w.read())).toBeInstanceOf(ValueError);
    expect([optimizer.step, w.grad]).toEqual([1, null]);
    expect((await read(w)).every((value) => Math.abs(value + 0.1) < 1e-6)).toBe(true);
  });

  it("does not take back what has been replaced", async () => {
    delaying();
    const { w, seen, optimizer, step } = trainer();
    step(0);
    const saved = optimizer.snapshot();
    step(1);
    await w.read();
    step(5);
    optimizer.restore(saved);
    w.assign([[0, 0], [0, 0], [0, 0]]);
    expect(await errorOf(seen.read())).toBeInstanceOf(ValueError);
    expect([optimizer.step, Array.from(await w.read())]).toEqual([1, [0, 0, 0, 0, 0, 0]]);
  });

  it("names the operation that made the first NaN, and its line, while numbers are checked", async () => {
    delaying();
    debug({ checkNumerics: true });
    const w = parameter([1, -1]);
    const loss = grad(() => {
      const y = w.mul(2);
      return log(y).sum();
    });
    grad(() => w.sum());
    const error = await errorOf(loss.read());
    expect(error).toBeInstanceOf(NanError);
    expect(error.message).toMatch(/^log produced NaN in a result of shape \[2\], called at .*later\.test\.ts:\d+:\d+\. Its inputs were finite/);
    expect(w.grad).toBeNull();
    expect((await errorOf(evaluate(() => log(input([NaN]))).read())).message).toMatch(/data or parameters that it got hold such a value already/);
  });

  it("may be thrown by a function of the host, as it is", async () => {
    delaying();
    class Mine extends Error {}
    const mine: (x: Variable) => Variable = operation({
      name: "mine",
      shape: (shape) => shape,
      forward: () => { throw new Mine("midway"); },
      reverse: (gradient) => [gradient],
    });
    const w = parameter([1, 2]);
    const loss = grad(() => mine(w).sum());
    expect(await errorOf(loss.read())).toBeInstanceOf(Mine);
    expect(() => grad(() => mine(w).sum()).item()).toThrow(Mine);
    expect(w.grad).toBeNull();
  });
});

describe("a device that is lost", () => {
  it.each([["a checkpoint is restored", true], ["they are cleared", false]])("takes gradients with it until %s", async (_, isRestored) => {
    for (const value of [input([1, 2]), zeros([40_000, 2])]) {
      const device = delaying({ canWait: false });
      const θ = new ValueComponent({ value });
      const { value: w } = θ;
      const bytes = await serializeAsync(θ);
      const optimizer = new Adam(w, { learningRate: 0.1 });
      const step = () => grad(() => embed(w, [1]).sum());
      step();
      device.lose("a test has ended it");
      await setDevice("reference");
      // As for lost parameters, none of it passes for another.
      const uses = [() => w.grad?.data, () => input(w.grad as Variable), () => optimizer.update(), step, () => optimizer.minimize(() => w.sum())];
      for (const use of uses) expect(use).toThrow(/has been lost/);
      if (isRestored) restore(bytes, { into: θ });
      else w.clearGrad();
      expect(w.grad).toBeNull();
      step();
      expect((w.grad as Variable).sum().item()).toBe(w.size / w.shape[0]);
      optimizer.update();
      expect(optimizer.step).toBe(1);
    }
  });

  it("says so, at every launch of a training, and another goes on from what the host has", async () => {
    const train = (w: Variable, steps: number) => {
      for (let step = 0; step < steps; step++) grad(() => mul(w, w).sum());
      return gradients(() => mul(w, w).sum(), [w])[0];
    };
    for (let launch = 0; launch <= 5; launch++) {
      const device = delaying({ canWait: launch % 2 === 0 });
      const w = parameter([1, 2]);
      device.loseAfter = launch;
      let error: unknown = null;
      try {
        await train(w, 4).read();
      } catch (caught) { error = caught; }
      if (launch >= 5) {
        expect(error).toBeNull();
        continue;
      }
      expect(error).toBeInstanceOf(DeviceError);
      expect((error as DeviceError).reason).toBe("lost");
      expect((error as Error).message).toMatch(/delaying has been lost: a test has ended it\..*await setDevice/);
      expect(memory().total).toBeGreaterThanOrEqual(0);
      await setDevice("reference");
      // Its values never changed, so the host has them; its gradient is gone.
      expect(Array.from(await train(w, 0).read())).toEqual([2, 4]);
    }
  });
});
