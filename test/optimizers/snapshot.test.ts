import { afterEach, describe, expect, it } from "vitest";
import {
  Adam, AdamW, GradientNoise, grad, input, type Optimizer, type OptimizerState, type Parameter,
  parameter, Random, RmsProp, ShapeError, schedule, setDevice, ValueError,
} from "../../src/index.ts";
import { optimizers } from "./exported.ts";

afterEach(() => { setDevice("wasm"); });

const make: [string, (θ: Parameter[]) => Optimizer][] = [
  ...optimizers.map(([name, Kind]): [string, (θ: Parameter[]) => Optimizer] => [name, (θ) => new Kind(θ, { learningRate: 0.1 })]),
  ["Adam with a schedule", (θ) => new Adam(θ, { learningRate: schedule.cosine(0.1, { steps: 9 }) })],
  ["AdamW with noise", (θ) => new AdamW(θ, { noise: new GradientNoise({ eta: 0.1, random: new Random(4) }) })],
];

const start = () => [parameter([[1, -2], [3, 0.5]]), parameter([0.25])];

function train(optimizer: Optimizer, from: number, to: number): void {
  for (let step = from; step < to; step++) {
    const slopes = [input([[step, 1], [-step, 0.1]]), input([1 / (1 + step)])];
    grad(() => optimizer.parameters.map((p, i) => p.mul(p).mul(slopes[i]).sum()).reduce((a, b) => a.add(b)));
    optimizer.update();
  }
}

describe("snapshot and restore", () => {
  it.each(make)("%s goes on as if it had not stopped", (_, optimizerOf) => {
    const θ = start();
    const optimizer = optimizerOf(θ);
    train(optimizer, 0, 5);
    const saved = optimizer.snapshot();
    const values = θ.map((p) => p.data);
    train(optimizer, 5, 9);
    const expected = θ.map((p) => p.data);

    const later = start();
    const other = optimizerOf(later);
    train(other, 0, 2); // a past of its own, to be forgotten
    later.forEach((p, i) => { p.assign(values[i]); });
    other.restore(saved);
    expect(other.step).toBe(5);
    train(other, 5, 9);
    expect(later.map((p) => p.data)).toEqual(expected);

    // The snapshot is a copy: the training after it has not changed it.
    θ.forEach((p, i) => { p.assign(values[i]); });
    optimizer.restore(saved);
    train(optimizer, 5, 9);
    expect(θ.map((p) => p.data)).toEqual(expected);
  });

  it("says what is remembered, by name and in the parameter's shape", () => {
    const θ = start();
    const optimizer = new Adam(θ);
    train(optimizer, 0, 2);
    const saved = optimizer.snapshot();
    expect(saved.step).toBe(2);
    expect(saved.random).toBeNull();
    expect(saved.learningRates).toEqual([0.001, null]);
    expect(saved.parameters.map(({ count }) => count)).toEqual([2, 2]);
    expect(Object.keys(saved.parameters[0].slots)).toEqual(["firstMoment", "rootSecondMoment"]);
    expect(saved.parameters[0].slots.firstMoment.shape).toEqual([2, 2]);
    expect(saved.parameters[0].slots.firstMoment.toArray()).toEqual(optimizer.slotsOf(θ[0]).firstMoment.toArray());
    expect(() => optimizer.slotsOf(parameter([1]))).toThrow(ValueError);
  });

  it("takes over rates that were set, but not what the program gives as a schedule", () => {
    const θ = start();
    const optimizer = new Adam([{ parameters: θ[0] }, { parameters: θ[1], learningRate: 0.5 }], { learningRate: 0.1 });
    optimizer.learningRate = 0.01;
    optimizer.groups[1].learningRate = 0.02;
    const saved = optimizer.snapshot();
    expect(saved.learningRates).toEqual([0.01, null, 0.02]);
    const other = new Adam([{ parameters: θ[0], learningRate: () => 7 }, { parameters: θ[1] }], { learningRate: 0.1 });
    other.restore(saved);
    expect(other.learningRate).toBe(0.01);
    expect((other.groups[0].learningRate as () => number)()).toBe(7);
    expect(other.groups[1].learningRate).toBe(0.02);
  });

  it("moves between devices", () => {
    const θ = start();
    const optimizer = new Adam(θ);
    train(optimizer, 0, 3);
    const saved = optimizer.snapshot();
    setDevice("reference");
    const later = θ.map((p) => parameter(p));
    const other = new Adam(later);
    other.restore(saved);
    train(other, 3, 5);
    setDevice("wasm");
    train(optimizer, 3, 5);
    // 0.001 a step, rounded to float32 around 3: half of 2^-22 for each of two steps.
    later.forEach((p, i) => { p.data.forEach((value, k) => { expect(Math.abs(value - θ[i].data[k])).toBeLessThan(5e-7); }); });
  });

  it("refuses what does not fit, and then changes nothing", () => {
    const θ = start();
    const optimizer = new Adam(θ);
    train(optimizer, 0, 2);
    const saved = optimizer.snapshot();
    const [first, second] = saved.parameters;
    const bad: [OptimizerState, new (message: string) => Error][] = [
      [new RmsProp(start(), { learningRate: 1 }).snapshot(), ValueError],
      [new Adam(parameter([1])).snapshot(), ValueError],
      [new Adam([{ parameters: parameter([1]) }, { parameters: parameter([1]) }]).snapshot(), ValueError],
      [{ ...saved, step: -1 }, ValueError],
      [{ ...saved, learningRates: [NaN, null] }, ValueError],
      [{ ...saved, parameters: [first, { ...second, count: 0.5 }] }, ValueError],
      [{ ...saved, parameters: [first, first] }, ShapeError],
    ];
    for (const [state, error] of bad) expect(() => { optimizer.restore(state); }).toThrow(error);
    const after = optimizer.snapshot();
    expect(after.step).toBe(2);
    expect(after.parameters.map(({ slots }) => slots.firstMoment.toArray())).toEqual(saved.parameters.map(({ slots }) => slots.firstMoment.toArray()));
  });
});
