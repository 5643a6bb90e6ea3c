import { describe, expect, it } from "vitest";
import {
  add, broadcastTo, dot, evaluate, grad, input, mean, mul, norm2, parameter, reshape, ShapeError, softmax, sum, type Variable, zeros,
} from "../../src/index.ts";
import { counting, describeOnEach, expectNear, fastDevices, forAll, gradientOf, indicesOf, on } from "./harness.ts";

describeOnEach("sum", () => {
  it("adds over any axes", () => {
    const x = counting(2, 3, 4);
    expect(sum(x).toArray()).toBe(276);
    expect(sum(x, 0).toArray()).toEqual([[12, 14, 16, 18], [20, 22, 24, 26], [28, 30, 32, 34]]);
    expect(sum(x, 1).toArray()).toEqual([[12, 15, 18, 21], [48, 51, 54, 57]]);
    expect(sum(x, -1).toArray()).toEqual([[6, 22, 38], [54, 70, 86]]);
    expect(sum(x, [0, 2]).toArray()).toEqual([60, 92, 124]);
    expect(sum(x, [-1, -3]).toArray()).toEqual([60, 92, 124]);
    expect(sum(x, [2, 1]).toArray()).toEqual([66, 210]);
    expect(sum(x, []).toArray()).toEqual(x.toArray());
  });

  it("keeps reduced axes when asked to", () => {
    const x = counting(2, 3);
    expect(sum(x, 1, true).toArray()).toEqual([[3], [12]]);
    expect(sum(x, 0, true).toArray()).toEqual([[3, 5, 7]]);
    expect(sum(x, undefined, true).toArray()).toEqual([[15]]);
    expect(sum(input(5), undefined, true).toArray()).toBe(5);
  });

  it("is 0 over nothing", () => {
    expect(sum(zeros([0])).toArray()).toBe(0);
    expect(sum(zeros([3, 0, 2]), 1).toArray()).toEqual([[0, 0], [0, 0], [0, 0]]);
    expect(sum(zeros([3, 0, 2]), 0).shape).toEqual([0, 2]);
    expect(gradientOf((x) => sum(x, 1), zeros([3, 0]))).toEqual([[], [], []]);
  });

  it("repeats its gradient over what was added", () => {
    expect(gradientOf((x) => sum(x, 0), zeros([2, 3]), [1, 2, 3])).toEqual([[1, 2, 3], [1, 2, 3]]);
    expect(gradientOf((x) => sum(x, 1, true), zeros([2, 3]), [[1], [2]])).toEqual([[1, 1, 1], [2, 2, 2]]);
  });

  it("does what its definition says, over all axes of any shape", () => {
    forAll(60, 200, (draw) => {
      const shape = draw.shape();
      const axes = draw.axes(shape.length);
      const reduced = shape.map((_, i) => axes === undefined || [axes].flat().some((axis) => (axis + shape.length) % shape.length === i));
      const kept = shape.filter((_, i) => !reduced[i]);
      const { values } = draw.tensor(shape, (random) => random.integer(-9, 10));
      const expected = new Map<string, number>();
      for (const index of indicesOf(kept)) expected.set(String(index), 0);
      indicesOf(shape).forEach((index, i) => {
        const key = String(index.filter((_, k) => !reduced[k]));
        expected.set(key, (expected.get(key) as number) + values[i]);
      });
      const found = sum(input(values, shape), axes);
      expect(found.shape).toEqual(kept);
      expect([...found.data]).toEqual([...expected.values()]);
    });
  });
});

describe.each(fastDevices)("long sums, on %s", (_, device) => {
  // What a sum meets at most, as its error is no more than their number times 2⁻²⁴ · Σ|terms|: in blocks that are added up in float64,
  // 2 additions of pairs, 16 of their sums, and the result; for columns 1 of a pair, 33, and the result.
  const [ofRow, ofColumns] = [2 + 16 + 1, 1 + 33 + 1];
  const data: Record<string, (i: number) => number> = {
    equal: () => 0.1,
    alternating: (i) => (i % 2 === 0 ? 0.1 : -0.3),
    growing: (i) => i / 1000,
  };

  it.each(Object.keys(data))("round no more often than a block does: %s", (name) => {
    on(device, () => {
      for (const [outer, n, inner] of [
        [1, 2 ** 20, 1], [5, 70_001, 1], [1, 1_000_003, 1], [1, 1_000_001, 2], [1, 300_007, 3], [1, 100_000, 8], [1, 20_001, 69], [3, 4099, 7], [2, 130, 33],
      ]) {
        const x = input(Float32Array.from({ length: outer * n * inner }, (_, i) => data[name](Math.floor(i / inner) % n)), [outer, n, inner]);
        let [exact, magnitude] = [0, 0];
        for (let i = 0; i < n; i++) {
          const value = Math.fround(data[name](i));
          exact += value;
          magnitude += Math.abs(value);
        }
        const least = (inner === 1 ? ofRow : ofColumns) * 2 ** -24 * magnitude;
        for (const value of sum(x, 1).data) expect(Math.abs(value - exact), `${outer} × ${n} × ${inner}`).toBeLessThan(least);
      }
    });
  });

  it("do so in what is made of them", () => {
    const [n, width, roundoff] = [400_000, 3, 2 ** -24];
    on(device, () => {
      const tenth = Math.fround(0.1);
      const x = broadcastTo(0.1, [n]);
      const isNear = (found: number, exact: number, roundings: number): void =>
        expect(Math.abs(found / exact - 1)).toBeLessThan(roundings * roundoff);
      isNear(mean(x).item(), tenth, ofRow + 2);
      // Squares round too; a square root halves the error.
      isNear(norm2(x).item(), tenth * Math.sqrt(n), (ofRow + 1) / 2 + 1);
      isNear(dot(x, x).item(), tenth ** 2 * n, ofRow + 1);
      isNear(softmax(x).data[0], 1 / n, ofRow + 4);
      // The gradient of a bias is a sum over rows.
      const bias = parameter(zeros([width]));
      grad(() => sum(mul(add(broadcastTo(0, [n, width]), bias), 0.1)));
      for (const value of (bias.grad as Variable).data) isNear(value, tenth * n, ofColumns + 1);
    });
  });
});

describeOnEach("reshape", () => {
  it("keeps the elements in their order", () => {
    expect(reshape(counting(6), [2, 3]).toArray()).toEqual([[0, 1, 2], [3, 4, 5]]);
    expect(reshape(counting(2, 3), [3, 2]).toArray()).toEqual([[0, 1], [2, 3], [4, 5]]);
    expect(reshape(counting(1, 1), []).toArray()).toBe(0);
    expect(reshape(input(7), [1, 1, 1]).toArray()).toEqual([[[7]]]);
  });

  it("finds one size from the others", () => {
    expect(reshape(counting(2, 6), [-1, 4]).shape).toEqual([3, 4]);
    expect(reshape(counting(2, 6), [3, -1, 2]).shape).toEqual([3, 2, 2]);
    expect(reshape(zeros([0, 3]), [-1, 3]).shape).toEqual([0, 3]);
    expect(reshape(zeros([0, 3]), [3, -1]).shape).toEqual([3, 0]);
  });

  it("gives a gradient of the shape it came from", () => {
    expect(gradientOf((x) => reshape(x, [3, 2]), zeros([2, 3]), [[1, 2], [3, 4], [5, 6]])).toEqual([[1, 2, 3], [4, 5, 6]]);
  });

  it("does not let a later change of the shape's array in", () => {
    const shape = [2, 3];
    const x = reshape(counting(6), shape);
    shape[0] = 7;
    expect(x.shape).toEqual([2, 3]);
  });
});

describeOnEach("broadcastTo", () => {
  it("repeats along new axes and axes of size 1", () => {
    expect(broadcastTo(counting(3), [2, 3]).toArray()).toEqual([[0, 1, 2], [0, 1, 2]]);
    expect(broadcastTo(counting(2, 1), [2, 3]).toArray()).toEqual([[0, 0, 0], [1, 1, 1]]);
    expect(broadcastTo(5, [2, 2]).toArray()).toEqual([[5, 5], [5, 5]]);
    expect(broadcastTo(zeros([1, 3]), [0, 3]).shape).toEqual([0, 3]);
  });

  it("sums its gradient", () => {
    expect(gradientOf((x) => broadcastTo(x, [2, 3]), zeros([2, 1]), [[1, 2, 3], [4, 5, 6]])).toEqual([[6], [15]]);
    expect(gradientOf((x) => broadcastTo(x, [2, 3]), zeros([]), [[1, 2, 3], [4, 5, 6]])).toBe(21);
    expect(gradientOf((x) => broadcastTo(x, [0, 3]), zeros([3]))).toEqual([0, 0, 0]);
  });

  it("is what arithmetic does by itself", () => {
    const [a, b] = [counting(3, 1), counting(1, 4)];
    const [by, explicitly] = evaluate((): [Variable, Variable] => [mul(a, b), mul(broadcastTo(a, [3, 4]), broadcastTo(b, [3, 4]))]);
    expectNear(by, explicitly.toArray());
  });
});

describe("wrong shapes", () => {
  it.each([
    ["an axis that is not there", () => sum(zeros([2]), 1), /sum got axis 1 for shape \[2\]/],
    ["an axis of a scalar", () => sum(zeros([]), 0), /a scalar has none/],
    ["an axis twice", () => sum(zeros([2, 2]), [0, -2]), /may be named only once/],
    ["a fractional axis", () => sum(zeros([2, 2]), 0.5), /sum got axis 0.5/],
    ["another number of elements", () => reshape(zeros([2, 3]), [4]), /reshape got shape \[2, 3\] with 6 elements to be seen as \[4\]/],
    ["a size that does not divide", () => reshape(zeros([2, 3]), [-1, 4]), /the number of elements must stay the same/],
    ["two open sizes", () => reshape(zeros([4]), [-1, -1]), /reshape got shape \[-1, -1\] for \[4\]: only one size can be −1/],
    ["a negative size", () => reshape(zeros([4]), [-2, -2]), /reshape got shape/],
    ["a number as shape", () => reshape(zeros([4]), 4 as never), /reshape takes a shape such as \[2, 3\], but got 4/],
    ["no extension", () => broadcastTo(zeros([2]), [3]), /broadcastTo cannot extend shape \[2\] to \[3\]/],
    ["less than there is", () => broadcastTo(zeros([2, 3]), [3]), /broadcastTo cannot extend shape \[2, 3\] to \[3\]/],
    ["a shape that is none", () => broadcastTo(zeros([2]), [2.5, 2]), /broadcastTo got shape \[2.5, 2\]/],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ShapeError);
    expect(f).toThrow(message);
  });
});
