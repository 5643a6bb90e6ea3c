/** Averages that decay: what has become too small to count is 0, as denormal numbers are slow. */

import { afterEach, describe, expect, it } from "vitest";
import {
  AdaDelta, Adam, AdamW, Graves, grad, input, type Optimizer, type Parameter, parameter, RmsProp, setDevice,
} from "../../src/index.ts";
import { optimizers } from "./exported.ts";
import { inFloat32 } from "../device.ts";

/** The options of those that forget: what is left after a step must be at most 0.9 of what was there. */
const forgetting: Record<string, object> = {
  Momentum: {}, Nesterov: {}, RmsProp: { decay: 0.9 }, Adam: { beta2: 0.9 }, AdamW: { beta2: 0.9 }, Graves: { decay: 0.9 }, AdaDelta: { decay: 0.9 },
  Lion: { beta2: 0.9 },
};
/** And why the others do not. */
const others: Record<string, string> = { GradientDescent: "remembers nothing", Adagrad: "adds up, and forgets nothing" };

it("every optimizer that is exported either forgets, or does not for a reason", () => {
  expect([...Object.keys(forgetting), ...Object.keys(others)].sort()).toEqual(optimizers.map(([name]) => name).sort());
});

afterEach(() => { setDevice("wasm"); });

describe.each(["wasm", "reference"] as const)("what an optimizer remembers, on %s", (device) => {
  it.each(optimizers.filter(([name]) => name in forgetting))("becomes 0 when the gradient stays 0, and nothing else does: %s", (name, Kind) => {
    setDevice(device);
    const p = parameter([1, -2, 3]);
    const optimizer = new Kind(p, { learningRate: 0.1, ...forgetting[name] });
    const update = (slopes: readonly number[]): void => {
      grad(() => p.mul(input([...slopes])).sum());
      optimizer.update();
    };
    const state = (): number[][] => optimizer.snapshot().parameters.flatMap(({ slots }) => Object.values(slots).map((value) => [...value.data]));
    update([1, 0.5, -0.25]);
    expect(state().flat().every((value) => value !== 0)).toBe(true);
    // 0.9 to the power of 760 is below 2⁻¹¹².
    for (let i = 0; i < 760; i++) update([0, 0, i % 2 === 0 ? 1e-12 : -5e-13]);
    for (const [first, second, third] of state()) {
      expect([first, second]).toEqual([0, 0]);
      expect(third).not.toBe(0);
    }
  });
});

/** The change of one entry by its gradient at step t = 1, 2, …, in float64, with ε = `epsilon`. */
type Rule = (m: number[], g: number, t: number, epsilon: number) => number;
const adam: Rule = (m, g, t, epsilon) => {
  m[0] = 0.9 * m[0] + 0.1 * g;
  m[1] = 0.999 * m[1] + 0.001 * g * g;
  return -(m[0] / (1 - 0.9 ** t)) / (Math.sqrt(m[1] / (1 - 0.999 ** t)) + epsilon);
};
const rules: [string, (p: Parameter, epsilon: number) => Optimizer, Rule][] = [
  ["Adam", (p, epsilon) => new Adam(p, { learningRate: 1, epsilon }), adam],
  ["AdamW", (p, epsilon) => new AdamW(p, { learningRate: 1, epsilon, weightDecay: 0 }), adam],
  ["AdaDelta", (p, epsilon) => new AdaDelta(p, { epsilon }), (m, g, _, epsilon) => {
    m[0] = 0.95 * m[0] + 0.05 * g * g;
    const change = -Math.sqrt((m[1] + epsilon) / (m[0] + epsilon)) * g;
    m[1] = 0.95 * m[1] + 0.05 * change * change;
    return change;
  }],
  ["Graves", (p, epsilon) => new Graves(p, { learningRate: 1, momentum: 0, epsilon }), (m, g, _, epsilon) => {
    m[0] = 0.95 * m[0] + 0.05 * g * g;
    m[1] = 0.95 * m[1] + 0.05 * g;
    return -g / Math.sqrt(m[0] - m[1] * m[1] + epsilon);
  }],
  ["RmsProp", (p) => new RmsProp(p, { learningRate: 1 }), (m, g) => {
    m[0] = 0.9 * m[0] + 0.1 * g * g;
    return -g / Math.sqrt(m[0] + 1e-8);
  }],
];

describe.each(["wasm", "reference"] as const)("gradients that are small beside anything, on %s", (device) => {
  it.each(rules)("%s makes the steps of exact arithmetic", (name, make, rule) => {
    setDevice(device);
    for (const epsilon of [1e-8, 1e-12, 1e-20, 1e-26]) {
      const sizes = [1e-10, 1e-14, 1e-16, 1e-17, 1e-18, 1e-19, 1e-20, 1e-22, 1e-25, ...(name.startsWith("Adam") && epsilon < 1e-10 ? [1e25, 1e37] : [])];
      const p = parameter(sizes.map(() => 0));
      const optimizer = make(p, epsilon);
      const memories = sizes.map(() => [0, 0]);
      for (let t = 1; t <= 60; t++) {
        const share = t > 20 ? 0 : [1, 0.5, -0.25][t % 3]; // and then they die away
        const slopes = sizes.map((size) => Math.fround(share * size));
        p.assign(sizes.map(() => 0));
        grad(() => p.mul(input(slopes)).sum());
        optimizer.update();
        p.data.forEach((found, i) => {
          const expected = rule(memories[i], slopes[i], t, epsilon);
          // float32 rounds each of up to 60 averages by 6e-8. A step below 10⁻³⁰ is none in float32, where averages below 2⁻¹¹² are none.
          expect(Math.abs(found - expected), `step ${t} with gradients of ${sizes[i]} and ε = ${epsilon}: ${found}, not ${expected}`)
            .toBeLessThanOrEqual((device === "wasm" ? 2e-5 : 1e-7) * Math.abs(expected) + 1e-30);
        });
      }
    }
  });

  it.each(["Adam", "AdamW"])("%s takes an ε that float32 does not have", (name) => {
    setDevice(device);
    const p = parameter([1, 1]);
    const optimizer = new (name === "Adam" ? Adam : AdamW)(p, { epsilon: 1e-60 });
    for (let i = 0; i < 3; i++) {
      grad(() => p.mul(input([0, 1e-12])).sum());
      optimizer.update();
    }
    expect(p.data.every(Number.isFinite)).toBe(true);
  });
});

it("Adam loads what earlier versions remembered: the second moment itself", () => {
  const p = parameter([1, 2]);
  const optimizer = new Adam(p);
  const [state] = optimizer.snapshot().parameters;
  optimizer.restore({ ...optimizer.snapshot(), parameters: [{ count: 3, slots: { firstMoment: state.slots.firstMoment, secondMoment: input([4, 0.25]) } }] });
  expect(optimizer.slotsOf(p).rootSecondMoment.toArray()).toEqual([2, 0.5]);
});

describe("a gradient whose square is beyond float32", () => {
  // As in PyTorch: the mean of squares is infinite from then on, so entries stand still. Differences of infinities would make them NaN.
  const squaring: [string, (p: Parameter) => Optimizer][] = [
    ["Adam", (p) => new Adam(p)],
    ["AdamW", (p) => new AdamW(p, { weightDecay: 0 })],
    ["RmsProp", (p) => new RmsProp(p, { learningRate: 0.1 })],
    ["RmsProp with a short memory", (p) => new RmsProp(p, { learningRate: 0.1, decay: 0.4 })],
    ["AdaDelta", (p) => new AdaDelta(p)],
    ["Graves", (p) => new Graves(p)],
  ];
  inFloat32().each(squaring)("leaves the entry as it is, and the others train on: %s", (_, make) => {
    const p = parameter([5, 5]);
    const optimizer = make(p);
    for (const slope of [1e30, 1, 3e38, -3e38, 1]) {
      grad(() => p.mul(input([slope, 1])).sum());
      optimizer.update();
    }
    expect(p.data[0]).toBe(5);
    expect(p.data[1]).toBeLessThan(5);
  });

  it("is no obstacle to a NaN", () => {
    const p = parameter([5]);
    const optimizer = new RmsProp(p, { learningRate: 0.1 });
    for (const slope of [1e30, NaN]) {
      grad(() => p.mul(slope).sum());
      optimizer.update();
    }
    expect(p.data[0]).toBeNaN();
    expect(optimizer.slotsOf(p).meanSquare.data[0]).toBeNaN();
  });
});
