import { describe, expect, it } from "vitest";
import { conv2d, evaluate, gradients, input, memory, mul, Random, randn, ShapeError, type Shape, sum, ValueError, type Variable } from "../../src/index.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import { onWasm } from "../device.ts";
import { sizeOf } from "../../src/support/shape.ts";
import { describeOnEach, devices, expectClose, expectNear, on, reference } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/convolution.ts";

testOperations(entries);

describeOnEach("conv2d", () => {
  it("sums over windows, in all channels", () => {
    const x = input([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]);
    const w = input([[[[1, 10], [100, 1000]]]]);
    expectNear(conv2d(x, w), [[[5421, 6532], [8754, 9865]]]);
    expectNear(conv2d(x, w, null, { padding: [1, 0], stride: [2, 1] }), [[[2100, 3200], [8754, 9865]]]);
    expectNear(conv2d(input([[[1, 2]], [[3, 4]]]), input([[[[1]], [[10]]], [[[1]], [[-1]]]])), [[[31, 42]], [[-2, -2]]]);
  });

  it("takes one number for both axes", () => {
    const random = new Random(3);
    const [x, w] = [randn([2, 3, 6, 5], random), randn([4, 3, 3, 3], random)];
    expect(conv2d(x, w, null, { stride: 2, padding: 1 }).toArray()).toEqual(conv2d(x, w, null, { stride: [2, 2], padding: [1, 1] }).toArray());
    expect(() => conv2d(x, w, null, { stride: 1.5 })).toThrow(ValueError);
  });

  it("takes images that padding alone makes large enough", () => {
    expectNear(conv2d(input([[[2]]]), input([[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]), null, { padding: [2, 1] }), [[[16], [10], [4]]]);
    expect(conv2d(input([], [1, 0, 2]), input([[[[1], [1]]]]), input([3]), { padding: [1, 0] }).toArray()).toEqual([[[3, 3]]]);
  });
});

describe("conv2d", () => {
  const random = new Random(5);
  const numbers = (shape: Shape): Variable => input(Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1)), shape);

  // Samples are treated some at a time; these sizes make several such parts, the last one smaller.
  it.each([
    ["one product for each row of the kernel", [7, 16, 30, 29], [9, 16, 5, 3], { padding: [2, 1] }],
    ["one product for the kernel", [11, 2, 50, 40], [8, 2, 3, 5], {}],
    ["strides", [9, 20, 33, 30], [5, 20, 3, 2], { stride: [2, 3], padding: [1, 1] }],
    ["the image itself", [7, 64, 20, 20], [32, 64, 1, 1], {}],
  ])("gives what the reference gives in larger sizes: %s", (_, shape, kernel, settings) => {
    const [x, w, b] = [numbers(shape), numbers(kernel), numbers([kernel[0]])];
    const y = on(reference, () => conv2d(x, w, b, settings));
    const g = numbers(y.shape);
    const results = (): Variable[] => {
      const found = evaluate(() => ({ y: conv2d(x, w, b, settings) }));
      return [found.y, ...gradients(() => sum(mul(conv2d(x, w, b, settings), g)), [x, w, b])];
    };
    const expected = on(reference, results);
    // A sum of k random products is about √k / 3, and each step rounds it by 2⁻²⁴ of that at most. If these errors are independent,
    // they add up to n / 7 of 2⁻²⁴ (standard deviation) in a sum of n products; this allows n.
    const terms = Math.max(sizeOf(kernel), shape[0] * y.shape[2] * y.shape[3]);
    for (const [name, device] of devices.slice(1)) {
      on(device, results).forEach((found, i) => expectClose(found.data, expected[i].data, terms / 2, () => 1, name));
    }
  });

  onWasm("its cache")("does not keep the windows of all images", () => {
    on(new WasmDevice(), () => {
      const x = numbers([64, 8, 32, 32]);
      const w = numbers([4, 8, 5, 5]);
      evaluate(() => sum(conv2d(x, w)));
      // The images take 2 MiB; their windows would take 38.
      expect(memory().arena).toBeLessThan(2 ** 23);
    });
  });

  it("refuses what does not fit", () => {
    const [x, w] = [numbers([2, 5, 5]), numbers([1, 2, 3, 3])];
    expect(() => conv2d(numbers([5, 5]), w)).toThrow(ShapeError);
    expect(() => conv2d(numbers([3, 5, 5]), w)).toThrow("conv2d got images [3, 5, 5] and a kernel [1, 2, 3, 3]");
    expect(() => conv2d(x, numbers([1, 2, 0, 3]))).toThrow(ShapeError);
    expect(() => conv2d(x, numbers([1, 2, 6, 3]))).toThrow("smaller than the kernel");
    expect(() => conv2d(x, w, null, { stride: [0, 1] })).toThrow(new ValueError("conv2d takes an integer of at least 1 as stride, but got 0."));
    expect(() => conv2d(x, w, null, { padding: "same" as never })).toThrow(/conv2d takes numbers as padding, but got "same".*\(kernel size − 1\) \/ 2/);
    const last = numbers([4, 5, 6, 2]);
    expect(() => conv2d(last, w)).toThrow(/channels seem to come last here.*x\.permute\(\[0, 3, 1, 2\]\)/);
    expect(conv2d(last.permute([0, 3, 1, 2]), w).shape).toEqual([4, 1, 3, 4]);
    expect(() => conv2d(x, w, null, { padding: [1] })).toThrow("conv2d takes an integer or [down, across] as padding, but got an array of 1.");
    expect(() => conv2d(x, w, numbers([2]))).toThrow("the bias must have shape [1]");
    expect(() => conv2d(1 as never, w)).toThrow("conv2d takes a Variable");
  });
});
