import { describe, expect, it } from "vitest";
import {
  add, gradients, input, logSoftmax, logsumexp, maskedSoftmax, ShapeError, softmax, sum, ValueError, type Variable, wta, zeros,
} from "../../src/index.ts";
import { counting, describeOnEach, expectClose, expectNear, forAll, gradientOf, indicesOf } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/softmax.ts";

testOperations(entries);

const inf = Infinity;
const third = [0.09003057317038046, 0.24472847105479764, 0.6652409557748218];

describeOnEach("softmax", () => {
  it("gives probabilities", () => {
    expectNear(softmax(input([1, 2, 3])), third);
    expectNear(softmax(input([[1, 2, 3], [0, 0, 0]])), [third, [1 / 3, 1 / 3, 1 / 3]]);
    expectNear(softmax(input([[1, 0], [2, 0], [3, 0]]), 0), third.map((p) => [p, 1 / 3]));
    expect(softmax(zeros([1])).toArray()).toEqual([1]);
    expect(softmax(zeros([2, 0])).shape).toEqual([2, 0]);
    expect(softmax(zeros([0, 2])).shape).toEqual([0, 2]);
  });

  it("does not overflow", () => {
    expect(softmax(input([1e4, 1e4])).toArray()).toEqual([0.5, 0.5]);
    expect(softmax(input([-1e4, -1e4])).toArray()).toEqual([0.5, 0.5]);
    expect(softmax(input([1e4, -1e4, 0])).toArray()).toEqual([1, 0, 0]);
    expectNear(input(gradientOf((x) => softmax(x), input([1e4, -1e4]), [1, 0])), [0, 0]);
  });

  it("takes infinities and NaN", () => {
    expect(softmax(input([-inf, 0, 0])).toArray()).toEqual([0, 0.5, 0.5]);
    expect(softmax(input([[NaN, 0], [0, 0]])).toArray()).toEqual([[NaN, NaN], [0.5, 0.5]]);
    // ∞/∞; there is no answer, for any.
    expect(softmax(input([inf, 0])).toArray()).toEqual([NaN, NaN]);
    expect(softmax(input([-inf, -inf])).toArray()).toEqual([NaN, NaN]);
  });

  it("works over a list, element by element", () => {
    const parts = softmax([input([1, 0]), input([2, 0]), input([3, 0])]);
    parts.forEach((part, i) => { expectNear(part, [third[i], 1 / 3]); });
    expectNear(parts.reduce((a, b) => add(a, b)), [1, 1]);
    expect(softmax([zeros([2, 2])]).map((part) => part.toArray())).toEqual([[[1, 1], [1, 1]]]);
    expect(softmax([input(0), input(0)]).map((part) => part.toArray())).toEqual([0.5, 0.5]);
    expectNear(input(gradientOf((x) => softmax([x, input([2]), input([3])])[0], input([1]))), [third[0] * (1 - third[0])]);
  });

  it("has a gradient that sums to 0", () => {
    expect(sum(input(gradientOf((x) => softmax(x), counting(5), [1, 0, 2, 0, 3]))).item()).toBeCloseTo(0, 6);
  });
});

describeOnEach("maskedSoftmax", () => {
  it("is the softmax of what counts, computed apart", () => {
    forAll(40, 100, (draw) => {
      const shape = draw.shape(1, 4, false);
      const n = shape.at(-1) as number;
      const { values } = draw.tensor(shape);
      const mask = Float64Array.from(values, () => draw.random.integer(0, 2));
      const expected = Array.from({ length: values.length / n }, (_, r) => {
        const row = Array.from({ length: n }, (_, i) => mask[r * n + i] * Math.exp(values[r * n + i]));
        const total = row.reduce((a, b) => a + b);
        return row.map((e) => (total === 0 ? 0 : e / total));
      }).flat();
      // |x| ≤ 2, and n roundings at most; what does not count may be anything.
      const x = input(values.map((value, i) => (mask[i] === 0 ? [NaN, inf, -inf, 1e38][i % 4] : value)), shape);
      expectClose(maskedSoftmax(x, input(mask, shape)).data, expected, 8 + n);
    });
  });

  it("does not depend on how large or small the scores are", () => {
    for (const size of [1e38, 1e9, 1, 0, 1e-38]) {
      for (const score of [size, -size]) {
        const x = input([[score, score, 1e38], [score, -1e38, 1e38], [score, inf, NaN], [-1e38, 1e38, -1e38]]);
        const mask = input([[1, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]]);
        expect(maskedSoftmax(x, mask).toArray()).toEqual([[0.5, 0.5, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]]);
      }
    }
    expect(maskedSoftmax(input([-inf, 0, 0, NaN]), input([1, 1, 1, 0])).toArray()).toEqual([0, 0.5, 0.5, 0]);
    expect(maskedSoftmax(input([-inf, -inf, 0]), input([1, 1, 0])).toArray()).toEqual([NaN, NaN, 0]);
    expect(maskedSoftmax(input([NaN, 0, 0]), input([1, 1, 0])).toArray()).toEqual([NaN, NaN, 0]);
  });

  it("broadcasts its mask, which may come from anywhere", () => {
    const x = input([[1, 2, 3], [1, 2, 3]]);
    expectNear(maskedSoftmax(x, input([1, 1, 1])), [third, third]);
    expectNear(maskedSoftmax(x, input([[1], [0]])), [third, [0, 0, 0]]);
    expectNear(maskedSoftmax(x, x.less(3)), [[1 / (1 + Math.E), Math.E / (1 + Math.E), 0], [1 / (1 + Math.E), Math.E / (1 + Math.E), 0]]);
    expect(maskedSoftmax(zeros([2, 0]), input(1)).shape).toEqual([2, 0]);
    expect(maskedSoftmax(zeros([0, 2]), input(1)).shape).toEqual([0, 2]);
    for (const f of [() => maskedSoftmax(x, zeros([2, 2])), () => maskedSoftmax(zeros([3]), zeros([2, 3])), () => maskedSoftmax(zeros([]), zeros([]))]) {
      expect(f).toThrow(ShapeError);
    }
    expect(() => maskedSoftmax(x, [1, 1, 0] as unknown as Variable)).toThrow(ValueError);
  });

  it("has a gradient of 0 where nothing counts, whatever the gradient of the weights is there", () => {
    const mask = input([[1, 1, 0], [0, 0, 0]]);
    const gradient = (cotangent: number[][]) => gradientOf((x) => maskedSoftmax(x, mask), input([[0, 0, NaN], [inf, 0, NaN]]), cotangent);
    expectNear(input(gradient([[1, 0, NaN], [NaN, inf, 0]])), [[0.25, -0.25, 0], [0, 0, 0]]);
    // The entropy of weights has an infinite slope where one is 0.
    const entropy = (x: Variable) => { const p = maskedSoftmax(x, mask); return p.mul(p.log()).neg(); };
    expectNear(input(gradientOf(entropy, input([[0, 0, 1], [1, 2, 3]]))), [[0, 0, 0], [0, 0, 0]]);
  });
});

describeOnEach("logSoftmax", () => {
  it("is the logarithm of softmax", () => {
    expectNear(logSoftmax(input([1, 2, 3])), third.map(Math.log));
    expectNear(logSoftmax(input([[1, 0], [2, 0], [3, 0]]), 0), third.map((p) => [Math.log(p), Math.log(1 / 3)]));
    logSoftmax([input([1]), input([2]), input([3])]).forEach((part, i) => { expectNear(part, [Math.log(third[i])]); });
  });

  it("keeps what softmax would lose", () => {
    expect(logSoftmax(input([1e4, -1e4])).toArray()).toEqual([0, -2e4]);
    expectNear(logSoftmax(input([0, 1e4, 1e4])), [-1e4 - Math.log(2), -Math.log(2), -Math.log(2)]);
    expect(logSoftmax(input([-inf, 0])).toArray()).toEqual([-inf, 0]);
    expect(gradientOf((x) => logSoftmax(x), input([1e4, -1e4]), [0, 1])).toEqual([-1, 1]);
  });
});

describeOnEach("rows along any axes", () => {
  it("have the sums of their definition", () => {
    forAll(40, 100, (draw) => {
      const shape = draw.shape(1, 4, false);
      const axes = draw.axes(shape.length);
      const reduced = shape.map((_, i) => axes === undefined || [axes].flat().some((axis) => (axis + shape.length) % shape.length === i));
      const { values } = draw.tensor(shape);
      const sums = new Map<string, number>();
      const keys = indicesOf(shape).map((index) => String(index.filter((_, k) => !reduced[k])));
      keys.forEach((key, i) => { sums.set(key, (sums.get(key) ?? 0) + Math.exp(values[i])); });
      const x = input(values, shape);
      const total = [...sums.values()].map(Math.log);
      // |x| ≤ 2, and n roundings at most.
      const ulps = 8 + x.size;
      expectClose(logsumexp(x, axes).data, total, ulps, () => 8);
      if (typeof axes !== "number") return;
      expectClose(softmax(x, axes).data, keys.map((key, i) => Math.exp(values[i]) / (sums.get(key) as number)), ulps);
      expectClose(logSoftmax(x, axes).data, keys.map((key, i) => values[i] - Math.log(sums.get(key) as number)), ulps, () => 8);
    });
  });
});

describeOnEach("logsumexp", () => {
  it("is log Σ eˣ", () => {
    expectNear(logsumexp(input([0, 0])), Math.log(2));
    expectNear(logsumexp(input([[1, 2, 3], [0, 0, 0]]), 1), [3.40760596444438, Math.log(3)]);
    expectNear(logsumexp(input([[1, 2], [3, 4]]), [0, 1], true), [[4.440189698561196]]);
    expect(logsumexp(input(5)).toArray()).toBe(5);
  });

  it("does not overflow", () => {
    expectNear(logsumexp(input([1e4, 1e4])), 1e4 + Math.log(2));
    expectNear(logsumexp(input([-1e4, -1e4])), -1e4 + Math.log(2));
    expect(logsumexp(input([1e4, -1e4])).item()).toBe(1e4);
    expectNear(input(gradientOf((x) => logsumexp(x), input([1e4, 1e4, -1e4]))), [0.5, 0.5, 0]);
  });

  it("takes infinities and NaN", () => {
    expect(logsumexp(input([-inf, -inf])).item()).toBe(-inf);
    expect(logsumexp(input([-inf, 0])).item()).toBe(0);
    expect(logsumexp(input([inf, 0])).item()).toBe(inf);
    expect(logsumexp(input([inf, -inf])).item()).toBe(inf);
    expect(logsumexp(input([NaN, 0])).item()).toBeNaN();
    expect(logsumexp(zeros([0])).item()).toBe(-inf);
    expect(gradientOf((x) => logsumexp(x), input([-inf, 0]))).toEqual([0, 1]);
  });
});

describeOnEach("a hidden Markov model", () => {
  it("has posterior probabilities as gradients, with impossible beginnings and transitions", () => {
    // From left to right, so that most of the first sums are of −∞ alone.
    const half = Math.log(0.5);
    const transitions = input([[half, half, -inf], [-inf, half, half], [-inf, -inf, 0]]);
    const emissions = input([[-1, -2, -3], [-2, -1, -3], [-1, -1, -1], [-2, -2, -0.5]]);
    const likelihood = (): Variable => {
      let forward = add(input([0, -inf, -inf]), emissions.slice(0));
      for (let t = 1; t < 4; t++) forward = add(logsumexp(add(forward.reshape([3, 1]), transitions), 0), emissions.slice(t));
      return logsumexp(forward);
    };
    const [counts, states] = gradients(likelihood, [transitions, emissions]);
    // Each step is in one state; each of three transitions is one of those that are possible.
    expectNear(states.sum(1), [1, 1, 1, 1]);
    expectNear(states.slice(0), [1, 0, 0]);
    expectNear(counts.sum(), 3);
    expect([[0, 2], [1, 0], [2, 0], [2, 1]].map(([i, j]) => counts.slice(i, j).item())).toEqual([0, 0, 0, 0]);
  });
});

describeOnEach("wta", () => {
  it("keeps the largest of each row, the first of equal ones", () => {
    expect(wta(input([[1, 5, 2], [-3, -1, -2], [4, 4, 0]])).toArray()).toEqual([[0, 5, 0], [0, -1, 0], [4, 0, 0]]);
    expect(wta(input([[1, 5], [2, 3]]), 0).toArray()).toEqual([[0, 5], [2, 0]]);
    expect(wta(input([-inf, -inf])).toArray()).toEqual([-inf, 0]);
    expect(wta(zeros([2, 0])).shape).toEqual([2, 0]);
  });

  it("shows a NaN", () => {
    expect(wta(input([1, NaN, 3])).toArray()).toEqual([0, NaN, 0]);
  });

  it("lets the gradient pass to the winner", () => {
    expect(gradientOf((x) => wta(x), input([[1, 5, 2], [4, 4, 0]]), [[1, 2, 3], [4, 5, 6]])).toEqual([[0, 2, 0], [4, 0, 0]]);
  });
});

describe("the wrong use of the softmax family", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["a scalar", () => softmax(zeros([])), /softmax got axis -1 for shape \[\]: .* a scalar has none/],
    ["an axis that is not there", () => logSoftmax(zeros([2]), 1), /logSoftmax got axis 1/],
    ["axes that are none", () => logsumexp(zeros([2]), null as never), /logsumexp got axis null/],
    ["an axis for wta that is not there", () => wta(zeros([2]), 3), /wta got axis 3/],
    ["a list of several shapes", () => softmax([zeros([2]), zeros([3])]), /got shapes \[2\] and \[3\]/],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ShapeError);
    expect(f).toThrow(message);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["an empty list", () => softmax([]), /softmax takes a list of at least one Variable, but got an empty list/],
    ["numbers", () => logSoftmax([1, 2] as unknown as Variable[]), /logSoftmax takes a Variable, but got 1/],
    ["nothing", () => softmax(undefined as unknown as Variable), /softmax takes a list/],
    ["an array for wta", () => wta([1, 2] as unknown as Variable), /wta takes a Variable/],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ValueError);
    expect(f).toThrow(message);
  });
});
