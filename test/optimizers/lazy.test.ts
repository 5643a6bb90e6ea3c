/** Groups that are lazy change the rows of a table that were looked up, and no others. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  AdaDelta, Adam, AdamW, debug, embed, type ElementwiseOptimizer, GradientDescent, GradientNoise, Graves, grad, input, linear, Momentum, mul, Nesterov,
  Optimizer, type Parameter, parameter, Random, RmsProp, setDevice, type Updated, ValueError, type Variable,
} from "../../src/index.ts";

const kinds = { AdaDelta, Adam, AdamW, GradientDescent, Graves, Momentum, Nesterov, RmsProp } as unknown as Record<string, new (
  target: unknown, options: object,
) => ElementwiseOptimizer>;

const cubes = (w: Parameter, rows: readonly number[]) => (): Variable => {
  const x = embed(w, rows).sub(1);
  return mul(mul(x, x), x).sum();
};

describe.each(["wasm", "reference"] as const)("on the %s device", (device) => {
  const digits = device === "wasm" ? 5 : 6;
  beforeEach(() => setDevice(device));
  afterEach(() => {
    debug({ checkNumerics: false, eager: false });
    setDevice("wasm");
  });

  it.each([{}, { eager: true }, { checkNumerics: true }])("Adam is SparseAdam of PyTorch %j", (mode) => {
    debug(mode);
    const w = parameter([[0, 0.25], [0.5, 0.75], [1, 1.25], [1.5, 1.75], [2, 2.25]]);
    const optimizer = new Adam(w, { learningRate: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-12, lazy: true });
    // PyTorch 1.13, float64: SparseAdam([w], lr=0.1, betas=(0.8, 0.9), eps=1e-12) on ((embedding(rows, w, sparse=True) - 1) ** 3).sum().
    const steps = [
      [[0, 3, 3], [-0.1, 0.15, 0.5, 0.75, 1, 1.25, 1.4, 1.65, 2, 2.25]],
      [[3, 1], [-0.1, 0.15, 0.423422, 0.673422, 1, 1.25, 1.314335, 1.561771, 2, 2.25]],
      [[0, 0, 4, 0], [-0.179661, 0.070888, 0.423422, 0.673422, 1, 1.25, 1.314335, 1.561771, 1.932532, 2.182532]],
    ] as const;
    for (const [rows, values] of steps) {
      grad(cubes(w, rows));
      optimizer.update();
      values.forEach((value, i) => { expect(w.data[i]).toBeCloseTo(value, digits); });
    }
    const { firstMoment, rootSecondMoment } = optimizer.slotsOf(w);
    [2.658, 1.5705, 0.15, 0.0375, 0, 0, 0.336, 0.7935, 0.6, 0.9375].forEach((x, i) => { expect(firstMoment.data[i]).toBeCloseTo(x, digits); });
    [3.559383, 2.117673, 0.237171, 0.059293, 0, 0, 0.474911, 1.08895, 0.948683, 1.482318]
      .forEach((x, i) => { expect(rootSecondMoment.data[i]).toBeCloseTo(x, digits); });
  });

  it.each(Object.keys(kinds))("%s is, for the rows that are looked up, as it is for a table of these alone", (name) => {
    const random = new Random(4);
    for (const rows of [6, 3000]) {
      const data = Float32Array.from({ length: rows * 8 }, () => random.normal());
      const row = (r: number): Float32Array => data.subarray(r * 8, r * 8 + 8);
      const used = [2, 0, rows - 1]; // at every step, and row 3 never
      const all = parameter(data, [rows, 8]);
      const few = parameter(used.flatMap((r) => [...row(r)]), [3, 8]);
      const optimizers = [new kinds[name](all, { learningRate: 0.1, lazy: true }), new kinds[name](few, { learningRate: 0.1 })];
      for (let step = 0; step < 6; step++) {
        const numbers = step % 2 === 0 ? [0, 1, 2, 0, 1, 1] : [2, 1, 0];
        for (let times = 0; times < 1 + (step % 3); times++) {
          grad(() => mul(embed(all, numbers.map((k) => used[k])), 0.5).tanh().sum());
          grad(() => mul(embed(few, numbers), 0.5).tanh().sum());
        }
        for (const optimizer of optimizers) optimizer.update();
        expect(embed(all, used).data).toEqual(few.data);
        expect([...embed(all, 3).data]).toEqual([...row(3)]);
        for (const [slot, array] of Object.entries(optimizers[0].slotsOf(all))) {
          expect(embed(array, used).data, slot).toEqual(optimizers[1].slotsOf(few)[slot].data);
          expect(embed(array, 3).data.every((x) => x === 0), slot).toBe(true);
        }
      }
    }
  });

  it("moves a row that was looked up though its gradient is 0, and all rows where the table is used as a whole", () => {
    const w = parameter([[1], [2], [3]]);
    const optimizer = new Momentum([{ parameters: w, lazy: true }], { learningRate: 0.5, momentum: 0.5 });
    const step = (f: () => Variable): unknown => {
      grad(f);
      optimizer.update();
      return w.toArray();
    };
    expect(step(() => embed(w, [0, 1]).sum())).toEqual([[0.5], [1.5], [3]]);
    expect(step(() => embed(w, [1]).mul(0).sum())).toEqual([[0.5], [1.25], [3]]);
    expect(step(() => embed(w, []).sum())).toEqual([[0.5], [1.25], [3]]);
    // Tied: its rows are the weights of the output too. v = (−½, −¼, 0) / 2 − ½.
    expect(step(() => linear(w, input([1])).sum().add(embed(w, [0]).mul(0).sum()))).toEqual([[-0.25], [0.625], [2.5]]);
  });

  it("bounds the norm of the rows, and disturbs no others", () => {
    const w = parameter([[1, 1], [2, 2], [3, 3]]);
    const optimizer = new GradientDescent(w, { learningRate: 1, clip: { norm: 5 }, lazy: true });
    grad(() => mul(embed(w, [2, 0, 2]), input([[3, 0], [0, 8], [3, 0]])).sum());
    optimizer.update(); // (0, 8), (6, 0): a norm of 10
    expect(w.toArray()).toEqual([[1, -3], [2, 2], [0, 3]]);
    const noisy = new GradientDescent(w, { learningRate: 1, noise: new GradientNoise({ eta: 1, random: new Random(1) }), lazy: true });
    grad(() => embed(w, [1]).mul(0).sum());
    noisy.update();
    expect([w.data[0], w.data[1], w.data[4], w.data[5]]).toEqual([1, -3, 0, 3]);
    expect(w.data[2]).not.toBe(2);
  });

  it("goes on from a snapshot to the bit", () => {
    const make = (): [Parameter, Adam] => {
      const w = parameter([[1, 2], [3, 4], [5, 6]]);
      return [w, new Adam(w, { lazy: true })];
    };
    const [[a, first], [b, second]] = [make(), make()];
    const train = (w: Parameter, optimizer: Adam, rows: readonly number[]): void => {
      grad(cubes(w, rows));
      optimizer.update();
    };
    train(a, first, [0, 1]);
    b.assign(a);
    second.restore(first.snapshot());
    for (const [w, optimizer] of [[a, first], [b, second]] as const) for (const rows of [[1, 2], [0], [0, 0, 2]]) train(w, optimizer, rows);
    expect(b.data).toEqual(a.data);
  });
});

it("is an option of elementwise rules, of the optimizer and of each group", () => {
  const [w, v] = [parameter([1]), parameter([2])];
  const optimizer = new Adam([{ parameters: w, lazy: false }, { parameters: v }], { lazy: true });
  expect(optimizer.groups.map(({ lazy }) => lazy)).toEqual([false, true]);
  expect(String(new GradientDescent(w, { learningRate: 0.5, lazy: true }))).toBe("GradientDescent(learningRate=0.5, lazy=true)");
  expect(() => new Adam(w, { lazy: 1 as never })).toThrow(/lazy/);
  class Whole extends Optimizer {
    protected readonly slots = [];
    protected rule(value: Variable, gradient: Variable): Updated { return { value: value.sub(gradient), slots: [] }; }
  }
  expect(() => new Whole(w, { learningRate: 1, lazy: true })).toThrow(ValueError);
  expect(() => new Whole([{ parameters: w, lazy: true }], { learningRate: 1 })).toThrow(/ElementwiseOptimizer/);
});
