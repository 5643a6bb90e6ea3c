/** Which parameters get gradients. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  affine, Component, grad, mean, mul, type Parameter, parameter, randn, setDevice, sum, tanh, type Trainable, ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { launchesOf } from "../launches.ts";

const numbers = (variable: Variable | null): number[] | null => (variable === null ? null : Array.from(variable.data));

describe.each(["wasm", "reference"] as const)("grad of some parameters, on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => setDevice("wasm"));

  it("leaves the gradients of others as they are, in any order of use", () => {
    for (const first of [0, 1]) {
      const [v, w] = [parameter([1, 2]), parameter([3, 4])];
      grad(() => sum(w));
      for (let run = 1; run <= 5; run++) {
        expect(grad(() => (first === 0 ? sum(mul(v, w)) : sum(mul(w, v))), { of: v }).item()).toBe(11);
        expect([numbers(v.grad), numbers(w.grad)]).toEqual([[3 * run, 4 * run], [1, 1]]);
      }
      grad(() => sum(mul(v, w)));
      expect([numbers(v.grad), numbers(w.grad)]).toEqual([[18, 24], [2, 3]]);
    }
  });

  it("takes a component, a parameter, or an array of these", () => {
    class Part extends Component { readonly w = parameter([2]); }
    const [a, b, c] = [new Part(), parameter([3]), parameter([5])];
    const product = (): Variable => sum(mul(mul(a.w, b), c));
    const found = (of: Trainable | undefined): (number | undefined)[] => {
      for (const p of [a.w, b, c]) p.clearGrad();
      grad(product, { of });
      return [a.w, b, c].map((p) => p.grad?.item());
    };
    expect(found(a)).toEqual([15, undefined, undefined]);
    expect(found(b)).toEqual([undefined, 10, undefined]);
    expect(found([c, a, a.w])).toEqual([15, undefined, 6]);
    expect(found(undefined)).toEqual([15, 10, 6]);
  });

  it("computes nothing for others", () => {
    const [v, w] = [parameter(randn([20, 30])), parameter(randn([10, 20]))];
    const x = randn([4, 30]);
    const f = (): Variable => mean(affine(w, tanh(affine(v, x, zeros([20]))), zeros([10])));
    // The result of w alone needs one product more, that of v another two: through w, and for v.
    const products = (of: Parameter | undefined): number | undefined => launchesOf(() => grad(f, { of }), 6).product;
    expect([products(undefined), products(w), products(v)]).toEqual([5, 3, 4]);
  });

  it("refuses what is no parameter, and a loss that depends on none of them", () => {
    const [v, w] = [parameter(1), parameter(2)];
    const loose = grad as (...args: unknown[]) => unknown;
    expect(() => loose(() => w, { of: 3 })).toThrow(/grad\(\{ of \}\) takes a Component, a Parameter or an array of these, but got 3/);
    expect(() => loose(() => w, { by: w })).toThrow(/"by".*of/s);
    expect(() => grad(() => mul(w, 2), { of: [] })).toThrow(ValueError);
    expect(() => grad(() => mul(w, 2), { of: v })).toThrow(/depends on none of the parameters that are asked for/);
    expect(v.grad ?? w.grad).toBeNull();
  });
});
