import { describe, expect, it } from "vitest";
import { evaluate, gradients, input, maxPool2d, mul, Random, randn, ShapeError, type Shape, sum, ValueError, type Variable } from "../../src/index.ts";
import { sizeOf } from "../../src/support/shape.ts";
import { describeOnEach, devices, expectNear, gradientOf, on, reference } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/pooling.ts";

testOperations(entries);

describeOnEach("maxPool2d", () => {
  const x = input([[1, 5, 2, 0], [3, 4, 2, 2], [-1, -2, 7, 6]]);

  it("takes the largest of each window, without what fills none", () => {
    expectNear(maxPool2d(x, [2, 2]), [[5, 2]]);
    expectNear(maxPool2d(x, [2, 2], [1, 2]), [[5, 2], [4, 7]]);
    expectNear(maxPool2d(x, [1, 2], [2, 2]), [[5, 2], [-1, 7]]);
    expectNear(maxPool2d(x, [3, 4]), [[7]]);
  });

  it("takes one number for both axes", () => {
    const x = randn([2, 5, 7], new Random(3));
    expect(maxPool2d(x, 2).toArray()).toEqual(maxPool2d(x, [2, 2]).toArray());
    expect(maxPool2d(x, 3, 1).toArray()).toEqual(maxPool2d(x, [3, 3], [1, 1]).toArray());
    expect(() => maxPool2d(x, 0)).toThrow(ValueError);
  });

  it("lets equal entries share the gradient", () => {
    expect(gradientOf((y) => maxPool2d(y, [2, 2]), x, [[3, 6]])).toEqual([[0, 3, 2, 0], [0, 0, 2, 2], [0, 0, 0, 0]]);
  });

  it("divides what equal entries share by their number: 21 / 7 is 3, which 21 · (1/7) is not", () => {
    const equal = input([[1, 1, 1, 1, 1, 1, 1]]);
    expect(gradients(() => maxPool2d(equal, [1, 7]).mul(21).sum(), [equal])[0].toArray()).toEqual([[3, 3, 3, 3, 3, 3, 3]]);
  });

  // PyTorch 1.13: max_pool2d gives the others of a window 0, as 0 · ∞ does not.
  it.each([Infinity, NaN])("gives a gradient of %s to the largest entry alone", (slope) => {
    const x = input([[1, 2], [4, 3]]);
    expect(gradients(() => maxPool2d(x, 2).mul(slope).sum(), [x])[0].toArray()).toEqual([[0, 0], [slope, 0]]);
    // And what it is multiplied by in the gradient of a gradient is that of the largest entry alone.
    const upstream = input([[1]]);
    const [second] = gradients(() => {
      const [g] = gradients(() => maxPool2d(x, 2).mul(upstream).sum(), [x]);
      return g.mul(input([[slope, 0], [5, slope]])).sum();
    }, [upstream]);
    expect(second.toArray()).toEqual([[5]]);
  });

  it("lets what is not a number win, and gives it the gradient", () => {
    const y = input([[1, NaN], [0, 2]]);
    expect(maxPool2d(y, [2, 2]).item()).toBeNaN();
    expect(gradientOf((z) => maxPool2d(z, [2, 2]), y)).toEqual([[0, 1], [0, 0]]);
  });
});

describe("maxPool2d", () => {
  const random = new Random(5);
  const numbers = (shape: Shape): Variable => input(Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1)), shape);

  // Images are treated some at a time; these sizes make several such parts, the last one smaller.
  it.each([
    [[33, 5, 31, 30], [2, 2], [2, 2]], [[7, 3, 90, 91], [3, 2], [4, 3]], [[150, 40, 40], [5, 4], [5, 4]], [[60, 40, 40], [3, 3], [2, 2]],
  ])("gives exactly what the reference gives in larger sizes: %j by %j, %j", (shape, size, stride) => {
    const x = numbers(shape);
    const results = (): number[][] => {
      const y = evaluate(() => ({ y: maxPool2d(x, size, stride) })).y;
      const g = input(Float32Array.from({ length: y.size }, (_, i) => (i % 64) - 31), y.shape);
      const direction = input(Float32Array.from({ length: x.size }, (_, i) => (i % 61) - 30), x.shape);
      const first = (): Variable => gradients(() => sum(mul(maxPool2d(x, size, stride), g)), [x])[0];
      const second = gradients(() => sum(mul(first(), direction)), [g])[0];
      return [y, first(), second].map(({ data }) => Array.from(data));
    };
    const expected = on(reference, results);
    // Without equal entries, these are sums of few integers.
    for (const [, device] of devices.slice(1)) expect(on(device, results)).toEqual(expected);
  });

  it("refuses what does not fit", () => {
    expect(() => maxPool2d(numbers([5]), [1, 1])).toThrow(ShapeError);
    expect(() => maxPool2d(numbers([2, 3]), [3, 1])).toThrow("maxPool2d got images [2, 3] and a window [3, 1]");
    expect(() => maxPool2d(numbers([2, 3]), [0, 1])).toThrow(new ValueError("maxPool2d takes an integer of at least 1 as size, but got 0."));
    expect(() => maxPool2d(numbers([2, 3]), [1, 1], [1] as never)).toThrow("maxPool2d takes an integer of at least 1 as stride, but got undefined.");
  });
});
