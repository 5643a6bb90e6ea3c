import { describe, expect, it } from "vitest";
import {
  evaluate, full, grad, gradients, input, layerNorm, mul, ones, parameter, Random, ShapeError, slice, sum, ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { isOnGpu } from "../device.ts";
import { launchesOf } from "../launches.ts";
import { describeOnEach, expectClose, expectNear, fastDevices, gradientOf, on, reference } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/layer-norm.ts";

testOperations(entries);

const half = Math.sqrt(1.5);

describeOnEach("layerNorm", () => {
  it("gives each row mean 0 and variance 1, then gain and bias", () => {
    const x = input([[1, 2, 3], [-10, 0, 10]]);
    expectNear(layerNorm(x, null, null, 0), [[-half, 0, half], [-half, 0, half]]);
    expectNear(layerNorm(x, input([1, 2, 3]), null, 0), [[-half, 0, 3 * half], [-half, 0, 3 * half]]);
    expectNear(layerNorm(x, null, input([1, 2, 3]), 0), [[1 - half, 2, 3 + half], [1 - half, 2, 3 + half]]);
    expectNear(layerNorm(x, input([1, 2, 3]), input([5, 6, 7]), 0), [[5 - half, 6, 7 + 3 * half], [5 - half, 6, 7 + 3 * half]]);
    expectNear(layerNorm(input([1, 3]), null, null, 3), [-0.5, 0.5]);
    expectNear(layerNorm(input([1, 3])), [-1 / Math.sqrt(1 + 1e-5), 1 / Math.sqrt(1 + 1e-5)]);
    expectNear(layerNorm(x.reshape([2, 1, 3]), null, null, 0), [[[-half, 0, half]], [[-half, 0, half]]]);
  });

  it("makes a constant row 0, wherever it is, with gradients that are finite", () => {
    for (const value of [0, 0.1, -3, 1e4 / 3, 1e10 / 3, -1e-30]) {
      for (const n of [1, 2, 3, 7, 20, 1023]) {
        expect(layerNorm(full([n], value)).toArray()).toEqual(new Array(n).fill(0));
        expect(layerNorm(full([4, n], value)).sum().item()).toBe(0);
      }
      expectNear(layerNorm(full([2, 3], value), input([1, 2, 3]), input([5, 6, 7])), [[5, 6, 7], [5, 6, 7]]);
      // The gradient less its mean, over √epsilon.
      expectNear(input(gradientOf((x) => layerNorm(x, null, null, 0.25), full([3], value), [1, 2, 6])), [-4, -2, 6]);
    }
  });

  it("takes empty arrays", () => {
    const gain = parameter(zeros([3]));
    expect(layerNorm(zeros([0, 3]), gain, gain).shape).toEqual([0, 3]);
    expect(gradients(() => layerNorm(zeros([0, 3]), gain, gain).sum(), [gain])[0].toArray()).toEqual([0, 0, 0]);
    expect(layerNorm(zeros([2, 0]), zeros([0]), zeros([0])).shape).toEqual([2, 0]);
    expect(gradientOf((x) => layerNorm(x), zeros([2, 0]))).toEqual([[], []]);
  });

  it("neither overflows nor lets rounding count where numbers are large", () => {
    const two = Math.SQRT1_2;
    for (const large of [1e10, 1e18, 1e19, 1e20, 1e30, isOnGpu ? 1e37 : 1e38]) { // beyond, the inverse of the deviation is denormal
      expectNear(layerNorm(input([large, 1, 1])), [2 * two, -two, -two]);
      expectNear(layerNorm(input([3 * large, 3 * large, large])), [two, two, -2 * two]);
      expect(layerNorm(full([7], large)).toArray()).toEqual(new Array(7).fill(0));
      // (h − mean h − x̂·mean(h·x̂)) / deviation, for x̂ = [√2, −√½, −√½] and a deviation of √2/3 · large.
      const [first, ...rest] = gradientOf((x) => layerNorm(x), input([large, 1, 1]), [0, 1, 2].map((g) => g * Math.min(large, 1e20))) as number[];
      expect(Math.abs(first)).toBeLessThan(1e-6); // numbers about 1 that cancel
      expectNear(input(rest).mul(Math.max(1, large / 1e20)), [-1.5 * two, 1.5 * two]);
    }
    if (!isOnGpu) expectNear(layerNorm(input([1e38, -1e38, 2e38])), [0.2672612, -1.3363062, 1.0690450]);
    const tail = full([1000], 1e37).add(input(Array.from({ length: 1000 }, (_, i) => (i % 2) * 2e36)));
    // Where even the sum overflows, the variance is a difference: of squares a hundred times as large.
    expectClose(layerNorm(tail).slice([0, 4]).data, [-1, 1, -1, 1], 400, () => 1);
  });

  it("shows what is not finite in its row alone", () => {
    const found = layerNorm(input([[1, NaN, 3], [1, Infinity, 3], [1, 2, 3]]), null, null, 0);
    expect(Array.from(found.data.subarray(0, 6))).toEqual(new Array(6).fill(NaN));
    expectNear(slice(found, 2), [-half, 0, half]);
  });
});

/** Rows of a mean and a deviation, as float32 numbers. */
function rows(count: number, n: number, mean: number, deviation: number): Float64Array {
  const random = new Random(n);
  return Float64Array.from({ length: count * n }, () => Math.fround(random.normal(mean, deviation)));
}

describe.each(fastDevices)("on %s", (_, device) => {
  // Were the variance a difference of squares, or the mean rounded only once, rows of mean 10⁴ would lose all or three of their digits.
  const moments = [[0, 1], [1e4, 1], [-1e6, 10], [1e-6, 1e-7], [3, 1e-3]];
  it.each(moments)("mean %f, deviation %f: as exact as its input, and so are the gradients", (mean, deviation) => {
    for (const [count, n] of [[5, 3], [2, 64], [3, 128], [2, 1023], [1, 5000]]) {
      const [x, g] = [rows(count, n, mean, deviation), rows(count, n + 1, 0, 1).slice(0, count * n)];
      const [gain, bias] = [rows(1, n, 1, 0.1), rows(1, n + 1, 0, 0.1).slice(0, n)];
      const epsilon = 0.01 * deviation ** 2;
      const of = (): Variable[] => {
        const [v, w, b] = [input(x, [count, n]), input(gain), input(bias)];
        const f = (): Variable => layerNorm(v, w, b, epsilon);
        return [f(), ...gradients(() => mul(f(), input(g, [count, n])).sum(), [v, w, b])];
      };
      const [found, expected] = [device, reference].map((d) => on(d, () => of().map(({ data }) => Float64Array.from(data))));
      found.forEach((array, k) => {
        const largest = expected[k].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        // Some twenty roundings of numbers as large as the largest, and those of sums in blocks.
        expectClose(array, expected[k], 32, () => largest, `${["value", "by x", "by gain", "by bias"][k]} of [${count}, ${n}]`);
      });
    }
  });

  it("computes a row alone as among many, to the bit", () => on(device, () => {
    const x = input(rows(2000, 64, 2, 3), [2000, 64]);
    const [gain, bias] = [input(rows(1, 64, 1, 1)), input(rows(1, 64, 0, 1))];
    const all = layerNorm(x, gain, bias).data;
    for (const row of [0, 1, 999, 1999]) expect(layerNorm(slice(x, row), gain, bias).data).toEqual(all.slice(64 * row, 64 * row + 64));
  }));
});

describe("the launches of layerNorm", () => {
  const [x, gain, bias] = [parameter(ones([8, 20])), parameter(ones([20])), parameter(zeros([20]))];

  it("are one forward, and four backward: two of rows, two sums over rows", () => {
    expect(launchesOf(() => evaluate(() => layerNorm(x, gain, bias)), 5)).toEqual({ row: 1 });
    const cost = (): Variable => sum(layerNorm(x, gain, bias).mul(input(rows(8, 20, 0, 1), [8, 20])));
    const step = (): void => {
      for (const parameter of [x, gain, bias]) parameter.clearGrad();
      grad(cost);
    };
    // The cost is a product and a sum, and the gradient of a product is one.
    expect(launchesOf(step, 5)).toEqual({ row: 1 + 1 + 2, columns: 2, map: 1 });
  });
});

describe("the wrong use of layerNorm", () => {
  const x = zeros([2, 3]);
  it.each<[string, () => unknown, RegExp]>([
    ["a scalar", () => layerNorm(zeros([])), /layerNorm takes x with at least one axis/],
    ["a gain of another size", () => layerNorm(x, ones([2])), /x \[2, 3\] and gain \[2\]: gain must have shape \[3\]/],
    ["a gain for each sample", () => layerNorm(x, ones([2, 3])), /gain must have shape \[3\]/],
    ["a bias that is a number", () => layerNorm(x, null, zeros([])), /x \[2, 3\] and bias \[\]: bias must have shape \[3\]/],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ShapeError);
    expect(f).toThrow(message);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["an array", () => layerNorm([1, 2] as never), /layerNorm takes a Variable/],
    ["a number as gain", () => layerNorm(x, 2 as never), /layerNorm takes a Variable, but got 2/],
    ["a negative epsilon", () => layerNorm(x, null, null, -1), /layerNorm takes a finite number of at least 0 as epsilon, but got -1/],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ValueError);
    expect(f).toThrow(message);
  });
});
