import { expect, it } from "vitest";
import { abs, gelu, input, relu, sigmoid, softplus, tanh } from "../../src/index.ts";
import { isOnGpu } from "../device.ts";
import { describeOnEach, expectNear, gradientOf } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/activation.ts";

testOperations(entries);

describeOnEach("activation functions", () => {
  it("have their known values", () => {
    const x = input([-3, -1, 0, 0.5, 2]);
    expectNear(tanh(x), [-0.9950547536867305, -0.7615941559557649, 0, 0.46211715726000973, 0.9640275800758169]);
    expectNear(sigmoid(x), [0.04742587317756678, 0.2689414213699951, 0.5, 0.6224593312018546, 0.8807970779778823]);
    expectNear(softplus(x), [0.04858735157374206, 0.31326168751822286, Math.LN2, 0.9740769841801067, 2.1269280110429727]);
    // The tanh form, which is near x·Φ(x) and not the same.
    expectNear(gelu(x), [-0.0036373920817729943, -0.15880800939172324, 0, 0.345714010225937, 1.9545976940877752]);
    expect(relu(x).toArray()).toEqual([0, 0, 0, 0.5, 2]);
  });

  it("do not overflow", () => {
    const x = input([-Infinity, -1e4, -100, 100, 1e4, Infinity]);
    expect(sigmoid(x).toArray().toString()).toMatch(isOnGpu ? /^0,0,(0|3\.\d+e-44),1,1,1$/ : /^0,0,3\.\d+e-44,1,1,1$/);
    expect(tanh(x).toArray()).toEqual([-1, -1, -1, 1, 1, 1]);
    expect(softplus(x).toArray().toString()).toMatch(isOnGpu ? /^0,0,(0|3\.\d+e-44),100,10000,Infinity$/ : /^0,0,3\.\d+e-44,100,10000,Infinity$/);
    expect(gelu(input([-Infinity, -1e4, -100, 100, 1e4, Infinity])).toArray()).toEqual([0, 0, 0, 100, 1e4, Infinity]);
    expect(relu(input([-Infinity, Infinity])).toArray()).toEqual([0, Infinity]);
  });

  it("have gradients at the extremes", () => {
    const x = input([-1e4, -100, 100, 1e4]);
    for (const f of [tanh, sigmoid]) expect(Math.max(...(gradientOf(f, x) as number[]))).toBeLessThan(1e-40);
    for (const f of [softplus, gelu, relu]) {
      const slopes = gradientOf(f, x) as number[];
      expect(Math.abs(slopes[0]) + Math.abs(slopes[1])).toBeLessThan(1e-40);
      expect(slopes.slice(2)).toEqual([1, 1]);
    }
  });

  it("have slope 0 at a kink", () => {
    expect(gradientOf(relu, input([-1, 0, -0, 1]))).toEqual([0, 0, 0, 1]);
    expect(gradientOf(abs, input([-2, 0, -0, 2])).toString()).toBe("-1,0,0,1");
  });

  it("are exact near zero", () => {
    const small = Math.fround(1e-20);
    expect(tanh(input([small, -small])).toArray()).toEqual([small, -small]);
    expectNear(gelu(input([small])), [small / 2]);
  });
});
