/** Functions of steps that look at numbers, on a device that cannot be waited for, are run again; elsewhere they run once. */

import { afterAll, afterEach, describe, expect, it } from "vitest";
import { currentDevice, deviceByName, useDevice } from "../../src/devices/current.ts";
import type { Device } from "../../src/devices/device.ts";
import {
  Adam, cost, DeviceError, dropout, evaluate, evaluateAsync, gather, grad, gradAsync, gradients, gradientsAsync, input, LBFGS, matmul, minimizeAsync, parameter,
  type Parameter, rand, Random, randn, seed, state, tanh, UsageError, type Variable,
} from "../../src/index.ts";
import { behind } from "../device.ts";
import { DelayingDevice } from "../devices/delaying.ts";
import { errorOf } from "../devices/unwaited.ts";

const made: DelayingDevice[] = [];
const devices: readonly (readonly [string, () => Device, boolean])[] = [
  ["the reference device", () => deviceByName("reference") as Device, false],
  ["the wasm device", () => deviceByName("wasm") as Device, false],
  ["a device that answers later", () => delaying("wasm", true), false],
  ["a device that cannot be waited for", () => delaying("wasm", false), true],
  ["a device of float64 that cannot be waited for", () => delaying("reference", false), true],
];
function delaying(inner: "reference" | "wasm", canWait: boolean): DelayingDevice {
  const device = new DelayingDevice({ delay: 0.02, seed: made.length + 1, inner, canWait });
  made.push(device);
  return device;
}
const choose = (name: "reference" | "wasm"): void => useDevice(deviceByName(name) as Device);
afterEach(() => choose("wasm"));
afterAll(async () => { await Promise.all(made.map((device) => device.close())); });

/** Newton's method for √w, until it stands still. */
function root(w: Variable): Variable {
  let x = w;
  for (let last = Infinity; x.item() < last; x = x.add(w.div(x)).mul(0.5)) last = x.item();
  return x;
}

describe.each(devices)("on %s", (_, device, isRunAgain) => {
  it("Newton's iteration looks in each round", async () => {
    useDevice(device());
    const w = parameter(2);
    let runs = 0;
    const found = await gradAsync(() => {
      runs++;
      return root(w);
    });
    expect(found.item()).toBeCloseTo(Math.SQRT2, 6);
    await w.grad?.read();
    expect(w.grad?.item()).toBeCloseTo(1 / (2 * Math.SQRT2), 3);
    expect(runs > 1).toBe(isRunAgain);
    expect((await evaluateAsync(() => root(w))).item()).toBe(found.item());
    const [slope] = await gradientsAsync(() => root(w), [w]);
    expect(slope.toArray()).toEqual(w.grad?.toArray());
  });

  it("draws the same in all runs, and goes on from there", async () => {
    const draw = async (run: typeof gradAsync) => {
      seed(4);
      const w = parameter(randn([6, 5]));
      const found = await run(() => {
        const kept = dropout(w, 0.5);
        const sign = kept.sum().item() > 0 ? 1 : -1;
        return { loss: dropout(kept.mul(rand([6, 5])), 0.5).sum().mul(sign), kept };
      });
      return [...await found.kept.read(), ...await found.loss.read(), ...await (w.grad as Variable).read(), Random.default.uniform()];
    };
    choose("reference");
    const expected = await draw(async (f) => grad(f));
    useDevice(device());
    const found = await draw(gradAsync);
    found.forEach((value, i) => { expect(value).toBeCloseTo(expected[i], 5); });
    expect(found.at(-1)).toBe(expected.at(-1));
  });

  it("what is assigned to a State counts once, and looks see it", async () => {
    useDevice(device());
    const [count, seen] = [state(1), state([0, 0])];
    const w = parameter([1, 2]);
    const loss = await gradAsync(() => {
      count.assign(count.add(1));
      seen.assign(w.mul(count.item()));
      expect(seen.toArray()).toEqual([2, 4]);
      count.assign(count.mul(seen.sum().item())); // 12
      return w.mul(count).sum();
    });
    await Promise.all([count, seen].map((each) => each.read()));
    expect([loss.item(), count.item(), seen.toArray()]).toEqual([36, 12, [2, 4]]);
  });

  it("evaluate in it looks too, and at what is outside", async () => {
    useDevice(device());
    const w = parameter([1, -2]);
    const outside = w.mul(3);
    const loss = await gradAsync(() => {
      const isFirst = evaluate(() => outside.add(w).sum().item() < 0 && outside.toArray<number[]>()[1] === -6 && w.toArray<number[]>()[0] === 1);
      const scale = evaluate(() => evaluate(() => w.mul(w)).sum()).item();
      return (isFirst ? w.mul(scale) : w).sum();
    });
    await w.grad?.read();
    expect([loss.item(), w.grad?.toArray()]).toEqual([-5, [5, 5]]);
  });

  it("an error of the function passes, and nothing has changed", async () => {
    useDevice(device());
    const w = parameter([1, 2]);
    const count = state(0);
    const wrong = new Error("wrong");
    const f = (): Variable => {
      count.assign(count.add(1));
      if (w.sum().item() > 0 && w.mul(w).sum().item() > 0 && w.exp().sum().item() > 0) throw wrong;
      return w.sum();
    };
    expect(await errorOf(gradAsync(f))).toBe(wrong);
    expect(await errorOf(minimizeAsync(new Adam(w, { learningRate: 0.1 }), f))).toBe(wrong);
    expect([w.grad, Array.from(await count.read()), Array.from(await w.read())]).toEqual([null, [0], [1, 2]]);
  });

  it("what goes wrong on the device is told", async () => {
    useDevice(device());
    const w = parameter([1, 2]);
    const wrong = () => gather(w, input(7).mul(1)).sum();
    expect((await errorOf(gradAsync(wrong))).message).toMatch(/^gather got index 7/);
    expect((await errorOf(gradAsync(() => (wrong().item() > 0 ? w.sum() : w.mul(2).sum())))).message).toMatch(/^gather got index 7/);
    expect((await gradAsync(() => w.sum())).item()).toBe(3);
  });

  it("minimizeAsync trains as minimize does", async () => {
    const train = async (step: (optimizer: Adam, f: () => Variable) => Promise<Variable>) => {
      seed(2);
      const [w, v]: Parameter[] = [parameter(randn([5, 4])), parameter(randn([3, 5]))];
      const optimizer = new Adam([w, v], { learningRate: 0.05 });
      const [x, y] = [randn([8, 4]), Array.from({ length: 8 }, (_, i) => i % 3)];
      grad(() => w.sum()); // forgotten by what follows
      const losses: number[] = [];
      for (let i = 0; i < 6; i++) {
        const loss = await step(optimizer, () => {
          const h = tanh(matmul(x, w.transpose()));
          const scale = h.mean().item() > 0 ? 1 : 2;
          const loss = cost.categoricalCrossEntropyWithScores(matmul(h, v.transpose()), y);
          return loss.item() > 1 ? loss.mul(scale) : loss.add(h.mul(h).mean());
        });
        losses.push((await loss.read())[0]);
      }
      const slots = Object.values(optimizer.slotsOf(w));
      const found = await Promise.all([w, v, ...slots].map(async (each) => Array.from(await each.read())));
      return { losses, found, step: optimizer.step, gradients: [w.grad, v.grad] };
    };
    choose("wasm");
    const expected = await train(async (optimizer, f) => optimizer.minimize(f));
    useDevice(device());
    const { losses, found, ...counts } = await train(minimizeAsync);
    expect(counts).toEqual({ step: 6, gradients: [null, null] });
    const isSame = currentDevice().FloatArray === Float32Array && !behind; // that of wasm, here or elsewhere: then bit for bit
    [...losses, ...found.flat()].forEach((value, i) => {
      const wanted = [...expected.losses, ...expected.found.flat()][i];
      if (isSame) expect(value).toBe(wanted);
      else expect(value).toBeCloseTo(wanted, 4);
    });
  });

  it("LBFGS searches, by its own method", async () => {
    useDevice(device());
    const [x, y] = [parameter(-1.5), parameter(2)];
    const optimizer = new LBFGS([x, y]);
    for (let i = 0; i < 3; i++) await minimizeAsync(optimizer, () => x.sub(1).pow(2).add(y.sub(x.mul(x)).pow(2).mul(100)));
    expect((await x.read())[0]).toBeCloseTo(1, 3);
  });

  it("refuses what the others refuse", async () => {
    useDevice(device());
    const w = parameter([1, 2]);
    expect((await errorOf(gradAsync((async () => w.sum()) as never))).message).toMatch(/^The function given to grad is async/);
    expect((await errorOf(evaluateAsync(3 as never))).message).toMatch(/^evaluate takes a function, but got 3/);
    expect((await errorOf(gradAsync(() => w))).message).toMatch(/^The loss given to grad has shape \[2\]/);
    expect((await errorOf(minimizeAsync(3 as never, () => w.sum()))).message).toMatch(/^minimizeAsync takes an optimizer and a function, but got 3/);
    let inside: Promise<unknown> = Promise.resolve();
    evaluate(() => { inside = errorOf(evaluateAsync(() => w.sum())); });
    expect(await inside).toEqual(expect.objectContaining({ message: expect.stringMatching(/^evaluateAsync was called inside evaluate, where/) }));
  });
});

describe("where nobody can wait", () => {
  it("a function that catches what ends an attempt is run again all the same", async () => {
    useDevice(delaying("wasm", false));
    const w = parameter([1, 2]);
    const optimizer = new Adam(w, { learningRate: 0.5 });
    let caught = 0;
    const loss = await minimizeAsync(optimizer, () => {
      let scale = 100;
      try {
        scale = w.sum().item() + w.mul(w).sum().item();
      } catch {
        caught++;
      }
      if (scale === 100) throw new Error("it has caught something, and is wrong now");
      return w.mul(scale).sum();
    });
    expect([loss.item(), optimizer.step, caught]).toEqual([24, 1, 2]);
    const silent = await evaluateAsync(() => {
      try {
        return w.sum().item();
      } catch {
        return -1;
      }
    });
    expect(silent).toBeCloseTo(2, 3);
  });

  it("a function that looks at something else each time is an error", async () => {
    useDevice(delaying("wasm", false));
    const w = parameter([1, 2]);
    const far = w.mul(2);
    let runs = 0;
    const expected = /^The function given to gradAsync looked at other numbers when it was run again\./;
    for (const f of [
      () => { for (let k = 0; k < runs; k++) w.mul(2); runs++; w.mul(w).sum().item(); return w.sum(); }, // later in the trace
      () => { if (runs++ === 0) w.sum().item(); return w.sum(); }, // not at all
      () => { const x = runs++ === 0 ? w.sum() : w.exp(); x.data; return w.sum(); }, // another one
      () => { input(far).data; return w.sum(); }, // made anew each time
    ]) {
      runs = 0;
      const error = await errorOf(gradAsync(f));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toMatch(expected);
      expect(w.grad).toBeNull();
    }
  });

  it("looks that are not awaited so are errors as before", async () => {
    useDevice(delaying("wasm", false));
    const w = parameter([1, 2]);
    await gradAsync(() => w.sum().mul(w.sum().item()));
    expect(() => evaluate(() => w.sum().item())).toThrow(DeviceError);
    expect(() => gradients(() => w.sum().mul(w.sum().item()), [w])).toThrow(DeviceError);
  });
});
