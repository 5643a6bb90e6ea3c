import { afterEach, describe, expect, it } from "vitest";
import {
  add, customGradient, detach, div, evaluate, exp, grad, gradients, greater, identity, input, jacobian, linear, log, mul, parameter, Random, randn, ShapeError,
  setDevice, sub, sum, tanh, UsageError, ValueError, type Variable, where,
} from "../../src/index.ts";
import { launchesOf } from "../launches.ts";
import { describeOnEach, expectNear } from "./harness.ts";

const structural = { structural: true };

afterEach(() => setDevice("wasm"));

describeOnEach("a function with a gradient of one's own", () => {
  it("is the function going forward, and its rule going back", () => {
    const bit = customGradient((x: Variable) => greater(x, 0), (gradient) => [gradient], structural);
    const w = parameter([0.5, -2, 3]);
    expect(bit(w).toArray()).toEqual([1, 0, 1]);
    expect(evaluate(() => bit(w)).toArray()).toEqual([1, 0, 1]);
    for (let run = 0; run < 5; run++) {
      w.clearGrad();
      expect(grad(() => sum(mul(bit(w), input([1, 2, 3])))).item()).toBe(4);
      expect(w.grad?.toArray()).toEqual([1, 2, 3]);
    }
  });

  it("passes nothing through what the function records, also where it gives its input back", () => {
    const reversed = customGradient((x: Variable) => x, (gradient) => [mul(gradient, -2)], structural);
    const stopped = customGradient((x: Variable) => exp(x), () => [null], structural);
    const [w, v] = [parameter([1, 2]), parameter([0.5])];
    grad(() => add(sum(reversed(w)), sum(mul(stopped(v), v))));
    expect(w.grad?.toArray()).toEqual([-2, -2]);
    expectNear(v.grad as Variable, [Math.exp(0.5)]);
  });

  it("knows its inputs and its result, and gives each input its gradient", () => {
    // log(eᵃ + eᵇ) with the slopes from its result, which are finite where eᵃ is not
    const logAddExp = customGradient(
      (a: Variable, b: Variable) => {
        const larger = where(greater(a, b), a, b);
        return add(larger, log(add(exp(sub(a, larger)), exp(sub(b, larger)))));
      },
      (gradient, [a, b], output) => [mul(gradient, exp(sub(a, output))), mul(gradient, exp(sub(b, output)))], structural);
    const [a, b] = [input([1, 200, -3]), input([2, 100, -3])];
    const p = 1 / (1 + Math.E);
    const [byA, byB] = gradients(() => logAddExp(a, b).sum(), [a, b]);
    expectNear(byA, [p, 1, 0.5]);
    expectNear(byB, [1 - p, 0, 0.5]);
    // p·(1 − p): the rule is differentiated as what it is made of
    const [second] = gradients(() => gradients(() => logAddExp(a, b).sum(), [a])[0].sum(), [a]);
    expectNear(second, [p * (1 - p), 0, 0.25]);
  });

  it("differentiates an implicit function: a fixed point by one linear equation in place of all the steps to it", () => {
    // y = tanh(W·y + x), found by iteration; dy/dx = (I − D·W)⁻¹·D with D = diag(1 − y²)
    const step = (w: Variable, x: Variable, y: Variable): Variable => tanh(add(linear(w, y), x));
    const iterate = (n: number, next: (y: Variable) => Variable, y: Variable): Variable => (n === 0 ? y : iterate(n - 1, next, next(y)));
    const fixedPoint = customGradient(
      (w: Variable, x: Variable) => iterate(60, (y) => step(w, x, y), mul(x, 0)),
      (gradient, [w, x], output) => {
        // u = g + (∂step/∂y)ᵀ·u
        const u = iterate(60, (v) => add(gradient, gradients(() => sum(mul(step(w, x, output), detach(v))), [output])[0]), gradient);
        // By copies of w and x, of which the output does not depend.
        const [a, b] = [identity(w), identity(x)];
        return gradients(() => sum(mul(step(a, b, output), u)), [a, b]);
      }, structural);
    const [w, x] = [parameter([[0.3, -0.2], [0.1, 0.25]]), parameter([0.5, -1])];
    const loss = (f: (w: Variable, x: Variable) => Variable) => (): Variable => sum(mul(f(w, x), input([1, 2])));
    const unrolled = gradients(loss((a, b) => iterate(60, (y) => step(a, b, y), mul(b, 0))), [w, x]);
    gradients(loss(fixedPoint), [w, x]).forEach((found, i) => { expectNear(found, unrolled[i].toArray()); });
  });

  it("takes numbers, which may be others in each step", () => {
    const clipped = customGradient(
      (x: Variable, _: number) => mul(x, 1), (g, [, bound]) => [where(greater(g, bound), bound, g), null], structural);
    const w = parameter([1, 1]);
    for (const bound of [5, 2, 3]) {
      w.clearGrad();
      grad(() => sum(mul(clipped(w, bound), input([1, 10]))));
      expect(w.grad?.toArray()).toEqual([1, bound]);
    }
  });

  it("asks a rule that is not declared structural in each step, so it may use what changes", () => {
    let factor = 1;
    const scaled = customGradient((x: Variable) => mul(x, 1), (gradient, [x]) => [mul(gradient, x.data[0] > 0 ? factor : -factor)]);
    const w = parameter([1]);
    for (const [value, by] of [[1, 2], [-1, 2], [1, 3], [-1, 5]]) {
      w.assign([value]).clearGrad();
      factor = by;
      grad(() => sum(scaled(w)));
      expect(w.grad?.toArray()).toEqual([value * by]);
    }
  });

  it("has a Jacobian: its rule for each row", () => {
    const doubled = customGradient((x: Variable) => mul(x, 2), (gradient) => [mul(gradient, 3)], structural);
    expect(jacobian(() => doubled(input([1, 2])), [input([0])])[0].shape).toEqual([2, 1]);
    const x = input([1, 2]);
    expect(jacobian(() => doubled(x), [x])[0].toArray()).toEqual([[3, 0], [0, 3]]);
  });
});

describe("a structural rule", () => {
  it("is asked once for steps of one structure, and costs no launch", () => {
    let asked = 0;
    const scaled = customGradient((x: Variable) => tanh(x), (gradient) => { asked++; return [gradient]; }, structural);
    const w = parameter(randn([8, 8], new Random(1)));
    const step = (): void => {
      w.clearGrad();
      grad(() => sum(scaled(linear(w, randn([4, 8], new Random(2))))));
    };
    for (let run = 0; run < 3; run++) step();
    expect(asked).toBe(1); // once more where the structure is planned again, with fusion
    for (let run = 0; run < 10; run++) step();
    expect(asked).toBe(2);
    // A product forward and one for the gradient of w; tanh, with what fills the gradient of the sum; the sum.
    expect(launchesOf(step)).toEqual({ product: 2, map: 1, row: 1 });
  });

  it("is refused where it looks at a number", () => {
    const looking = customGradient((x: Variable) => mul(x, 1), (gradient) => [mul(gradient, gradient.data[0])], structural);
    const w = parameter([1]);
    expect(() => grad(() => sum(looking(w)))).toThrow(UsageError);
    expect(w.grad).toBeNull();
  });
});

describe("what customGradient refuses", () => {
  const x = input([1, 2]);
  const any = <T>(value: unknown): T => value as T;
  const of = (rule: unknown): (() => unknown) => {
    const f = customGradient<[Variable]>(function square(y) { return mul(y, y); }, any<() => Variable[]>(rule));
    return () => gradients(() => sum(f(x)), [x]);
  };
  const cases: [string, () => unknown, new (message: string) => Error, RegExp][] = [
    ["no function", () => customGradient(any<() => Variable>(3), () => []), ValueError, /customGradient takes as f a function/],
    ["no rule", () => customGradient((y: Variable) => y, any(undefined)), ValueError, /customGradient takes as reverse a function/],
    ["an option that it does not have", () => customGradient((y: Variable) => y, () => [], any({ structrual: true })), ValueError, /Did you mean structural/],
    ["another kind of option", () => customGradient((y: Variable) => y, () => [], any({ structural: 1 })), ValueError, /true or false as structural/],
    ["further arguments", () => any<(...args: unknown[]) => void>(customGradient)(() => x, () => [], {}, 5), ValueError, /an argument too many/],
    ["a function that gives no Variable", () => customGradient(() => any<Variable>(3), () => [])(), ValueError, /must return a Variable, but returned 3/],
    ["a rule that gives no list", of((g: Variable) => g), ValueError, /reverse rule of square must return an array with a gradient/],
    ["a rule that gives too many", of((g: Variable) => [g, g]), ValueError, /for each of its 1 inputs/],
    ["a gradient of another shape", of((g: Variable) => [sum(g)]), ShapeError, /square gave \[\] as the gradient of input 0, which has shape \[2\]/],
    ["a gradient that is a number", of(() => [5]), ShapeError, /gave 5 as the gradient of input 0/],
  ];
  it.each(cases)("%s", (_, f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
    expect(gradients(() => div(x, 2).sum(), [x])[0].toArray()).toEqual([0.5, 0.5]);
  });
});
