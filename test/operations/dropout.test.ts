import { beforeAll, describe, expect, it } from "vitest";
import { dropout, evaluate, grad, gradients, mul, ones, parameter, Random, seed, sum, ValueError, type Variable, zeros } from "../../src/index.ts";
import { FeedForward } from "../../src/components/index.ts";
import { useDevice } from "../../src/devices/current.ts";
import { uniform } from "../../src/operations/uniform.ts";
import { counting, describeOnEach, devices, on, reference } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/dropout.ts";

testOperations(entries);

/** What dropout gives in training, and the gradient of its sum. */
function trained(f: (x: Variable) => Variable, x: Variable): { y: Variable; gradient: Variable } {
  const p = parameter(x);
  const { y } = grad(() => {
    const result = f(p);
    return { y: result, loss: sum(result) };
  });
  return { y, gradient: p.grad as Variable };
}

describeOnEach("dropout", () => {
  it("drops a fraction p and scales up the rest", () => {
    const n = 20_000;
    for (const p of [0.1, 0.5, 0.75]) {
      const { y } = trained((x) => dropout(x, p, new Random(1)), ones([n]));
      const values = [...y.data];
      const kept = values.filter((value) => value !== 0);
      expect(new Set(kept).size).toBe(1);
      expect(kept[0]).toBeCloseTo(1 / (1 - p), 5);
      // Five standard deviations of a binomial distribution.
      expect(Math.abs(kept.length / n - (1 - p))).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n));
      // No correlation from one element to the next.
      const both = values.filter((value, i) => value !== 0 && values[i + 1] !== 0).length;
      expect(Math.abs(both / n - (1 - p) ** 2)).toBeLessThan(0.02);
    }
  });

  it("lets gradients pass where values do", () => {
    const { y, gradient } = trained((x) => dropout(x, 0.5, new Random(2)), ones([4, 7]));
    expect(gradient.toArray()).toEqual(y.toArray());
  });

  it("is the identity outside of training, and for p = 0", () => {
    const x = counting(3, 3);
    expect(dropout(x, 0.9).toArray()).toEqual(x.toArray());
    expect(evaluate(() => dropout(mul(x, 1), 0.9)).toArray()).toEqual(x.toArray());
    expect(trained((v) => dropout(v, 0), x).y.toArray()).toEqual(x.toArray());
  });

  it("acts in what trains, not in what only differentiates", () => {
    const [x, w] = [ones([64]), parameter(ones([64]))];
    const whole = ones([64]).toArray();
    // Saliency: by an input, by a parameter, and of a gradient.
    for (const by of [x, w]) expect(gradients(() => dropout(by, 0.5).sum(), [by])[0].toArray()).toEqual(whole);
    const second = gradients(() => gradients(() => dropout(mul(x, x), 0.5).sum(), [x])[0].sum(), [x])[0];
    expect(second.toArray()).toEqual(ones([64]).mul(2).toArray());
    expect(evaluate(() => gradients(() => dropout(x, 0.5).sum(), [x])[0]).toArray()).toEqual(whole);
    // In the step of a training it does act, in its gradients as well.
    const { found } = grad(() => ({ found: gradients(() => dropout(x, 0.5).sum(), [x])[0], loss: w.sum() }));
    expect([...new Set(found.data)].sort()).toEqual([0, 2]);
    // And a component's own.
    const layer = new FeedForward({ inputs: 64, hidden: [64], outputs: 1, dropout: 0.5 });
    const saliency = (): string => String(gradients(() => layer.forward(x).sum(), [x])[0].data);
    expect(saliency()).toBe(saliency());
  });

  it("draws anew at each call and each step, and again after the same seed", () => {
    const twice = (): [string, string] => {
      const p = parameter(ones([64]));
      const { a, b } = grad(() => {
        const [first, second] = [dropout(p, 0.5), dropout(p, 0.5)];
        return { a: first, b: second, loss: sum(mul(first, second)) };
      });
      return [String(a.data), String(b.data)];
    };
    const drawn = (): string[] => {
      seed(3);
      // More often than it takes until a step is planned anew.
      return Array.from({ length: 6 }, twice).flat();
    };
    const first = drawn();
    expect(new Set(first).size).toBe(first.length);
    expect(drawn()).toEqual(first);
  });

  it("takes any shape", () => {
    expect(trained((x) => dropout(x, 0.5), zeros([2, 0])).y.shape).toEqual([2, 0]);
    expect([0, 2]).toContain(trained((x) => dropout(x, 0.5), ones([])).y.item());
  });

  it("refuses what is no probability", () => {
    for (const p of [-0.1, 1, 1.5, NaN, Infinity, "0.5" as never, undefined as never]) expect(() => dropout(ones([2]), p)).toThrow(ValueError);
    expect(() => dropout([1, 2] as never, 0.5)).toThrow(/dropout takes a Variable, but got an array of 2/);
    expect(() => dropout(ones([2]), 1)).toThrow(/dropout takes the share that is dropped, from 0 to less than 1, but got 1: nothing would be left/);
  });
});

describe("the same generator", () => {
  it("gives the same mask on every device", () => {
    const masks = devices.map(([, device]) => on(device, () =>
      [1, 3, 4, 5, 31, 1001].map((n) => [...trained((x) => dropout(x, 0.3, new Random(n)), ones([n])).y.data].map((value) => (value === 0 ? 0 : 1)))));
    for (const mask of masks) expect(mask).toEqual(masks[0]);
  });

  it("gives the same mask even where float32 and float64 differ about the probability", () => {
    // The last number of this block is 0.7 rounded to float32: below 0.7, but not below 0.7 in float32.
    const state = { seed: 1, counter: 4_356_324 };
    const masks = devices.map(([, device]) => on(device, () => {
      const generator = new Random(1);
      generator.state = state;
      expect(generator.uniformArray(4)[3]).toBe(Math.fround(0.7));
      generator.state = state;
      return [...trained((x) => dropout(x, 0.7, generator), ones([4])).y.data].map((value) => (value === 0 ? 0 : 1));
    }));
    for (const mask of masks) expect(mask).toEqual(masks[0]);
  });
});

describe("uniform numbers", () => {
  beforeAll(() => useDevice(reference));

  it("are those of the generator", () => {
    for (const [, device] of devices) {
      on(device, () => {
        const generator = new Random(5);
        const found = [...uniform([5], generator).data, ...uniform([2, 3], generator).data];
        // Each call begins with a block of four.
        const same = new Random(5).uniformArray(14);
        expect(found).toEqual([...same.slice(0, 5), ...same.slice(8, 14)]);
      });
    }
  });
});
