/** What all optimizers share: whom they update, when, and what they leave alone. */

import { afterEach, describe, expect, it } from "vitest";
import {
  add, affine, checkGradients, type DeviceName, elementwise, evaluate, GradientDescent, grad, identity, input, mul, type Numbers, Optimizer, type Parameter,
  parameter, Random, RmsProp, randn, setDevice, slice, sum, type Updated, UsageError, type Variable,
} from "../../src/index.ts";

afterEach(() => { setDevice("wasm"); });

/** Gives parameters these gradients. */
function give(parameters: readonly Parameter[], gradients: readonly (readonly number[])[]): void {
  grad(() => parameters.map((p, i) => sum(mul(p, input(gradients[i])))).reduce((a, b) => add(a, b)));
}
const numbers = (v: Variable): number[] => Array.from(v.data);

describe.each(["reference", "wasm"] as DeviceName[])("update on %s", (device) => {
  it("clears gradients, and without any does nothing", () => {
    setDevice(device);
    const [v, w] = [parameter([1, 2]), parameter([3, 4])];
    const optimizer = new GradientDescent([v, w], { learningRate: 0.5 });
    optimizer.update();
    expect(optimizer.step).toBe(0);
    give([v], [[2, 4]]);
    optimizer.update();
    expect([numbers(v), numbers(w), v.grad, w.grad]).toEqual([[0, 0], [3, 4], null, null]);
    optimizer.update();
    expect([numbers(v), optimizer.step]).toEqual([[0, 0], 1]);
  });

  it("leaves alone what the step did not reach, with what is remembered for it", () => {
    setDevice(device);
    const [v, w] = [parameter([1]), parameter([1])];
    const optimizer = new RmsProp([v, w], { learningRate: 0.1, decay: 0.5 });
    give([v, w], [[1], [2]]);
    optimizer.update();
    const [value, square] = [w.item(), optimizer.slotsOf(w).meanSquare.item()];
    expect(square).toBe(2);
    for (let i = 0; i < 6; i++) {
      give([v], [[i]]);
      optimizer.update();
      expect([w.item(), optimizer.slotsOf(w).meanSquare.item()]).toEqual([value, square]);
    }
    give([v, w], [[1], [0]]);
    optimizer.update();
    expect(optimizer.slotsOf(w).meanSquare.item()).toBe(1);
  });

  it("takes what several steps have accumulated", () => {
    setDevice(device);
    const w = parameter([0, 0]);
    const optimizer = new GradientDescent([w], { learningRate: 1 });
    for (let run = 0; run < 6; run++) {
      w.assign([0, 0]);
      for (let k = 1; k <= run; k++) give([w], [[k, -k]]);
      optimizer.update();
      const total = (run * (run + 1)) / 2;
      expect(numbers(w).map((x) => x + 0)).toEqual([-total, total].map((x) => x + 0));
    }
  });

  it("follows the learning rate and the bound at each run, in one plan", () => {
    setDevice(device);
    const w = parameter([1, -1]);
    const optimizer = new GradientDescent([w], { learningRate: 1, clip: { norm: 5 } });
    for (let run = 0; run < 8; run++) {
      w.assign([1, -1]);
      optimizer.learningRate = run / 8;
      give([w], [[3 * run, 4 * run]]);
      optimizer.update();
      const factor = run > 1 ? 1 / run : 1;
      [3, 4].forEach((g, i) => { expect(w.data[i]).toBeCloseTo([1, -1][i] - (run / 8) * g * run * factor, 5); });
    }
  });

  it("gives the same bits in every run", () => {
    setDevice(device);
    const random = new Random(3);
    const train = (): number[][] => {
      random.state = { seed: 3, counter: 0 };
      const parameters = [parameter(randn([7, 5], random)), parameter(randn([5], random)), parameter(randn([], random))];
      const optimizer = new RmsProp(parameters, { learningRate: 0.01, clip: { norm: 3 } });
      for (let i = 0; i < 12; i++) {
        const x = randn([4, 5], random);
        grad(() => sum(affine(parameters[0], x, slice(parameters[0], null, 0)).tanh().add(parameters[2]).mul(sum(parameters[1]))));
        optimizer.update();
      }
      return parameters.map(numbers);
    };
    const first = train();
    for (let i = 0; i < 3; i++) expect(train()).toEqual(first);
    expect(first.flat().every(Number.isFinite)).toBe(true);
  });

  it("serves optimizers of one structure in turn: each its own parameters", () => {
    setDevice(device);
    const parameters = Array.from({ length: 5 }, (_, i) => parameter([i, i]));
    const optimizers = parameters.map((p) => new RmsProp([p], { learningRate: 0.1, decay: 0 }));
    for (let run = 1; run <= 4; run++) {
      parameters.forEach((p, i) => { give([p], [[1 + i, -1 - i]]); });
      optimizers.forEach((optimizer) => { optimizer.update(); });
      parameters.forEach((p, i) => {
        expect(p.data[0]).toBeCloseTo(i - 0.1 * run, 5);
        expect(p.data[1]).toBeCloseTo(i + 0.1 * run, 5);
      });
    }
  });

  it("applies rules that read values before they write them", () => {
    setDevice(device);
    const blend = elementwise("blend", (a, b) => a.add(b).mul(0.5));
    /** Remembers the last two values; each becomes what another one was. */
    class Delayed extends Optimizer {
      protected readonly slots = ["last", "before"];
      protected rule(value: Variable, gradient: Variable, [last]: readonly Variable[], { learningRate }: Numbers): Updated {
        const next = value.sub(gradient.mul(learningRate));
        return { value: blend(next, next.add(last.sub(value).mul(0))), slots: [identity(value), identity(last)] };
      }
    }
    const w = parameter([10, 20]);
    const optimizer = new Delayed([w], { learningRate: 1 });
    for (let run = 1; run <= 6; run++) {
      give([w], [[1, 2]]);
      optimizer.update();
      const { last, before } = optimizer.slotsOf(w);
      expect(numbers(w)).toEqual([10 - run, 20 - 2 * run]);
      expect(numbers(last)).toEqual([11 - run, 22 - 2 * run]);
      expect(numbers(before)).toEqual(run === 1 ? [0, 0] : [12 - run, 24 - 2 * run]);
    }
  });

  it("applies a rule that exchanges what it remembers", () => {
    setDevice(device);
    class Exchange extends Optimizer {
      protected readonly slots = ["a", "b"];
      protected rule(value: Variable, gradient: Variable, [a, b]: readonly Variable[], { count }: Numbers): Updated {
        return count === 1 ? { value: value.mul(1), slots: [gradient.mul(1), gradient.mul(2)] } : { value: value.mul(1), slots: [identity(b), identity(a)] };
      }
    }
    const w = parameter([1]);
    const optimizer = new Exchange([w], { learningRate: 1 });
    for (let run = 1; run <= 5; run++) {
      give([w], [[3]]);
      optimizer.update();
      const { a, b } = optimizer.slotsOf(w);
      expect([a.item(), b.item()]).toEqual(run % 2 === 1 ? [3, 6] : [6, 3]);
    }
  });
});

describe("an optimizer", () => {
  it.each(["grad", "evaluate"] as const)("refuses to update inside %s, also when there is nothing to do", (name) => {
    const w = parameter([1]);
    const optimizer = new GradientDescent([w], { learningRate: 1 });
    const run = { grad: (f: () => Variable): unknown => grad(f), evaluate: (f: () => Variable): unknown => evaluate(f) }[name];
    const misuse = (): unknown => run(() => {
      const loss = sum(w);
      optimizer.update();
      return loss;
    });
    expect(misuse).toThrow(UsageError);
    grad(() => sum(w));
    expect(misuse).toThrow(/GradientDescent\.update was called inside/);
    expect([w.item(), w.grad?.item(), optimizer.step]).toEqual([1, 1, 0]);
    optimizer.update();
    expect(w.item()).toBe(0);
  });

  it("keeps values and what it remembers when the device changes", () => {
    const train = (devices: readonly DeviceName[]): number[] => {
      setDevice(devices[0]);
      const w = parameter([1, 2, 3]);
      const optimizer = new RmsProp([w], { learningRate: 0.1 });
      for (let i = 0; i < 9; i++) {
        setDevice(devices[i % devices.length]);
        grad(() => sum(mul(w, mul(w, w))));
        if (i === 4) expect(checkGradients(() => sum(mul(w, mul(w, w))), new Map([["w", w]])).ok).toBe(true);
        optimizer.update();
      }
      return numbers(w);
    };
    const expected = train(["reference"]);
    for (const devices of [["wasm"], ["wasm", "reference"], ["reference", "wasm", "wasm"]] as const) {
      train(devices).forEach((value, i) => { expect(value).toBeCloseTo(expected[i], 5); });
    }
  });
});

it("what an optimizer trains cannot be changed by those who read it", () => {
  const [a, b] = [parameter([0]), parameter([0])];
  const optimizer = new GradientDescent([a, b], { learningRate: 1 });
  for (const list of [optimizer.parameters, optimizer.groups, optimizer.groups[0].parameters] as unknown as unknown[][]) {
    expect(() => list.pop()).toThrow(TypeError);
  }
  grad(() => a.add(b).sum());
  optimizer.update();
  expect([a.item(), b.item()]).toEqual([-1, -1]);
});
