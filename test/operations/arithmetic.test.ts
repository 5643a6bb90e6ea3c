import { describe, expect, it } from "vitest";
import {
  add, clip, div, equal, evaluate, greater, greaterEqual, gradients, input, less, lessEqual, log, maximum, minimum, mul, notEqual, pow, recip, relu, ShapeError,
  sqrt, sub, sum, type Variable, ValueError, where, zeros,
} from "../../src/index.ts";
import { counting, describeOnEach, expectNear, forAll, gradientOf, indicesOf } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/arithmetic.ts";

testOperations(entries);

const all = [-Infinity, -1, 0, 2, Infinity, NaN];

describeOnEach("arithmetic", () => {
  it("adds, subtracts, multiplies and divides element by element", () => {
    const [a, b] = [input([1, 2, -3]), input([4, -8, 8])];
    expect(add(a, b).toArray()).toEqual([5, -6, 5]);
    expect(sub(a, b).toArray()).toEqual([-3, 10, -11]);
    expect(mul(a, b).toArray()).toEqual([4, -16, -24]);
    expect(div(a, b).toArray()).toEqual([0.25, -0.25, -0.375]);
  });

  it("takes numbers for either operand, and for both", () => {
    const x = input([[1, 2]]);
    expect(sub(10, x).toArray()).toEqual([[9, 8]]);
    expect(sub(x, 10).toArray()).toEqual([[-9, -8]]);
    expect(sub(5, 3).toArray()).toBe(2);
    expect(maximum(x, 1.5).toArray()).toEqual([[1.5, 2]]);
  });

  it("broadcasts from the right", () => {
    expect(add(counting(2, 1, 3), counting(4, 1)).toArray()).toEqual([
      [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]],
      [[3, 4, 5], [4, 5, 6], [5, 6, 7], [6, 7, 8]],
    ]);
    expect(add(zeros([0, 3]), zeros([3])).shape).toEqual([0, 3]);
    expect(add(zeros([2, 0]), zeros([2, 1])).shape).toEqual([2, 0]);
    expect(add(zeros([1]), zeros([])).shape).toEqual([1]);
  });

  it("does not overwrite what it repeats", () => {
    // The row has died when the sum is made, and the sum would fit into its place.
    expect(evaluate(() => add(mul(input([1, 2]), 2), input([[10, 20], [30, 40]]))).toArray()).toEqual([[12, 24], [32, 44]]);
  });

  it("broadcasts any shapes as NumPy does", () => {
    forAll(60, 200, (draw) => {
      const shapes = draw.broadcastable(2);
      const [a, b] = shapes.map((shape) => draw.tensor(shape));
      const rank = Math.max(a.shape.length, b.shape.length);
      const sizeAt = (shape: readonly number[], i: number): number => shape[shape.length - rank + i] ?? 1;
      const expected = Array.from({ length: rank }, (_, i) => (sizeAt(a.shape, i) === 1 ? sizeAt(b.shape, i) : sizeAt(a.shape, i)));
      const at = ({ shape, values }: typeof a, index: number[]): number =>
        values[shape.reduce((offset, size, i) => offset * size + (size === 1 ? 0 : index[rank - shape.length + i]), 0)];
      const found = sub(input(a.values, a.shape), input(b.values, b.shape));
      expect(found.shape).toEqual(expected);
      expect(Array.from(found.data, Math.fround)).toEqual(indicesOf(expected).map((index) => Math.fround(at(a, index) - at(b, index))));
    });
  });

  it("sums gradients over what was repeated", () => {
    const [a, b] = [counting(2, 1, 3), counting(4, 1)];
    const [da, db] = gradients(() => sum(mul(a, b)), [a, b]);
    expect(da.toArray()).toEqual([[[6, 6, 6]], [[6, 6, 6]]]);
    expect(db.toArray()).toEqual([[15], [15], [15], [15]]);
  });

  it("adds up the gradients of an operand that is used twice", () => {
    expect(gradientOf((x) => mul(x, x), input([1, -2, 3]))).toEqual([2, -4, 6]);
    expect(gradientOf((x) => sub(x, x), input([1, -2, 3]))).toEqual([0, 0, 0]);
    expect(gradientOf((x) => div(x, x), input([1, -2, 4]))).toEqual([0, 0, 0]);
  });

  it("divides by zero as IEEE 754 says", () => {
    expect(div(input([1, -1, 0]), 0).toArray()).toEqual([Infinity, -Infinity, NaN]);
    expect(div(input([1, -1]), -0).toArray()).toEqual([-Infinity, Infinity]);
    expect(recip(input([0, -0, Infinity])).toArray()).toEqual([Infinity, -Infinity, 0]);
    expect(log(input([0, -1, Infinity, 1])).toArray()).toEqual([-Infinity, NaN, Infinity, 0]);
    expect(sqrt(input([0, -0, -1, Infinity])).toArray()).toEqual([0, -0, NaN, Infinity]);
  });
});

describeOnEach("comparisons", () => {
  const compare = (f: (a: Variable, b: Variable) => Variable): unknown => f(input(all.map((v) => [v])), input(all)).toArray();
  const table = (holds: (a: number, b: number) => boolean): number[][] => all.map((a) => all.map((b) => (holds(a, b) ? 1 : 0)));

  it("are 1 where they hold, else 0; NaN is unequal to everything", () => {
    expect(compare(equal)).toEqual(table((a, b) => a === b));
    expect(compare(notEqual)).toEqual(table((a, b) => a !== b));
    expect(compare(less)).toEqual(table((a, b) => a < b));
    expect(compare(lessEqual)).toEqual(table((a, b) => a <= b));
    expect(compare(greater)).toEqual(table((a, b) => a > b));
    expect(compare(greaterEqual)).toEqual(table((a, b) => a >= b));
  });

  it("hold between the two zeros", () => {
    expect(equal(input([0]), -0).toArray()).toEqual([1]);
    expect(less(input([-0]), 0).toArray()).toEqual([0]);
  });
});

describeOnEach("maximum and minimum", () => {
  it("give NaN where either is NaN", () => {
    const table = (f: (...x: number[]) => number): number[][] => all.map((a) => all.map((b) => f(a, b)));
    const [column, row] = [input(all.map((v) => [v])), input(all)];
    expect(maximum(column, row).toArray()).toEqual(table(Math.max));
    expect(minimum(column, row).toArray()).toEqual(table(Math.min));
  });

  it("share the gradient where both are equal", () => {
    const [a, b] = [input([1, 2, 3]), input([3, 2, 1])];
    expect(gradients(() => sum(maximum(a, b)), [a, b]).map((g) => g.toArray())).toEqual([[0, 0.5, 1], [1, 0.5, 0]]);
    expect(gradients(() => sum(minimum(a, b)), [a, b]).map((g) => g.toArray())).toEqual([[1, 0.5, 0], [0, 0.5, 1]]);
  });
});

describeOnEach("clip", () => {
  const x = (): Variable => input([-3, -1, 0, 2, 5]);

  it("moves what is outside to the bounds", () => {
    expect(clip(x(), -1, 2).toArray()).toEqual([-1, -1, 0, 2, 2]);
    expect(clip(x(), -Infinity, 2).toArray()).toEqual([-3, -1, 0, 2, 2]);
    expect(clip(x(), 0, Infinity).toArray()).toEqual([0, 0, 0, 2, 5]);
    expect(() => clip(x(), 2, -1)).toThrow("clip got the bounds 2 and -1: give the lower one first.");
    expect(clip(input([-Infinity, NaN, Infinity]), -1, 1).toArray()).toEqual([-1, NaN, 1]);
  });

  it("takes bounds for each element", () => {
    expect(clip(x(), input([-4, 0, -1, 3, 1]), input([[4], [1]])).toArray()).toEqual([[-3, 0, 0, 3, 4], [-3, 0, 0, 1, 1]]);
  });

  it("lets gradients pass between the bounds, these included", () => {
    expect(gradientOf((v) => clip(v, -1, 2), x())).toEqual([0, 1, 1, 1, 0]);
    const [low, high] = [input(-1), input(2)];
    expect(gradients(() => sum(clip(x(), low, high)), [low, high]).map((g) => g.item())).toEqual([1, 1]);
  });
});

describeOnEach("where", () => {
  it("chooses by what is not zero", () => {
    expect(where(input([1, 0, -0, -2, NaN]), 10, 20).toArray()).toEqual([10, 20, 20, 10, 10]);
    expect(where(input([[1], [0]]), input([1, 2]), input([3, 4])).toArray()).toEqual([[1, 2], [3, 4]]);
  });

  it("keeps a NaN of what is not chosen out of values and gradients", () => {
    const safeLog = (x: Variable): Variable => where(greater(x, 0), log(x), 0);
    expect(safeLog(input([-1, 0, 1])).toArray()).toEqual([0, 0, 0]);
    const [a, b] = [input([NaN, 1]), input([2, NaN])];
    expect(gradients(() => sum(mul(where(input([0, 1]), a, b), 3)), [a, b]).map((g) => g.toArray())).toEqual([[0, 3], [3, 0]]);
  });
});

describeOnEach("a gradient that overflows", () => {
  it("does not pass through what was not chosen", () => {
    const all = (f: (x: Variable) => Variable): unknown => gradientOf(f, input([-2, 2]), [Infinity, Infinity]);
    expect(all(relu)).toEqual([0, Infinity]);
    expect(all((x) => maximum(x, 0))).toEqual([0, Infinity]);
    expect(all((x) => minimum(x, 0))).toEqual([Infinity, 0]);
    expect(all((x) => clip(x, -1, 3))).toEqual([0, Infinity]);
    expect(all((x) => where(greater(x, 0), x, 1))).toEqual([0, Infinity]);
  });
});

describeOnEach("pow", () => {
  it("has the powers of zero, one and infinity", () => {
    expect(pow(input([0, -0, 2, NaN, Infinity, -Infinity]), 0).toArray()).toEqual([1, 1, 1, 1, 1, 1]);
    expect(pow(input([0, -0, 0, -0]), input([-1, -1, -2, -2])).toArray()).toEqual([Infinity, -Infinity, Infinity, Infinity]);
    expect(pow(input([0, -0, -0]), input([2.5, 3, 2])).toArray()).toEqual([0, -0, 0]);
    expect(pow(input([2, 0.5, 2, 0.5]), input([Infinity, Infinity, -Infinity, -Infinity])).toArray()).toEqual([Infinity, 0, 0, Infinity]);
    expect(pow(input([-Infinity, -Infinity, Infinity]), input([3, 2, -0.5])).toArray()).toEqual([-Infinity, Infinity, 0]);
  });

  it("takes negative numbers to whole powers only", () => {
    expect(pow(input([-2, -2, -2, -2]), input([3, 4, -1, 0.5])).toArray()).toEqual([-8, 16, -0.5, NaN]);
  });

  it("computes the usual exponents directly", () => {
    const x = input([-1.5, 0.25, 4]);
    expect(pow(x, 1).toArray()).toEqual([-1.5, 0.25, 4]);
    expect(pow(x, 2).toArray()).toEqual([2.25, 0.0625, 16]);
    expect(pow(x, 3).toArray()).toEqual([-3.375, 0.015625, 64]);
    expect(pow(x, 0.5).toArray()).toEqual([NaN, 0.5, 2]);
    expect(pow(x, -1).data[1]).toBe(4);
  });

  it("takes numbers and Variables on both sides", () => {
    expect(pow(2, input([1, 2, 3])).toArray()).toEqual([2, 4, 8]);
    expect(pow(2, 10).item()).toBe(1024);
    expect(pow(input([[2], [3]]), input([1, 2])).toArray()).toEqual([[2, 4], [3, 9]]);
  });

  it("has finite gradients at zero where they are", () => {
    for (const exponent of [0, 1, 2, 3, 4]) {
      const slope = exponent === 1 ? 1 : 0;
      expect(gradientOf((x) => pow(x, exponent), input([0]))).toEqual([slope]);
      expect(gradientOf((x) => pow(x, input([exponent])), input([0]))).toEqual([slope]);
    }
    expect(gradientOf((x) => pow(x, 0), input([2, -2, 0]))).toEqual([0, 0, 0].map((v, i) => (i === 1 ? -v : v)));
    // d/dy 0ʸ = 0 for y > 0
    expect(gradientOf((y) => pow(0, y), input([2]))).toEqual([0]);
  });

  it("has second gradients at zero", () => {
    const second = (exponent: Variable | number): unknown => {
      const x = input([0]);
      return gradients(() => sum(gradients(() => sum(pow(x, exponent)), [x])[0]), [x])[0].toArray();
    };
    expect([0, 1, 2, 3].map((n) => second(input([n])))).toEqual([[0], [0], [2], [0]]);
  });

  it("depends on the exponent around zero too", () => {
    const [x, y] = [input([2]), input([0])];
    // d/dy d/dx xʸ = xʸ⁻¹ (1 + y log x)
    const [mixed] = gradients(() => sum(gradients(() => sum(pow(x, y)), [x])[0]), [y]);
    expectNear(mixed, [0.5]);
  });
});

describe("wrong operands", () => {
  it("are refused with their shapes", () => {
    expect(() => add(zeros([2, 3]), zeros([2]))).toThrow(ShapeError);
    expect(() => add(zeros([2, 3]), zeros([2]))).toThrow(/add got shapes \[2, 3\] and \[2\]/);
    expect(() => where(zeros([2]), zeros([3]), 1)).toThrow(/where got shapes \[2\], \[3\], \[\]/);
  });

  it("are refused when they are neither Variables nor numbers", () => {
    const wrong = [undefined, null, "1", [1, 2], {}, true, () => 1, Float32Array.of(1)] as never[];
    for (const x of wrong) {
      expect(() => add(x, 1), String(x)).toThrow(ValueError);
      expect(() => add(input(1), x), String(x)).toThrow(ValueError);
      expect(() => log(x), String(x)).toThrow(ValueError);
      expect(() => where(x, 1, 2), String(x)).toThrow(ValueError);
      expect(() => pow(x, 2), String(x)).toThrow(ValueError);
    }
    expect(() => log([1, 2] as never)).toThrow(/Wrap arrays with input/);
    expect(() => (where as (...x: number[]) => Variable)(1, 2)).toThrow(/where takes 3 operands, but got 2/);
  });
});
