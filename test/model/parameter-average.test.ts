import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  Component, evaluate, GradientDescent, grad, input, ParameterAverage, type Parameter, parameter, Random, randn, ready, setDevice, ShapeError, UsageError,
  ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { restore, serialize } from "../../src/io/index.ts";
import { onBoth } from "../devices/unwaited.ts";

class Model extends Component {
  readonly w = parameter(randn([3, 2], new Random(1)));
  readonly parts = [parameter([5])];
  readonly shared = this.w;
  forward(x: Variable): Variable { return x.matmul(this.w).add(this.parts[0]); }
}

/** Σ decay^age · value / Σ decay^age, over the values in the order of time. */
function weighted(values: readonly number[][], decay: number): number[] {
  const weights = values.map((_, i) => decay ** (values.length - 1 - i));
  const total = weights.reduce((a, b) => a + b, 0);
  return values[0].map((_, k) => values.reduce((sum, value, i) => sum + value[k] * weights[i], 0) / total);
}

describe.each(["wasm", "reference"] as const)("ParameterAverage on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => setDevice("wasm"));
  const tolerance = device === "wasm" ? 1e-5 : 1e-12;
  const close = (found: ArrayLike<number>, expected: readonly number[]): void => {
    expect(found.length).toBe(expected.length);
    expected.forEach((value, i) => { expect(Math.abs(found[i] - value)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value))); });
  };

  it.each([0, 0.5, 0.9, 0.999, 1])("is the mean of the values so far, older ones less by the factor %d each", (decay) => {
    const w = parameter([1, 2, 3]);
    const average = new ParameterAverage(w, { decay });
    const values: number[][] = [];
    const random = new Random(2);
    for (let i = 0; i < 40; i++) {
      w.assign(randn([3], random).mul(10));
      values.push([...w.data]);
      average.update();
      close(average.evaluate(() => w.mul(1)).data, weighted(values, decay));
      if (i === 0) expect(average.averages.get("parameter")?.toArray()).toEqual(w.toArray());
    }
    expect([...w.data]).toEqual(values[39]);
  });

  it("without debias begins with the values at first", () => {
    const w = parameter(8);
    const average = new ParameterAverage(w, { decay: 0.75, debias: false });
    expect(average.evaluate(() => w.mul(1)).item()).toBe(8);
    let expected = 8;
    for (const value of [0, 4, -4, 12]) {
      w.assign(value);
      average.update();
      expected = 0.75 * expected + 0.25 * value;
      close(average.evaluate(() => w.mul(1)).data, [expected]);
    }
  });

  // torch.optim.swa_utils.AveragedModel has avg_fn(average, value, n); optax.ema(decay, debias=True) divides by 1 − decayᵗ. Both by hand:
  it("is the average of other libraries", () => {
    const w = parameter(0);
    const debiased = new ParameterAverage(w, { decay: 0.9 });
    let [total, t] = [0, 0];
    for (const value of [3, -1, 4, 1, -5, 9, 2, 6]) {
      w.assign(value);
      debiased.update();
      total = 0.9 * total + 0.1 * value;
      close(debiased.evaluate(() => w.add(0)).data, [total / (1 - 0.9 ** ++t)]);
    }
  });

  it("serves a model while it is trained, outside of steps and inside", () => {
    const model = new Model();
    const optimizer = new GradientDescent(model, { learningRate: 0.1 });
    const average = new ParameterAverage(model, { decay: 0.5 });
    const x = randn([4, 3], new Random(3));
    const history: number[][] = [];
    for (let step = 0; step < 8; step++) {
      grad(() => model.forward(x).pow(2).sum());
      optimizer.update();
      average.update();
      history.push([...model.w.data]);
    }
    const expected = weighted(history, 0.5);
    close(average.averages.get("w")?.data as never, expected);
    expect([...average.averages.keys()]).toEqual(["w", "parts.0"]);
    close(average.evaluate(() => model.w.add(0)).data, expected);
    close(average.evaluate(() => ({ y: model.shared.add(0) })).y.data, expected);
    expect([...model.w.data]).toEqual(history[7]);
    expect(evaluate(() => model.w.add(0)).toArray()).toEqual(model.w.toArray());
    expect(() => average.evaluate(() => { throw new RangeError("mine"); })).toThrow(RangeError);
    expect([...model.w.data]).toEqual(history[7]);
  });

  it("gives its values to the parameters, or to those of a like component", () => {
    const model = new Model();
    const average = new ParameterAverage(model, { decay: 1 });
    for (const value of [1, 2, 6]) {
      for (const p of model.parameters()) p.assign(zeros(p.shape).add(value));
      average.update();
    }
    const other = average.copyTo(new Model());
    close(other.w.data, Array(6).fill(3));
    close(other.parts[0].data, [3]);
    expect([...model.w.data]).toEqual(Array(6).fill(6));
    expect(average.copyTo()).toBe(model);
    close(model.w.data, Array(6).fill(3));
  });

  it("is saved and restored with its target, and goes on with the same bits", () => {
    const train = (average: ParameterAverage, seed: number): void => {
      const random = new Random(seed);
      for (let i = 0; i < 5; i++) {
        for (const p of (average.target as Component).parameters()) p.assign(p.add(randn(p.shape, random)));
        average.update();
      }
    };
    const average = new ParameterAverage(new Model(), { decay: 0.8 });
    train(average, 4);
    const bytes = serialize(average, { components: { Model } });
    const into = new ParameterAverage(new Model(), { decay: 0.8 });
    restore(bytes, { into });
    const again = restore(bytes, { components: { Model } }).component as ParameterAverage;
    expect(again).toBeInstanceOf(ParameterAverage);
    expect(again.target).toBeInstanceOf(Model);
    expect(again.decay).toBe(0.8);
    train(average, 5);
    for (const each of [into, again]) {
      train(each, 5);
      expect([...each.averages].map(([name, s]) => [name, s.toArray()])).toEqual([...average.averages].map(([name, s]) => [name, s.toArray()]));
      expect(each.weight.item()).toBe(average.weight.item());
      expect((each.target as Model).w.toArray()).toEqual((average.target as Model).w.toArray());
    }
  });
});

describe("ParameterAverage", () => {
  it("averages parameters of an array, each under its place", () => {
    const all: (Component | Parameter)[] = [new Model(), parameter([1, 2])];
    expect([...new ParameterAverage(all).averages.keys()]).toEqual(["0.w", "0.parts.0", "1"]);
  });

  it("is a component that has its target as a part, and its averages as state", () => {
    const model = new Model();
    const average = new ParameterAverage(model);
    expect(average.parameters()).toEqual(model.parameters());
    expect([...average.namedState().keys()]).toEqual(["averages.w", "averages.parts.0", "weight"]);
  });

  it("takes another decay later", () => {
    const w = parameter(1);
    const average = new ParameterAverage(w, { decay: 0.5 });
    average.update();
    w.assign(4);
    average.decay = 1;
    average.update();
    expect(average.averages.get("parameter")?.item()).toBe(2.5);
    average.decay = 2;
    expect(() => average.update()).toThrow("ParameterAverage takes a number from 0 to 1 as decay, but got 2.");
  });

  it("refuses what does not fit", () => {
    const w = parameter([1, 2]);
    expect(() => new ParameterAverage(w, { decay: 1.5 })).toThrow(new ValueError("ParameterAverage takes a number from 0 to 1 as decay, but got 1.5."));
    expect(() => new ParameterAverage(w, { decay: 1, debias: false })).toThrow(/would never move/);
    expect(() => new ParameterAverage(w, { rate: 1 } as never)).toThrow(/got the option "rate"/);
    expect(() => new ParameterAverage([])).toThrow(/ParameterAverage got nothing that holds a Parameter/);
    expect(() => new ParameterAverage(input(1) as never)).toThrow(/takes a Component, a Parameter or an array of these, but got a Variable \[\]/);
    const average = new ParameterAverage(w);
    expect(() => evaluate(() => average.update())).toThrow(UsageError);
    expect(() => average.copyTo(parameter([1]))).toThrow(new ShapeError(
      "ParameterAverage.copyTo has an average [2] for parameter, but got one of shape [1]."));
    const growing = Object.assign(new Model(), { more: [] as Parameter[] });
    const before = new ParameterAverage(growing);
    growing.more.push(w);
    expect(() => before.update()).toThrow(/has no average for more\.0 \[2\]/);
  });
});

describe("ParameterAverage where nobody can wait", () => {
  it("is kept, used and given to parameters without waiting", async () => {
    await onBoth(async () => {
      const w = parameter([1, 2]);
      const optimizer = new GradientDescent(w, { learningRate: 0.1 });
      const averages = [new ParameterAverage(w, { decay: 0.5 }), new ParameterAverage(w, { decay: 0.9, debias: false }), new ParameterAverage(w, { decay: 1 })];
      for (let step = 0; step < 4; step++) {
        optimizer.minimize(() => w.pow(2).sum());
        for (const average of averages) average.update();
      }
      const used = averages.map((average) => average.evaluate(() => w.mul(3)));
      averages[0].copyTo();
      await ready([used, averages]);
      return [used, [w], averages.map(({ weight }) => weight)].map((each) => each.map((x) => x.toArray()));
    });
  });
});
