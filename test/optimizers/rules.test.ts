/** Every rule, step by step, against the published one in plain float64 arithmetic. */

import { afterEach, describe, expect, it } from "vitest";
import {
  AdaDelta, Adam, AdamW, type DeviceName, GradientDescent, Graves, grad, input, Momentum, Nesterov, type Optimizer, type Parameter,
  parameter, Random, RmsProp, setDevice,
} from "../../src/index.ts";
import { optimizers } from "./exported.ts";

const STEPS = 50;
const SHAPES = [[3, 5], [4], []];

afterEach(() => { setDevice("wasm"); });

/** What a rule remembers for one entry, by name; 0 at first. */
type Entry = Record<string, number>;
/** The change of one entry by its gradient at step t = 1, 2, …, as the paper writes it. */
type Published = (m: Entry, g: number, t: number, value: number) => number;

const { sqrt } = Math;
const rules: [name: string, make: (θ: Parameter[]) => Optimizer, published: Published][] = [
  ["GradientDescent", (θ) => new GradientDescent(θ, { learningRate: 0.1 }), (_, g) => -0.1 * g],
  // Sutskever et al. 2013, equations 1 and 2.
  ["Momentum", (θ) => new Momentum(θ, { learningRate: 0.05, momentum: 0.8 }), (m, g) => {
    m.v = 0.8 * m.v - 0.05 * g;
    return m.v;
  }],
  // Bengio et al. 2012 (arXiv:1212.0901), equation 7: the change is μ·μ·v + (1 + μ)·(−η·g), with v before the update.
  ["Nesterov", (θ) => new Nesterov(θ, { learningRate: 0.05, momentum: 0.8 }), (m, g) => {
    const change = 0.8 * 0.8 * m.v - (1 + 0.8) * 0.05 * g;
    m.v = 0.8 * m.v - 0.05 * g;
    return change;
  }],
  ["RmsProp", (θ) => new RmsProp(θ, { learningRate: 0.02, decay: 0.7 }), (m, g) => {
    m.s = 0.7 * m.s + 0.3 * g * g;
    return (-0.02 * g) / sqrt(m.s + 1e-8);
  }],
  // arXiv:1308.0850, equations 38 to 41, with its numbers.
  ["Graves", (θ) => new Graves(θ), (m, g) => {
    m.n = 0.95 * m.n + 0.05 * g * g;
    m.g = 0.95 * m.g + 0.05 * g;
    m.d = 0.9 * m.d - 1e-4 * (g / sqrt(m.n - m.g * m.g + 1e-4));
    return m.d;
  }],
  ["Graves with other numbers", (θ) => new Graves(θ, { learningRate: 0.01, decay: 0.8, momentum: 0.5, epsilon: 0.01 }), (m, g) => {
    m.n = 0.8 * m.n + 0.2 * g * g;
    m.g = 0.8 * m.g + 0.2 * g;
    m.d = 0.5 * m.d - 0.01 * (g / sqrt(m.n - m.g * m.g + 0.01));
    return m.d;
  }],
  // arXiv:1212.5701, algorithm 1.
  ["AdaDelta", (θ) => new AdaDelta(θ), (m, g) => {
    m.s = 0.95 * m.s + 0.05 * g * g;
    const change = -(sqrt(m.d + 1e-6) / sqrt(m.s + 1e-6)) * g;
    m.d = 0.95 * m.d + 0.05 * change * change;
    return change;
  }],
  ["AdaDelta with other numbers", (θ) => new AdaDelta(θ, { learningRate: 0.5, decay: 0.8, epsilon: 1e-3 }), (m, g) => {
    m.s = 0.8 * m.s + 0.2 * g * g;
    const change = -(sqrt(m.d + 1e-3) / sqrt(m.s + 1e-3)) * g;
    m.d = 0.8 * m.d + 0.2 * change * change;
    return 0.5 * change;
  }],
  // arXiv:1412.6980, algorithm 1.
  ["Adam", (θ) => new Adam(θ), adam(0.001, 0.9, 0.999, 1e-8)],
  ["Adam with other numbers", (θ) => new Adam(θ, { learningRate: 0.05, beta1: 0.5, beta2: 0.8, epsilon: 0.01 }), adam(0.05, 0.5, 0.8, 0.01)],
  ["Adam without momentum", (θ) => new Adam(θ, { beta1: 0, beta2: 0 }), adam(0.001, 0, 0, 1e-8)],
  // arXiv:1711.05101, algorithm 2, lines 6 to 12, with ηₜ·α = 0.01 and λ (of the paper) = 0.2 · 0.01.
  ["AdamW", (θ) => new AdamW(θ, { learningRate: 0.01, weightDecay: 0.2 }), (m, g, t, value) =>
    adam(0.01, 0.9, 0.999, 1e-8)(m, g, t, value) - 0.2 * 0.01 * value],
];

function adam(α: number, β1: number, β2: number, ε: number): Published {
  return (m, g, t) => {
    m.m = β1 * m.m + (1 - β1) * g;
    m.v = β2 * m.v + (1 - β2) * g * g;
    return (-α * (m.m / (1 - β1 ** t))) / (sqrt(m.v / (1 - β2 ** t)) + ε);
  };
}

/** The largest difference, in any entry and at any step, between an optimizer on a device and the published rule. */
function difference(device: DeviceName, make: (θ: Parameter[]) => Optimizer, published: Published): number {
  setDevice(device);
  const random = new Random(7);
  const draw = (shape: number[]) => random.normalArray(shape.reduce((a, b) => a * b, 1)).map(Math.fround);
  const starts = SHAPES.map(draw);
  const parameters = starts.map((values, i) => parameter(values, SHAPES[i]));
  const expected = starts.map((values) => Array.from(values, (value) => ({ value, memory: zeros() })));
  const optimizer = make(parameters);
  let worst = 0;
  for (let t = 1; t <= STEPS; t++) {
    // The gradient of Σ c·θ is c: the numbers that the optimizer sees are known exactly.
    const slopes = SHAPES.map(draw);
    grad(() => parameters.map((p, i) => p.mul(input(slopes[i], SHAPES[i])).sum()).reduce((a, b) => a.add(b)));
    optimizer.update();
    parameters.forEach((p, i) => {
      p.data.forEach((value, k) => {
        const entry = expected[i][k];
        entry.value += published(entry.memory, slopes[i][k], t, entry.value);
        worst = Math.max(worst, Math.abs(value - entry.value));
      });
    });
  }
  expect(optimizer.step).toBe(STEPS);
  return worst;
}

it("every optimizer that is exported has its published rule here", () => {
  expect(optimizers.length).toBeGreaterThan(0);
  for (const [name, optimizer] of optimizers) {
    const isThere = rules.some(([, make]) => make([parameter([0])]).constructor === optimizer);
    expect(isThere, `${name} needs its published rule in this file.`).toBe(true);
  }
});

describe.each(["reference", "wasm"] as DeviceName[])("gradients of 0, huge, tiny and NaN, on %s", (device) => {
  it.each(rules)("%s", (_, make, published) => {
    setDevice(device);
    const sizes = [0, 1e12, 1e-12, NaN, 1];
    const p = parameter(sizes.map(() => 1));
    const optimizer = make([p]);
    const expected = sizes.map(() => ({ value: 1, memory: zeros() }));
    for (let t = 1; t <= 5; t++) {
      const slopes = sizes.map((size) => Math.fround(size * [1, -0.5, 2][t % 3]));
      grad(() => p.mul(input(slopes)).sum());
      optimizer.update();
      p.data.forEach((found, i) => {
        const entry = expected[i];
        entry.value += published(entry.memory, slopes[i], t, entry.value);
        if (Number.isNaN(entry.value)) expect(found).toBeNaN();
        // float32 rounds values and averages by 6e-8 at each of 5 updates, and √(n − m²) of one entry loses some more digits.
        else expect(Math.abs(found - entry.value)).toBeLessThanOrEqual((device === "wasm" ? 1e-5 : 1e-9) * Math.max(1, Math.abs(entry.value)));
      });
    }
  });
});

/** A record that gives 0 for what is not in it yet. */
const zeros = (): Entry => new Proxy({} as Entry, { get: (target, name: string) => target[name] ?? 0 });

describe("on the reference device, to 1e-6 over 50 steps", () => {
  // Both sides compute in float64 and differ in the order of operations only, so 1e-10 holds where 1e-6 is asked for.
  it.each(rules)("%s", (_, make, published) => {
    expect(difference("reference", make, published)).toBeLessThan(1e-10);
  });
});

describe("on the wasm device, to float32 accuracy", () => {
  // Values are of the order of 4, so each of 50 updates rounds by up to 2^-22 = 2.4e-7; they would add up to 1.2e-5
  // if all went one way.
  it.each(rules)("%s", (_, make, published) => {
    expect(difference("wasm", make, published)).toBeLessThan(1.2e-5);
  });
});
