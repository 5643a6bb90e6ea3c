import { describe, expect, it } from "vitest";
import { argmax, argmaxneq, full, input, max, mean, min, ShapeError, ValueError, type Variable, zeros } from "../../src/index.ts";
import { counting, describeOnEach, devices, expectNear, forAll, gradientOf, indicesOf, on } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/reduction.ts";

testOperations(entries);

const inf = Infinity;

describeOnEach("mean", () => {
  it("averages over any axes", () => {
    const x = counting(2, 3);
    expectNear(mean(x), 2.5);
    expectNear(mean(x, 0), [1.5, 2.5, 3.5]);
    expectNear(mean(x, -1, true), [[1], [4]]);
    expect(mean(x, []).toArray()).toEqual(x.toArray());
    expect(mean(zeros([0])).toArray()).toBeNaN();
    expectNear(input(gradientOf((v) => mean(v), x)), [[1 / 6, 1 / 6, 1 / 6], [1 / 6, 1 / 6, 1 / 6]]);
  });
});

describe("the mean of equal numbers", () => {
  // Sums of so few such numbers are exact; the quotient is too, and so is every way to a mean.
  const lengths = Array.from({ length: 300 }, (_, i) => i + 1);
  it.each(devices)("is that number, for any length, on %s", (_, device) => on(device, () => {
    for (const n of lengths) {
      expect(mean(full([n], 3)).item(), String(n)).toBe(3);
      expect(mean(full([n, 5], 1), 0).toArray()).toEqual([1, 1, 1, 1, 1]);
      expect(mean(full([2, n], 1), -1).toArray()).toEqual([1, 1]);
    }
  }));

  it.each(devices)("and sums over n are correctly rounded, as are their gradients, on %s", (_, device) => on(device, () => {
    const round = device.name === "reference" ? (x: number) => x : Math.fround;
    for (const n of lengths) {
      const hits = (7 * n) % (n + 1);
      expect(mean(input(Array.from({ length: n }, (_, i) => (i < hits ? 1 : 0)))).item(), `${hits} of ${n}`).toBe(round(hits / n));
      expect(gradientOf((x) => mean(x), zeros([n]))).toEqual(new Array(n).fill(round(1 / n)));
    }
  }));
});

describeOnEach("max and min", () => {
  it("work over any axes", () => {
    const x = input([[3, -1, 2], [0, 5, -7]]);
    expect(max(x).toArray()).toBe(5);
    expect(min(x).toArray()).toBe(-7);
    expect(max(x, 0).toArray()).toEqual([3, 5, 2]);
    expect(min(x, 1).toArray()).toEqual([-1, -7]);
    expect(max(x, [1, 0], true).toArray()).toEqual([[5]]);
    expect(min(x, []).toArray()).toEqual(x.toArray());
    expect(max(zeros([0, 2]), 1).shape).toEqual([0]);
  });

  it("do what their definition says, over all axes of any shape", () => {
    forAll(60, 200, (draw) => {
      const shape = draw.shape(0, 4, false);
      const axes = draw.axes(shape.length);
      const reduced = shape.map((_, i) => axes === undefined || [axes].flat().some((axis) => (axis + shape.length) % shape.length === i));
      const { values } = draw.tensor(shape, (random) => random.integer(-9, 10));
      const groups = new Map<string, number[]>();
      indicesOf(shape).forEach((index, i) => {
        const key = String(index.filter((_, k) => !reduced[k]));
        groups.set(key, [...(groups.get(key) ?? []), values[i]]);
      });
      const x = input(values, shape);
      expect([...max(x, axes).data]).toEqual([...groups.values()].map((group) => Math.max(...group)));
      expect([...min(x, axes).data]).toEqual([...groups.values()].map((group) => Math.min(...group)));
    });
  });

  it("share the gradient among equal elements", () => {
    expect(gradientOf((x) => max(x), input([1, 3, 3]))).toEqual([0, 0.5, 0.5]);
    expect(gradientOf((x) => min(x, 1), input([[2, 2, 2, 2], [1, 0, 3, 0]]), [8, 4])).toEqual([[2, 2, 2, 2], [0, 2, 0, 2]]);
    expect(gradientOf((x) => max(x, 0, true), input([[1, 5], [1, 4]]), [[2, 3]])).toEqual([[1, 3], [1, 0]]);
  });

  it("let NaN win, and find infinities", () => {
    for (const n of [1, 2, 3, 4, 5, 7, 8, 9, 17, 33]) {
      for (let i = 0; i < n; i++) {
        const x = new Array<number>(n).fill(1).with(i, NaN);
        expect([max(input(x)).item(), min(input(x)).item()], `${i} of ${n}`).toEqual([NaN, NaN]);
        // The same along columns.
        expect(max(input(x.map((value) => [0, value])), 0).toArray()).toEqual([0, NaN]);
      }
    }
    expect(max(input([-inf, -inf])).item()).toBe(-inf);
    expect(min(input([inf, inf, 0, -inf])).item()).toBe(-inf);
    expect(max(input([-inf, inf])).item()).toBe(inf);
  });
});

describeOnEach("argmax", () => {
  it("gives the first of the largest", () => {
    expect(argmax(input([1, 3, 2, 3])).toArray()).toBe(1);
    expect(argmax(input([[0, 0], [-2, -1]])).toArray()).toEqual([0, 1]);
    expect(argmax(input([[1, 9], [5, 2]]), 0).toArray()).toEqual([1, 0]);
    expect(argmax(input([[1, 9], [5, 2]]), 0, true).toArray()).toEqual([[1, 0]]);
    expect(argmax(zeros([0, 3])).shape).toEqual([0]);
  });

  it("finds it at every place of every length", () => {
    for (const n of [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 100]) {
      for (let i = 0; i < n; i++) {
        expect(argmax(input(new Array<number>(n).fill(-1).with(i, 2))).item()).toBe(i);
        expect(argmax(input(new Array<number>(n).fill(9).with(i, NaN).with(n - 1, NaN))).item(), "NaN counts as the largest").toBe(i);
      }
    }
  });

  it("takes infinities", () => {
    expect(argmax(input([-inf, -inf])).item()).toBe(0);
    expect(argmax(input([-inf, 0, inf, inf])).item()).toBe(2);
  });
});

describeOnEach("argmaxneq", () => {
  it("gives the strongest competitor", () => {
    const x = input([[5, 7, 6], [1, 2, 2]]);
    expect(argmaxneq(x, [1, 1]).toArray()).toEqual([2, 2]);
    expect(argmaxneq(x, Int32Array.of(0, 0)).toArray()).toEqual([1, 1]);
    expect(argmaxneq(x, input([2, 2])).toArray()).toEqual([1, 1]);
    expect(argmaxneq(input([4, 3]), 0).toArray()).toBe(1);
    expect(argmaxneq(input([-inf, -inf, 0]), 2).item()).toBe(0);
    expect(argmaxneq(input([-inf, -inf]), 0).item()).toBe(1);
    expect(argmaxneq(input([NaN, 1, 2]), 0).item()).toBe(2);
    expect(argmaxneq(input([1, 2, NaN]), 0).item()).toBe(2);
    expect(argmaxneq(zeros([0, 3]), []).shape).toEqual([0]);
  });
});

describe("the wrong use of reductions", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["the largest of nothing", () => max(zeros([0])), /max got shape \[0\]: an axis without elements has no largest or smallest one/],
    ["the smallest of nothing", () => min(zeros([2, 0]), 1), /min got shape \[2, 0\]/],
    ["the largest's index in nothing", () => argmax(zeros([2, 0])), /argmax got shape \[2, 0\]/],
    ["an index in a scalar", () => argmax(zeros([])), /a scalar has none/],
    ["an axis that is not there", () => max(zeros([2]), 1), /max got axis 1/],
    ["several axes for one", () => argmax(zeros([2, 2]), [0, 1] as never), /argmax got axis/],
    ["axes that are no numbers", () => mean(zeros([2]), "0" as never), /mean got axis "0"/],
    ["null for axes", () => mean(zeros([2]), null as never), /mean got axis null/],
    ["one competitor only", () => argmaxneq(zeros([3, 1]), [0, 0, 0]), /the last axis needs at least two elements/],
    ["too few labels", () => argmaxneq(zeros([3, 2]), [0]), /argmaxneq got 1 indices for shape \[3, 2\], which has 3 rows/],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ShapeError);
    expect(f).toThrow(message);
  });

  it("labels are checked", () => {
    expect(() => argmaxneq(zeros([1, 2]), [2])).toThrow(ValueError);
    expect(() => argmaxneq(zeros([1, 2]), [2])).toThrow(/argmaxneq got index 2/);
    expect(() => max([1, 2] as unknown as Variable)).toThrow(/max takes a Variable, but got an array of 2/);
  });
});
