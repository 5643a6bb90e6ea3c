/** Updates that are not recorded again are the same as those that are. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { explain } from "../../src/explain/index.ts";
import {
  Adam, debug, ElementwiseOptimizer, elementwise, evaluate, GradientDescent, GradientNoise, grad, input, Momentum, NanError,
  type Numbers, Optimizer, type Parameter, parameter, Random, rand, schedule, setDevice, type Updated, type Variable,
} from "../../src/index.ts";
import { optimizers } from "./exported.ts";

afterEach(() => {
  vi.restoreAllMocks();
  setDevice("wasm");
});

/** An optimizer that records every update: it forgets the last one. */
// biome-ignore lint/suspicious/noExplicitAny: any constructor
const recording = (Kind: any) => class extends Kind {
  update(): void {
    this.last = null;
    super.update();
  }
} as unknown as new (target: unknown, options: unknown) => Optimizer;

const parameters = (): Parameter[] => [parameter([1, -2, 3]), parameter([[0.5, 1], [-1, 2]]), parameter([0.25])];

/** Adds random gradients to some of the parameters. */
function addGradients(all: readonly Parameter[], which: readonly number[], random: Random): void {
  const slopes = which.map((i) => input(Float32Array.from({ length: all[i].size }, () => random.normal()), all[i].shape));
  grad(() => which.map((i, k) => all[i].mul(slopes[k]).sum()).reduce((a, b) => a.add(b)));
}

/** What parameters and optimizer state are after some updates, in which not all parameters have a gradient each time. */
function run(optimizer: Optimizer, all: readonly Parameter[]): number[] {
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

describe.each(optimizers)("%s", (_, Kind) => {
  it.each(Object.keys(options))("with %s: the same bits as when every update is recorded", (which) => {
    const [a, b] = [parameters(), parameters()];
    const expected = run(new (recording(Kind))(...options[which](a)), a);
    expect(run(new Kind(...options[which](b)), b)).toEqual(expected);
    expect(expected.every(Number.isFinite)).toBe(true);
  });

  it("asks its rule for the numbers of one parameter, once it has recorded all twice", () => {
    const rule = vi.spyOn(Kind.prototype as unknown as { rule(): Updated }, "rule");
    const all = parameters();
    const optimizer = new Kind(all, { learningRate: 0.1 });
    const random = new Random(3);
    const calls = Array.from({ length: 4 }, () => {
      rule.mockClear();
      addGradients(all, [0, 1, 2], random);
      optimizer.update();
      return rule.mock.calls.length;
    });
    expect(calls).toEqual([3, 3, 1, 1]);
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
  for (const calls of [3, 3, 2]) { // the first and the last have had equally many
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
  let refused: unknown = null;
  try {
    const huge = θ.data instanceof Float64Array ? Number.MAX_VALUE : 3e38;
    optimizer.learningRate = huge;
    θ.assign([huge, -huge]);
    refused = θ.toArray();
    grad(() => θ.sum().neg());
    expect(() => { optimizer.update(); }).toThrow(NanError);
    expect(() => { optimizer.update(); }).toThrow(/gradientDescent produced Infinity.*repeat\.test\.ts/);
  } finally {
    debug({ checkNumerics: false });
  }
  expect(θ.toArray()).toEqual(refused);
});

describe("a rule of one's own is recorded once too, and again whenever it records something else:", () => {
  const go = elementwise("go", (value, gradient, rate) => value.sub(gradient.mul(rate)));
  const random = new Random(5);
  let outside = input(1);
  /** What a rule gives for three parameters, besides its slot. */
  const rules: Record<string, (
    this: { rate: number; parameters: readonly Parameter[] }, value: Variable, gradient: Variable, slot: Variable, numbers: Numbers,
  ) => Variable> = {
    "numbers that are derived": (value, gradient, _, { learningRate, count }) => go(value, gradient, learningRate / count),
    "operations that depend on the count": (value, gradient, slot, { learningRate, count }) =>
      count % 3 === 0 ? go(value, gradient, learningRate).add(slot.mul(0.5)) : go(value, gradient, learningRate),
    "a number of the optimizer that changes": function (value, gradient) {
      this.rate *= 0.9;
      return go(value, gradient, this.rate);
    },
    "operations that depend on a field": function (value, gradient) {
      this.rate -= 0.04;
      return this.rate > 0.5 ? go(value, gradient, 1) : go(value, gradient.mul(gradient), 1);
    },
    "operations that depend on the shape": (value, gradient, _, { learningRate }) =>
      value.shape.length === 2 ? go(value, gradient.sub(gradient.mean(0)), learningRate) : go(value, gradient, learningRate),
    "what it does to one parameter": function (value, gradient, slot, { learningRate, count }) {
      return value === this.parameters[1] ? go(value, slot.mul(count), learningRate) : go(value, gradient, learningRate);
    },
    "the result that it chooses": (value, gradient, _, { learningRate, count }) => {
      const both = [go(value, gradient, learningRate), go(value, gradient, -learningRate)];
      return both[count % 2];
    },
    "an array from outside": (value, gradient, _, { learningRate }) => {
      outside = input([random.uniform()]);
      return go(value, gradient.mul(outside.sum()), learningRate);
    },
    "random numbers": (value, gradient) => go(value, gradient, random.uniform()),
    "random arrays": (value, gradient, _, { learningRate }) => go(value, gradient.mul(rand(value.shape, random)), learningRate),
    "numbers that it looks at": (value, gradient, slot, { learningRate }) => go(value, gradient, learningRate * (1 + Math.abs(slot.data[0]))),
  };

  it.each(Object.keys(rules))("%s", (name) => {
    class Own extends Optimizer {
      rate = 1;
      protected readonly slots = ["sum"];
      protected rule(value: Variable, gradient: Variable, [slot]: readonly Variable[], numbers: Numbers): Updated {
        return { value: rules[name].call(this, value, gradient, slot, numbers), slots: [slot.add(gradient)] };
      }
    }
    const runs = [Own, recording(Own)].map((Kind) => {
      random.state = new Random(9).state;
      const all = parameters();
      return run(new Kind(all, { learningRate: 0.1 }) as Optimizer, all);
    });
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0].every(Number.isFinite)).toBe(true);
  });

  it("and is asked for each parameter", () => {
    const asked: number[] = [];
    class Own extends Optimizer {
      protected readonly slots = [];
      protected rule(value: Variable, gradient: Variable, _: readonly Variable[], { learningRate }: Numbers): Updated {
        asked.push(this.parameters.indexOf(value as Parameter));
        return { value: go(value, gradient, learningRate), slots: [] };
      }
    }
    const all = parameters();
    const optimizer = new Own(all, { learningRate: 1 });
    for (let i = 0; i < 3; i++) {
      addGradients(all, [0, 1, 2], new Random(1));
      optimizer.update();
    }
    expect(asked).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  it("if it is elementwise, one is asked for all, but where they differ when it is recorded", () => {
    const asked: number[] = [];
    class Own extends ElementwiseOptimizer {
      protected readonly slots = [];
      protected rule(value: Variable, gradient: Variable, _: readonly Variable[], { learningRate, count }: Numbers): Updated {
        asked.push(this.parameters.indexOf(value as Parameter));
        const sign = value === this.parameters[2] ? -1 : 1;
        return { value: go(value, count === 5 ? gradient.neg() : gradient, learningRate * sign), slots: [] };
      }
    }
    const all = parameters();
    const optimizer = new Own(all, { learningRate: 1 });
    for (let i = 0; i < 5; i++) {
      addGradients(all, [0, 1, 2], new Random(1));
      optimizer.update();
    }
    // Twice each is asked, then one for two, and each again where the operations change.
    expect(asked).toEqual([0, 1, 2, 0, 1, 2, 0, 2, 0, 2, 0, 2, 0, 1, 2]);
  });
});
