import { describe, expect, it } from "vitest";
import {
  add, checkGradients, concat, cummax, cumprod, cumsum, evaluate, gradients, input, mul, parameter, ShapeError, slice, sum, ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { counting, describeOnEach, devices, expectNear, gradientOf, on } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/scan.ts";

testOperations(entries);

const scans = { cumsum, cumprod, cummax };

describeOnEach("running sums, products and maxima", () => {
  it("go along the last axis or any other", () => {
    const x = counting(2, 3);
    expect(cumsum(x).toArray()).toEqual([[0, 1, 3], [3, 7, 12]]);
    expect(cumsum(x, 0).toArray()).toEqual([[0, 1, 2], [3, 5, 7]]);
    expect(x.cumprod(-2).toArray()).toEqual([[0, 1, 2], [0, 4, 10]]);
    expect(input([[1, 3, 2], [2, 1, 4]]).cummax(1).toArray()).toEqual([[1, 3, 3], [2, 2, 4]]);
  });

  it("leave an axis of one element as it is, and one of none", () => {
    for (const scan of Object.values(scans)) {
      const x = input([[2], [-3]]);
      expect(scan(x).toArray()).toEqual([[2], [-3]]);
      expect(gradientOf((v) => sum(scan(v)), x)).toEqual([[1], [1]]);
      for (const shape of [[0], [3, 0], [0, 3]]) {
        expect(scan(zeros(shape)).shape).toEqual(shape);
        expect(gradientOf((v) => sum(scan(v)), zeros(shape))).toEqual(zeros(shape).toArray());
      }
    }
  });

  it("sends the gradient of a maximum to the last of equal ones so far", () => {
    // PyTorch 1.13
    expect(gradientOf((x) => sum(cummax(x)), input([3, 1, 3, 2]))).toEqual([2, 0, 2, 0]);
    expect(gradientOf((x) => sum(mul(cummax(x, 0), input([[1, 2], [3, 4], [5, 6]]))), input([[1, 5], [2, 3], [0, 5]]))).toEqual([[1, 6], [8, 0], [0, 6]]);
    // What is infinite stays where it is.
    expect(gradientOf((x) => sum(mul(cummax(x), input([1, 1, Infinity]))), input([1, 1, 2]))).toEqual([1, 1, Infinity]);
  });

  it("has the gradients of products with zeros", () => {
    // PyTorch 1.13
    expect(gradientOf((x) => sum(cumprod(x)), input([2, 0, 3]))).toEqual([1, 8, 0]);
    expect(gradientOf((x) => sum(cumprod(x)), input([2, 0, 3, 0, 5]))).toEqual([1, 8, 0, 0, 0]);
    expect(gradientOf((x) => sum(cumprod(x)), input([0, 0, 1]))).toEqual([1, 0, 0]);
  });

  it("has their second derivatives too, and gradients in a step", () => {
    const plain = (x: Variable): Variable => {
      const parts = [0, 1, 2, 3].map((i) => slice(x, [i, i + 1]));
      return concat(parts.map((_, i) => parts.slice(0, i + 1).reduce((a, b) => mul(a, b))), 0);
    };
    for (const values of [[2, 0, 3, 0.5], [0, 1, 0, 4], [1, 2, -3, 4]]) {
      const second = (f: (x: Variable) => Variable): number[] => {
        const x = parameter(values);
        const inner = (): Variable => sum(mul(gradients(() => sum(mul(f(x), input([1, -2, 3, 5]))), [x])[0], input([7, 1, 2, -1])));
        return [...gradients(inner, [x])[0].data];
      };
      expectNear(input(second(cumprod)), second(plain));
    }
    const w = parameter([[0.5, -1, 2], [0, 3, 1]]);
    checkGradients(() => sum(add(mul(cumsum(w, 0), cumprod(w)), cummax(w))), new Map([["w", w]]));
  });
});

describe("long scans", () => {
  it.each(devices)("are as exact as one rounding, on %s", (_, device) => on(device, () => {
    const round = device.name === "reference" ? (x: number) => x : Math.fround;
    const [n, each] = [100_000, Math.fround(0.1)];
    const sums = cumsum(input(new Float32Array(n).fill(each))).data;
    const products = cumprod(input(new Float32Array(n).fill(Math.fround(1.0001)))).data;
    for (const i of [0, 1, 999, 65_537, n - 1]) {
      // Of float64 there are n roundings of 2⁻⁵³ each.
      const exact = (i + 1) * each;
      expect(Math.abs(sums[i] - round(exact))).toBeLessThanOrEqual(exact * (n * 2 ** -53 + (device.name === "reference" ? 0 : 2 ** -23)));
      expect(Math.abs(products[i] / Math.fround(1.0001) ** (i + 1) - 1)).toBeLessThan(2 ** -23);
    }
  }));
});

describe("what is refused", () => {
  it.each(Object.entries(scans))("by %s", (name, scan) => {
    expect(() => scan(input(1))).toThrow(new ShapeError(`${name} got axis -1 for shape []: an axis is an integer from 0 to -1 and a scalar has none.`));
    expect(() => scan(counting(2, 3), 2)).toThrow(ShapeError);
    expect(() => scan(counting(2, 3), 0.5)).toThrow(ShapeError);
    expect(() => scan([1, 2] as never)).toThrow(ValueError);
    expect(() => (scan as (...args: unknown[]) => Variable)(counting(2), 0, true)).toThrow(ValueError);
  });

  it("nothing in a step", () => {
    const x = input([1, 2, 3]);
    expect(evaluate(() => sum(cumsum(x)).add(sum(cumprod(x)))).item()).toBe(10 + 9);
  });
});
