import { describe, expect, it } from "vitest";
import { Adam, GradientDescent, grad, memory, parameter, schedule, ValueError } from "../../src/index.ts";

const steps = (n: number) => Array.from({ length: n }, (_, i) => i);

describe("schedules", () => {
  it("are what the namespace has, and nothing else is public there", () => {
    expect(Object.keys(schedule).sort()).toEqual(["constant", "cosine", "sequence", "step", "warmUp"]);
  });

  it("constant", () => {
    expect(steps(3).map(schedule.constant(0.1))).toEqual([0.1, 0.1, 0.1]);
  });

  it("step: multiplied by the factor after each `every` steps", () => {
    const rates = steps(7).map(schedule.step(0.8, { every: 3, factor: 0.5 }));
    expect(rates).toEqual([0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]);
    expect(schedule.step(1, { every: 1 })(2)).toBeCloseTo(0.01, 15);
  });

  it("cosine: half a period, then the minimum", () => {
    const rate = schedule.cosine(1, { steps: 4, minimum: 0.2 });
    const expected = [1, 0.2 + 0.4 * (1 + Math.SQRT1_2), 0.6, 0.2 + 0.4 * (1 - Math.SQRT1_2), 0.2, 0.2];
    steps(6).forEach((step) => { expect(rate(step)).toBeCloseTo(expected[step], 14); });
    expect(schedule.cosine(3, { steps: 10 })(1000)).toBe(0);
  });

  it("warmUp: a line up to the rate, whose steps count from there", () => {
    expect(steps(6).map(schedule.warmUp(4, 2))).toEqual([0.5, 1, 1.5, 2, 2, 2]);
    const composed = schedule.warmUp(2, schedule.step(1, { every: 2, factor: 0.5 }));
    expect(steps(7).map(composed)).toEqual([0.5, 1, 1, 1, 0.5, 0.5, 0.25]);
  });

  it("sequence, and any of them as the rate of another", () => {
    expect(steps(5).map(schedule.sequence(3, 2, (step) => step / 10))).toEqual([3, 3, 0, 0.1, 0.2]);
    const product = schedule.step(schedule.step(1, { every: 2, factor: 0.5 }), { every: 3, factor: 0.1 });
    expect(product(5)).toBeCloseTo(0.025, 15);
  });

  it.each([
    ["a negative rate", () => schedule.constant(-1)],
    ["NaN", () => schedule.cosine(NaN, { steps: 3 })],
    ["no steps", () => schedule.cosine(1, { steps: 0 })],
    ["no options", () => schedule.step(1, undefined as unknown as { every: number })],
    ["a number as options", () => schedule.cosine(1, 100 as unknown as { steps: number })],
    ["half a step", () => schedule.step(1, { every: 1.5 })],
    ["a negative factor", () => schedule.step(1, { every: 1, factor: -1 })],
    ["an endless warm-up", () => schedule.warmUp(Infinity, 1)],
    ["a rate that is text", () => schedule.sequence(1, 2, "3" as unknown as number)],
    ["a negative minimum", () => schedule.cosine(1, { steps: 1, minimum: -1 })],
  ])("refuses %s", (_, make) => { expect(make).toThrow(ValueError); });
});

describe("an optimizer with a schedule", () => {
  const p = () => parameter([1, 2]);

  it("asks it for the rate of each update, by the number of updates before it", () => {
    const θ = p();
    const asked: number[] = [];
    const optimizer = new GradientDescent(θ, { learningRate: (step) => { asked.push(step); return 0.5 ** step; } });
    for (let i = 0; i < 3; i++) {
      grad(() => θ.sum());
      optimizer.update();
    }
    expect(asked).toEqual([0, 1, 2]);
    expect(θ.toArray()).toEqual([1 - 1.75, 2 - 1.75]);
    expect(optimizer.learningRate).toBe(0.125);
  });

  it("takes a new rate or schedule between updates", () => {
    const θ = p();
    const optimizer = new GradientDescent(θ, { learningRate: 1 });
    grad(() => θ.sum());
    optimizer.update();
    optimizer.learningRate /= 2;
    expect(optimizer.learningRate).toBe(0.5);
    grad(() => θ.sum());
    optimizer.update();
    expect(θ.toArray()).toEqual([-0.5, 0.5]);
    optimizer.learningRate = schedule.constant(0.25);
    expect(optimizer.learningRate).toBe(0.25);
    expect(() => { optimizer.learningRate = -1; }).toThrow(ValueError);
  });

  it("refuses what a schedule gives if it is no rate, and then changes nothing", () => {
    const θ = p();
    const optimizer = new Adam(θ, { learningRate: (step) => (step === 1 ? NaN : 0.1) });
    grad(() => θ.sum());
    optimizer.update();
    const before = θ.toArray();
    grad(() => θ.sum());
    expect(() => { optimizer.update(); }).toThrow(/schedule of Adam gave NaN at step 1/);
    expect(optimizer.step).toBe(1);
    expect(θ.toArray()).toEqual(before);
    expect(θ.grad?.toArray()).toEqual([1, 1]);
  });

  it("runs one plan, whatever the rate, the bound and the bias corrections are", () => {
    const θ = p();
    const optimizer = new Adam(θ, { learningRate: (step) => 1 / (2 + step), clip: { norm: 1 } });
    const update = () => {
      grad(() => θ.mul(θ).sum());
      optimizer.update();
    };
    for (let i = 0; i < 5; i++) update(); // the gradient's step is planned again when it has been seen often
    const { plans } = memory();
    for (let i = 0; i < 20; i++) update();
    expect(memory().plans).toBe(plans);
  });
});
