import { describe, expect, it } from "vitest";
import { add, detach, gradients, gradnorm, grad, identity, input, mul, parameter, sum, UsageError, ValueError, zeros } from "../../src/index.ts";
import { isOnGpu } from "../device.ts";
import { counting, describeOnEach, expectNear, gradientOf } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/gradient.ts";

testOperations(entries);

describeOnEach("identity and detach", () => {
  it("leave values as they are", () => {
    const x = counting(2, 3);
    expect(identity(x).toArray()).toEqual(x.toArray());
    expect(detach(x).toArray()).toEqual(x.toArray());
    expect(identity(x)).not.toBe(x);
  });

  it("let the gradient pass, or not", () => {
    expect(gradientOf(identity, zeros([3]), [1, 2, 3])).toEqual([1, 2, 3]);
    expect(gradientOf(detach, zeros([3]), [1, 2, 3])).toEqual([0, 0, 0]);
    // Only the other way remains.
    expect(gradientOf((x) => mul(x, detach(x)), input([2, 3]))).toEqual([2, 3]);
  });

  it("cut what grad reaches", () => {
    const [a, b] = [parameter([1, 2]), parameter([3, 4])];
    grad(() => sum(mul(detach(a), b)));
    expect(a.grad).toBeNull();
    expect(b.grad?.toArray()).toEqual([1, 2]);
    expect(() => grad(() => sum(detach(a)))).toThrow(UsageError);
  });
});

describeOnEach("gradnorm", () => {
  it("leaves values as they are and gives each sample's gradient the norm", () => {
    const x = counting(2, 2);
    expect(gradnorm(x, 10).toArray()).toEqual(x.toArray());
    expect(gradientOf((v) => gradnorm(v, 10), x, [[3, 4], [0, -2]])).toEqual([[6, 8], [0, -10]]);
    expectNear(input(gradientOf((v) => gradnorm(v), zeros([3]), [1, 2, 2])), [1 / 3, 2 / 3, 2 / 3]);
  });

  it("takes gradients of any size, alone or in a row with others", () => {
    for (const size of [1e38, 1e30, 1e20, 1e-20, 1e-30, 1e-37]) {
      const cotangent = [[3 * size, 0], [3 * size, -1.5 * size], [1, 0]];
      expectNear(input(gradientOf((v) => gradnorm(v, 5), zeros([3, 2]), cotangent)), [[5, 0], [Math.sqrt(20), -Math.sqrt(5)], [5, 0]]);
      expect(gradientOf((v) => gradnorm(v, 5), input(2), -3 * size)).toBe(-5);
    }
    // Denormal in float32, where it is 714 times the smallest number.
    if (!isOnGpu) expectNear(input(gradientOf((v) => gradnorm(v), zeros([2]), [1e-42, 1e-42])), [Math.SQRT1_2, Math.SQRT1_2]);
    expect(gradientOf((v) => gradnorm(v), zeros([2]), [NaN, 1])).toEqual([NaN, NaN]);
    expect(gradientOf((v) => gradnorm(v), zeros([0]), [])).toEqual([]);
    expect(gradientOf((v) => gradnorm(v), zeros([2, 0]))).toEqual([[], []]);
  });

  it("leaves a gradient of 0 as it is", () => {
    expect(gradientOf((v) => gradnorm(v, 5), zeros([2, 2]), [[0, 0], [0, 3]])).toEqual([[0, 0], [0, 5]]);
    expect(gradientOf((v) => gradnorm(v, 0), zeros([2]), [1, 2])).toEqual([0, 0]);
  });

  it("takes a single number", () => {
    expect(gradientOf((v) => gradnorm(v, 3), input(2), -7)).toBe(-3);
  });

  it("takes another scale in each step", () => {
    const p = parameter([3, 4]);
    for (let scale = 1; scale <= 6; scale++) {
      p.clearGrad();
      grad(() => sum(mul(gradnorm(p, 5 * scale), input([0.6, 0.8]))));
      expectNear(p.grad as ReturnType<typeof input>, [3 * scale, 4 * scale]);
    }
  });

  it("acts on the whole gradient that arrives", () => {
    const x = input([1, 2]);
    const [gradient] = gradients(() => {
      const y = gradnorm(x, 5);
      return sum(add(mul(y, input([1, 0])), mul(y, input([2, 4]))));
    }, [x]);
    expect(gradient.toArray()).toEqual([3, 4]);
  });
});

describe("the wrong use of gradnorm", () => {
  it.each([-1, NaN, Infinity, "1" as never])("a scale of %s is refused", (scale) => {
    expect(() => gradnorm(zeros([2]), scale)).toThrow(ValueError);
  });
});
