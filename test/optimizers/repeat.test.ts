/** Updates that are not recorded again are the same as those that are. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { explain } from "../../src/explain/index.ts";
import {
  AdaDelta, Adam, AdamW, debug, evaluate, GradientDescent, GradientNoise, Graves, grad, input, Momentum, NanError, Nesterov, type Numbers,
  type Optimizer, type Parameter, parameter, RmsProp, Random, schedule, setDevice, type Updated, type Variable,
} from "../../src/index.ts";

afterEach(() => {
  vi.restoreAllMocks();
  setDevice("wasm");
});

/** An optimizer that records every update: its rule is not the library's. */
// biome-ignore lint/suspicious/noExplicitAny: any constructor
const recording = (Kind: any) => class extends Kind {
  rule(value: Variable, gradient: Variable, slots: readonly Variable[], numbers: Numbers): Updated { return super.rule(value, gradient, slots, numbers); }
} as unknown as new (target: unknown, options: unknown) => Optimizer<string>;

const kinds = { AdaDelta, Adam, AdamW, GradientDescent, Graves, Momentum, Nesterov, RmsProp } as unknown as Record<string, new (target: unknown, options: unknown) => Optimizer<string>>;

const parameters = (): Parameter[] => [parameter([1, -2, 3]), parameter([[0.5, 1], [-1, 2]]), parameter([0.25])];

/** Adds random gradients to some of the parameters. */
function addGradients(all: readonly Parameter[], which: readonly number[], random: Random): void {
  const slopes = which.map((i) => input(Float32Array.from({ length: all[i].size }, () => random.normal()), all[i].shape));
  grad(() => which.map((i, k) => all[i].mul(slopes[k]).sum()).reduce((a, b) => a.add(b)));
}

/** What parameters and optimizer state are after some updates, in which not all parameters have a gradient each time. */
function run(optimizer: Optimizer<string>, all: readonly Parameter[]): number[] {
  const random = new Random(3);
  for (let step = 0; step < 12; step++) {
    const which = step < 4 ? [0, 1, 2] : step < 6 ? [1, 2] : step === 6 ? [0] : [0, 1, 2];
    addGradients(all, which, random);
    optimizer.update();
  }
  return all.flatMap((each) => [each, ...Object.values(optimizer.slotsOf(each))].flatMap((array) => Array.from(array.data)));
}

const options: Record<string, (all: readonly Parameter[]) => [target: unknown, options: object]> = {
  "a rate": (all) => [all, { learningRate: 0.1 }],
  "a schedule": (all) => [all, { learningRate: schedule.step(0.1, { every: 3, factor: 0.5 }) }],
  "a norm": (all) => [all, { learningRate: 0.1, clip: { norm: 0.5 } }],
  "a bound": (all) => [all, { learningRate: 0.1, clip: { value: 0.5 } }],
  groups: ([a, b, c]) => [[{ parameters: [a], learningRate: 0.3 }, { parameters: [b, c] }], { learningRate: schedule.warmUp(10, 0.1) }],
  noise: (all) => [all, { learningRate: 0.1, noise: new GradientNoise({ eta: 0.1, random: new Random(1) }) }],
};

describe.each(Object.keys(kinds))("%s", (name) => {
  it.each(Object.keys(options))("with %s: the same bits as when every update is recorded", (which) => {
    const [a, b] = [parameters(), parameters()];
    const expected = run(new (recording(kinds[name]))(...options[which](a)), a);
    expect(run(new kinds[name](...options[which](b)), b)).toEqual(expected);
    expect(expected.every(Number.isFinite)).toBe(true);
  });

  it("asks its rule for the numbers of one parameter, once it has recorded all", () => {
    const rule = vi.spyOn(kinds[name].prototype as unknown as { rule(): Updated }, "rule");
    const all = parameters();
    const optimizer = new kinds[name](all, { learningRate: 0.1 });
    const random = new Random(3);
    const calls = Array.from({ length: 4 }, () => {
      rule.mockClear();
      addGradients(all, [0, 1, 2], random);
      optimizer.update();
      return rule.mock.calls.length;
    });
    expect(calls).toEqual([3, 1, 1, 1]);
  });
});

/** Runs more structures than are kept. */
function forgetPlans(): void {
  for (let n = 1; n < 400; n++) evaluate(() => input(new Float32Array(n)).sum());
}

it("a parameter with another number of updates has numbers of its own", () => {
  const rule = vi.spyOn(Adam.prototype as unknown as { rule(): Updated }, "rule");
  const all = parameters();
  const optimizer = new Adam(all);
  const random = new Random(3);
  addGradients(all, [1], random);
  optimizer.update();
  for (const calls of [3, 3]) { // 0, 1 and 2 updates so far differ from neighbour to neighbour
    rule.mockClear();
    addGradients(all, [0, 1, 2], random);
    optimizer.update();
    expect(rule).toHaveBeenCalledTimes(calls);
  }
});

it("another bound counts at once", () => {
  const θ = parameter([0]);
  const clip = { norm: 1 };
  const optimizer = new GradientDescent(θ, { learningRate: 1, clip });
  const step = (): number => {
    const before = θ.item();
    grad(() => θ.mul(10).sum());
    optimizer.update();
    return before - θ.item();
  };
  expect([step(), step()]).toEqual([1, 1]);
  clip.norm = 2;
  expect([step(), step()]).toEqual([2, 2]);
});

it("an update whose plan has given way to others is recorded again", () => {
  const θ = parameter([8]);
  const optimizer = new GradientDescent(θ, { learningRate: 1 });
  const step = (): void => {
    grad(() => θ.sum());
    optimizer.update();
  };
  step();
  step();
  forgetPlans();
  step();
  step();
  expect(θ.item()).toBe(4);
});

it("works on each device, and after a step that was too large to be remembered", () => {
  const θ = parameter([8]);
  const optimizer = new Momentum(θ, { learningRate: 1, momentum: 0 });
  const step = (): void => {
    grad(() => θ.sum());
    optimizer.update();
  };
  step();
  step();
  setDevice("reference");
  step();
  step();
  setDevice("wasm");
  evaluate(() => {
    let x = input([1]);
    for (let i = 0; i < 70_000; i++) x = x.neg();
    return x;
  });
  step();
  step();
  expect(θ.item()).toBe(2);
});

it("is watched and debugged as if it were recorded each time", () => {
  const [θ, other] = [parameter([1, 2]), parameter([1, 2])];
  const step = (which: Parameter, optimizer: { update(): void }): void => {
    grad(() => which.sum());
    optimizer.update();
  };
  const options = { learningRate: 1, clip: { norm: 1 } };
  const [optimizer, plain] = [new GradientDescent(θ, options), new (recording(GradientDescent))(other, options)];
  const both = (): void => {
    step(θ, optimizer);
    step(other, plain);
    expect(θ.toArray()).toEqual(other.toArray());
  };
  both();
  both();
  const [found, expected] = [explain(() => { step(θ, optimizer); }), explain(() => { step(other, plain); })].map(({ steps }) => steps[1]);
  expect(found.operations).toBe(expected.operations);
  expect(found.launches.map(({ kernel, operations }) => [kernel, operations])).toEqual(expected.launches.map(({ kernel, operations }) => [kernel, operations]));
  for (const debugging of [true, false, true, false]) {
    forgetPlans();
    debug({ eager: debugging });
    both();
    both();
  }
  debug({ checkNumerics: true });
  try {
    optimizer.learningRate = 3e38;
    θ.assign([3e38, -3e38]);
    grad(() => θ.sum().neg());
    expect(() => { optimizer.update(); }).toThrow(NanError);
    expect(() => { optimizer.update(); }).toThrow(/gradientDescent produced Infinity.*repeat\.test\.ts/);
  } finally {
    debug({ checkNumerics: false });
  }
  expect(θ.toArray()).toEqual([Math.fround(3e38), Math.fround(-3e38)]);
});
