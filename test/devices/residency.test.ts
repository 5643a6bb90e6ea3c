import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { useDevice } from "../../src/devices/current.ts";
import { Buffer, nextStep, Residency } from "../../src/devices/residency.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import {
  Adam, add, evaluate, GradientDescent, grad, input, MemoryError, mul, parameter, type Parameter, setDevice, slice, sum, type Variable, zeros,
} from "../../src/index.ts";
import { inFloat32 } from "../device.ts";

class TestBuffer extends Buffer {}

describe("the policy", () => {
  it("names what has not been used for longest first, and never what the running step uses", () => {
    const residency = new Residency<TestBuffer>();
    const freed: number[] = [];
    const make = (i: number): TestBuffer => {
      const buffer: TestBuffer = new TestBuffer(i, () => { freed.push(i); residency.delete(buffer); });
      residency.add(buffer);
      return buffer;
    };
    const made = Array.from({ length: 6 }, (_, i) => { nextStep(); return make(i); });
    nextStep();
    made[0].use();
    nextStep();
    made[3].use();
    const leave = (): number | undefined => { const next = residency.leastRecent(); next?.free(); return next?.size; };
    expect(leave()).toBe(1);
    made[2].use(); // after the order has been looked at
    made[5].free(); // collected
    expect([leave(), leave(), leave()]).toEqual([4, 0, undefined]);
    nextStep();
    made[2].use();
    nextStep();
    expect([leave(), leave(), leave()]).toEqual([3, 2, undefined]);
    expect(freed).toEqual([1, 5, 4, 0, 3, 2]);
  });
});

// A device of 4 MiB of which about 1.3 MiB are its own.
describe("a device that is full", () => {
  let device: WasmDevice;
  beforeEach(() => {
    device = new WasmDevice({ pages: 64, shared: false });
    useDevice(device);
  });
  afterEach(() => setDevice("wasm"));

  const MiB = 2 ** 18; // in elements
  /** An array [n] of numbers that tell arrays and places apart; sums of up to 2¹⁸ products of two of them are exact in float32. */
  const numbered = (n: number, seed: number): Float32Array => Float32Array.from({ length: n }, (_, i) => (i * 7 + (seed * 13) % 59) % 8);
  const total = (x: Float32Array, f: (v: number) => number = (v) => v): number => x.reduce((s, v) => s + f(v), 0);

  it("lets go of inputs in a loop that never awaits", () => {
    const w = parameter(2);
    for (let i = 0; i < 300; i++) {
      const values = numbered(MiB / 16, i);
      const x = input(values);
      expect(grad(() => sum(mul(w, x))).item()).toBe(2 * total(values));
      expect(evaluate(() => sum(x)).item()).toBe(total(values));
      expect(w.grad?.item()).toBe(total(values));
      w.clearGrad();
    }
  });

  it("lets go of models, their gradients and averages in a loop that never awaits", () => {
    for (let i = 0; i < 100; i++) {
      const w = parameter(numbered(MiB / 16, i));
      const optimizer = new Adam([w], { learningRate: 1 });
      grad(() => sum(mul(w, w)));
      optimizer.update();
      // The first step of Adam is the learning rate, in the direction of the gradient's sign.
      expect(w.data[1]).toBeCloseTo(numbered(2, i)[1] === 0 ? 0 : numbered(2, i)[1] - 1, 5);
    }
  });

  inFloat32()("gets back what somebody still holds: parameters, gradients and averages with all their numbers", () => {
    const train = (models: { w: Parameter; optimizer: Adam }[]): number[][] => {
      for (let round = 0; round < 4; round++) {
        for (const { w } of models) grad(() => sum(mul(mul(w, w), 0.5)));
        for (const { w } of models) grad(() => sum(mul(w, round))); // added to the gradient
        for (const { optimizer } of models) optimizer.update();
      }
      return models.map(({ w }) => [...w.data]);
    };
    const made = (count: number) => Array.from({ length: count }, (_, i) => {
      const w = parameter(numbered(MiB / 16, i));
      return { w, optimizer: new Adam([w], { learningRate: 0.1 }) };
    });
    const found = train(made(30)); // 7.5 MiB with gradients and averages
    const { parameters, gradients, optimizer } = device.memory();
    expect(parameters + gradients + optimizer).toBeLessThan(4 * 2 ** 20);
    setDevice("wasm");
    expect(found).toEqual(train(made(30)));
  });

  it("gets back inputs that are used in turn, also where all do not fit", () => {
    const values = Array.from({ length: 12 }, (_, i) => numbered(MiB / 4, i));
    const data = values.map((v) => input(v));
    for (let epoch = 0; epoch < 4; epoch++) {
      data.forEach((x, i) => expect(evaluate(() => sum(x)).item()).toBe(total(values[i])));
    }
    expect(device.memory().inputs).toBeGreaterThan(2 ** 20);
  });

  it("keeps what the running step uses, also across looks", () => {
    const values = Array.from({ length: 12 }, (_, i) => numbered(MiB / 4, i));
    const w = parameter(values[1]);
    const data = values.map((v) => input(v));
    const front = total(values[1].subarray(0, MiB / 8));
    for (let round = 0; round < 3; round++) {
      data.forEach((x, i) => {
        const product = total(values[1].map((v, k) => v * values[i][k]));
        const loss = grad(() => {
          const view = slice(w, [0, MiB / 8]); // of the parameter
          expect(sum(view).item()).toBe(front);
          const y = sum(mul(w, x)); // x comes to the device after the look
          expect(y.item()).toBe(product);
          return add(sum(view), y);
        });
        expect(loss.item()).toBe(front + product);
      });
      w.clearGrad();
    }
  });

  it("keeps what is assigned and what has been read while it was away", () => {
    const parameters = Array.from({ length: 12 }, (_, i) => parameter(numbered(MiB / 4, i)));
    const double = (w: Parameter): void => {
      grad(() => sum(mul(mul(w, w), -0.5)));
      new GradientDescent([w], { learningRate: 1 }).update();
    };
    parameters.forEach(double);
    expect(parameters[0].data).toEqual(numbered(MiB / 4, 0).map((v) => 2 * v)); // it has left
    parameters[1].assign(numbered(MiB / 4, 50));
    parameters.forEach(double);
    expect(parameters[0].data).toEqual(numbered(MiB / 4, 0).map((v) => 4 * v));
    expect(parameters[1].data).toEqual(numbered(MiB / 4, 50).map((v) => 2 * v));
    setDevice("reference");
    expect(evaluate(() => sum(parameters[0])).item()).toBe(4 * total(numbered(MiB / 4, 0)));
  });

  it("makes room for results of a step, and for plans", () => {
    const data = Array.from({ length: 8 }, (_, i) => input(numbered(MiB / 4, i)));
    for (const x of data) for (let i = 0; i < 2; i++) evaluate(() => sum(x));
    const large = input(zeros([MiB / 2]).data);
    const steps = [large, data[3], large, data[3]].map((x) => evaluate(() => {
      const parts = Array.from({ length: 3 }, (_, i) => add(x, i));
      return sum(mul(mul(parts[0], parts[1]), parts[2]));
    }).item());
    const expected = total(numbered(MiB / 4, 3), (v) => v * (v + 1) * (v + 2));
    steps.forEach((s, i) => expect(Math.abs(s - [0, expected][i % 2])).toBeLessThanOrEqual(1e-6 * expected)); // sums of float32
  });

  it("gives inputs the room that an earlier step had for its results", () => {
    const row = input(numbered(MiB / 4, 1), [1, MiB / 4]);
    expect(evaluate(() => add(row, zeros([9, 1])).data[1])).toBe(numbered(2, 1)[1]); // a look at 2.25 MiB
    const data = Array.from({ length: 7 }, (_, i) => input(numbered(MiB / 4, i)));
    for (const x of data) evaluate(() => sum(x));
    const all = data.reduce((found, _, i) => found + total(numbered(MiB / 4, i)), 0);
    expect(evaluate(() => data.map((x) => sum(x)).reduce((a, b) => add(a, b))).item()).toBe(all);
  });

  it("says what to do, by what fills it", () => {
    const failure = (f: () => unknown): string => {
      try {
        f();
      } catch (error) {
        expect(error).toBeInstanceOf(MemoryError);
        return (error as Error).message;
      }
      return "nothing was thrown";
    };
    const ws = Array.from({ length: 5 }, (_, i) => parameter(numbered(MiB / 2, i)));
    const loss = (): Variable => ws.map((w) => sum(w)).reduce((a, b) => add(a, b));
    for (let i = 0; i < 2; i++) expect(failure(() => grad(loss)))
      .toMatch(/at most 4\.0 MiB.* In use: parameters.* make the model smaller, or train it with an optimizer that remembers less/s);
    const inputs = Array.from({ length: 16 }, (_, i) => input(numbered(MiB / 4, i)));
    for (const x of inputs) evaluate(() => sum(x));
    expect(failure(() => evaluate(() => inputs.map((x) => sum(x)).reduce((a, b) => add(a, b))))).toMatch(/inputs .* MiB.*Use fewer inputs in one step/s);
    expect(failure(() => evaluate(() => sum(add(zeros([1, MiB]), zeros([4, 1]))))))
      .toMatch(/more in one piece.*Use smaller batches or shorter sequences, or split the step/s);
    // Nothing is lost, and smaller steps work.
    ws.forEach((w, i) => expect(evaluate(() => sum(w)).item()).toBe(total(numbered(MiB / 2, i))));
    inputs.forEach((x, i) => expect(evaluate(() => sum(x)).item()).toBe(total(numbered(MiB / 4, i))));
  });
});
