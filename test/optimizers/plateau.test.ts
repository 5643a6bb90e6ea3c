import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Adam, GradientDescent, parameter, type PlateauOptions, schedule, ValueError } from "../../src/index.ts";

const losses = [5, 4, 4, 4, 3.9999, 3, 3.5, 3.2, 3.1, 3.05, 3.2, 2.9999, 2, 2, 2, 2, 2, 2, 2, 2, 2];

/** The rates after each of the losses by torch.optim.lr_scheduler.ReduceLROnPlateau of PyTorch 1.13, from 1. */
const torch: [PlateauOptions, number[]][] = [
  [{ factor: 0.5, patience: 1 }, [
    1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625, 0.0625, 0.03125, 0.03125, 0.015625, 0.015625, 0.0078125, 0.0078125, 0.00390625,
  ]],
  [{ factor: 0.5, patience: 1, cooldown: 2 }, [
    1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.125, 0.0625, 0.0625, 0.0625, 0.0625, 0.03125, 0.03125,
  ]],
  [{ patience: 0, threshold: 0.5, thresholdMode: "absolute", minimum: 0.01 }, [1, 1, 0.1, ...new Array(18).fill(0.01)]],
  [{ factor: 0.5, patience: 2, maximize: true }, [
    1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.0625, 0.0625, 0.0625, 0.03125, 0.03125, 0.03125, 0.015625, 0.015625, 0.015625,
  ]],
];

describe("a plateau", () => {
  it.each(torch)("falls when PyTorch's does: %o", (options, expected) => {
    const rate = schedule.plateau(1, options);
    let before = 1;
    losses.forEach((loss, i) => {
      const falls = rate.observe(loss);
      expect(rate(i)).toBeCloseTo(expected[i], 14);
      // Where the minimum is reached the scale may fall further.
      if (options.minimum === undefined) expect(falls).toBe(rate(i) < before);
      before = rate(i);
    });
  });

  it("is told anew where its state says", () => {
    for (let at = 0; at < losses.length; at++) {
      const [whole, first, second] = [1, 2, 3].map(() => schedule.plateau(1, torch[1][0]));
      losses.forEach((loss, i) => { whole.observe(loss); if (i < at) first.observe(loss); });
      second.state = JSON.parse(JSON.stringify(first.state));
      for (const loss of losses.slice(at)) second.observe(loss);
      expect(second.state).toEqual(whole.state);
    }
  });

  it("scales another schedule, but not below the minimum, nor above what that gives", () => {
    const rate = schedule.plateau(schedule.warmUp(4, 1), { factor: 0.5, patience: 0, minimum: 0.4 });
    const rates = () => [0, 1, 2, 3].map(rate);
    expect(rates()).toEqual([0.25, 0.5, 0.75, 1]);
    for (const loss of [1, 1]) rate.observe(loss);
    expect([rates(), rate.scale]).toEqual([[0.25, 0.4, 0.4, 0.5], 0.5]);
  });

  it("takes no NaN or infinity for an improvement, and improves with any loss after them", () => {
    const rate = schedule.plateau(1, { patience: 1 });
    expect([NaN, Infinity, 3, NaN, NaN].map((loss) => rate.observe(loss))).toEqual([false, true, false, false, true]);
    expect(rate.state.best).toBe(3);
  });

  it("says what it is", () => {
    expect(inspect(schedule.plateau(1))).toBe(
      'schedule.plateau(1, {"factor":0.1,"patience":10,"threshold":0.0001,"thresholdMode":"relative","cooldown":0,"minimum":0,"maximize":false})',
    );
  });

  it("is saved with the optimizer of which it is the rate, or that of a group", () => {
    const make = () => {
      const rates = [schedule.plateau(1, { patience: 0 }), schedule.plateau(2, { patience: 0 })];
      const target = [{ parameters: parameter(0), learningRate: rates[1] }, { parameters: parameter(0) }];
      return { rates, optimizer: new Adam(target, { learningRate: rates[0] }) };
    };
    const { rates, optimizer } = make();
    for (const loss of [3, 3]) rates[1].observe(loss);
    const saved = optimizer.snapshot();
    expect(saved.learningRates).toEqual([{ scale: 1, best: null, since: 0, pause: 0 }, { scale: 0.1, best: 3, since: 0, pause: 0 }, null]);
    rates[1].observe(1); // the snapshot is a copy
    const other = make();
    other.optimizer.restore(saved);
    expect(other.rates.map((rate) => rate(0))).toEqual([1, 0.2]);
    expect(other.rates[1].state.best).toBe(3);
    // What a program gives as a number, or as another schedule, stays.
    const plain = new Adam([{ parameters: parameter(0), learningRate: 7 }, { parameters: parameter(0) }], { learningRate: schedule.constant(5) });
    plain.restore(saved);
    expect([plain.learningRate, plain.groups[0].learningRate]).toEqual([5, 7]);
    const broken = { ...saved, learningRates: [{ scale: -1, best: null, since: 0, pause: 0 }, null, null] };
    expect(() => other.optimizer.restore(broken)).toThrow(/schedule\.plateau takes .* as scale, but got -1/);
    expect(other.rates[0].state.scale).toBe(1);
  });

  it("can be one of a user: a function with a state", () => {
    const rate = Object.assign((step: number) => 1 / (1 + step + rate.state.delay), { state: { delay: 0 } });
    const optimizer = new GradientDescent(parameter(0), { learningRate: rate });
    rate.state = { delay: 3 };
    const saved = optimizer.snapshot();
    rate.state = { delay: 0 };
    optimizer.restore(saved);
    expect(optimizer.learningRate).toBe(0.25);
  });

  it.each<[string, () => unknown]>([
    ["a factor of 1", () => schedule.plateau(1, { factor: 1 })],
    ["half a patience", () => schedule.plateau(1, { patience: 0.5 })],
    ["a negative threshold", () => schedule.plateau(1, { threshold: -1 })],
    ["another mode", () => schedule.plateau(1, { thresholdMode: "rel" as "relative" })],
    ["an option of PyTorch", () => schedule.plateau(1, { mode: "max" } as object)],
    ["a rate that is text", () => schedule.plateau("1" as unknown as number)],
    ["no number to observe", () => schedule.plateau(1).observe(parameter(1) as unknown as number)],
    ["two numbers to observe", () => (schedule.plateau(1).observe as (a: number, b: number) => boolean)(1, 2)],
  ])("refuses %s", (_, make) => { expect(make).toThrow(ValueError); });
});
