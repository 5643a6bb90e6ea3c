import { describe, expect, it } from "vitest";
import {
  elementwise, type Expr, evaluate, grad, gradients, input, parameter, type Random, ShapeError, sum, ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { Tensor } from "./draw.ts";
import {
  centralDifference, combinedAt, type Differentiable, describeOnEach, expectClose, expectGradientClose, expectNear, fastDevices, forAll, gradientOf,
  gradientsAt, innerProduct, on, origin, reference, secondGradientsAt, valuesOn,
} from "./harness.ts";

/** Operations as a user would write them. */
const softsign = elementwise("softsign", (x) => x.div(x.abs().add(1)));
const huber = elementwise("huber", (x, delta) => x.abs().less(delta).where(x.mul(x).mul(0.5), delta.mul(x.abs().sub(delta.mul(0.5)))));
const gaussian = elementwise("gaussian", (x, mean, width) => x.sub(mean).div(width).pow(2).mul(-0.5).exp().div(width));
const swish = elementwise("swish", (x) => x.mul(x.sigmoid()));

describeOnEach("an elementwise operation of one's own", () => {
  it("computes its expression", () => {
    expect(softsign(input([-3, -1, 0, 1, 3])).toArray()).toEqual([-0.75, -0.5, 0, 0.5, 0.75]);
    expect(huber(input([-2, -0.5, 1, 4]), 1).toArray()).toEqual([1.5, 0.125, 0.5, 3.5]);
    expectNear(gaussian(input([0, 1, 2]), 0, 1), [1, 0.6065306597126334, 0.1353352832366127]);
  });

  it("broadcasts, and takes numbers", () => {
    expect(huber(input([[1], [4]]), input([1, 2, 4])).toArray()).toEqual([[0.5, 0.5, 0.5], [3.5, 6, 8]]);
    expect(gaussian(1, input([[1, 1]]), 0.5).toArray()).toEqual([[2, 2]]);
    expect(softsign(1).item()).toBe(0.5);
    expect(softsign(zeros([0, 2])).shape).toEqual([0, 2]);
  });

  it("has its derivatives", () => {
    expect(gradientOf(softsign, input([-1, 0, 1, 3]))).toEqual([0.25, 1, 0.25, 0.0625]);
    expect(gradientOf((x) => huber(x, 1), input([-2, -0.5, 0.5, 2]))).toEqual([-1, -0.5, 0.5, 1]);
    const [x, width] = [input([1, 1]), input(2)];
    const [dx, dwidth] = gradients(() => sum(gaussian(x, 0, width)), [x, width]);
    expectNear(dx, [-0.11031211282307443, -0.11031211282307443]);
    expectNear(dwidth, -0.33093633846922337);
  });

  it("trains parameters", () => {
    const p = parameter([3, -3]);
    for (let i = 0; i < 6; i++) {
      p.clearGrad();
      grad(() => sum(huber(p, 1)));
      expect(p.grad?.toArray()).toEqual([1, -1]);
    }
  });

  it("may ignore an argument, be an argument, or be a constant", () => {
    const first = elementwise("first", (a: Expr, _b: Expr) => a);
    const seven = elementwise("seven", (_: Expr) => 7 as unknown as Expr);
    const [a, b] = [input([1, 2]), input([[3], [4]])];
    expect(first(a, b).toArray()).toEqual([[1, 2], [1, 2]]);
    expect(gradients(() => sum(first(a, b)), [a, b]).map((g) => g.toArray())).toEqual([[2, 2], [[0], [0]]]);
    expect(seven(a).toArray()).toEqual([7, 7]);
    expect(gradientOf(seven, a)).toEqual([0, 0]);
  });

  it("keeps NaN of the branch that is not chosen away from the gradient", () => {
    const logOr0 = elementwise("logOr0", (x) => x.greater(0).where(x.log(), 0));
    expect(gradientOf(logOr0, input([-1, 0, 2]))).toEqual([0, 0, 0.5]);
    const rootOr0 = elementwise("rootOr0", (x) => x.greater(0).where(x.sqrt(), 0));
    expect(gradientOf(rootOr0, input([-1, 0, 4]))).toEqual([0, 0, 0.25]);
  });

  it("has all the functions of expressions", () => {
    const every = elementwise("every", (x, y) => {
      const unary = [
        x.neg(), x.abs(), x.sign(), x.floor(), x.sqrt(), x.exp(), x.expm1(), x.log(), x.log1p(), x.sin(), x.cos(), x.tanh(), x.sigmoid(), x.relu(),
        x.recip(),
      ];
      const binary = [
        x.add(y), x.sub(y), x.mul(y), x.div(y), x.pow(y), x.maximum(y), x.minimum(y), x.equal(y), x.notEqual(y), x.less(y), x.lessEqual(y), x.greater(y),
        x.greaterEqual(y),
      ];
      return [...unary, ...binary].reduce((total, e) => total.add(e));
    });
    const expected = (x: number, y: number): number =>
      -x + x + 1 + Math.floor(x) + Math.sqrt(x) + Math.exp(x) + Math.expm1(x) + Math.log(x) + Math.log1p(x) + Math.sin(x) + Math.cos(x) + Math.tanh(x) +
      1 / (1 + Math.exp(-x)) + x + 1 / x + x + y + (x - y) + x * y + x / y + x ** y + Math.max(x, y) + Math.min(x, y) +
      3; // unequal, and two of the other comparisons hold
    expectNear(every(input([0.5, 2.5]), input([1.25, 0.75])), [expected(0.5, 1.25), expected(2.5, 0.75)]);
  });
});

describe("derived derivatives", () => {
  /** A random expression that is smooth and bounded on bounded arguments. */
  function randomExpression(arity: number, random: Random): (...x: Expr[]) => Expr {
    return (...x) => {
      const pool: Expr[] = x.slice(0, arity);
      const one = (): Expr => pool[random.integer(0, pool.length)];
      const forms: (() => Expr)[] = [
        () => one().add(one()).mul(0.5), () => one().sub(one()), () => one().mul(one()), () => one().div(one().pow(2).add(1)),
        () => one().sin(), () => one().cos(), () => one().tanh(), () => one().sigmoid(), () => one().sin().exp(), () => one().cos().add(2).log(),
        () => one().pow(2).add(1).sqrt(), () => one().sin().add(1.5).pow(one().tanh()), () => one().tanh().expm1(), () => one().sin().mul(0.5).log1p(),
        () => one().mul(random.uniform(-1, 1)), () => one().neg(), () => one().tanh().pow(4), () => one().add(2.5).abs().add(0.5).recip(),
      ];
      for (let i = 0; i < 6; i++) pool.push(forms[random.integer(0, forms.length)]().tanh());
      return pool.slice(-2).reduce((a, b) => a.mul(2).add(b));
    };
  }

  function drawn(draw: Parameters<Parameters<typeof forAll>[2]>[0]): Differentiable {
    const arity = draw.integer(1, 3);
    const built = randomExpression(arity, draw.random);
    const forms: ((...x: Expr[]) => Expr)[] = [(x) => built(x), (x, y) => built(x, y), (x, y, z) => built(x, y, z)];
    const f = elementwise("random", forms[arity - 1]) as (...args: unknown[]) => Variable;
    const args = draw.broadcastable(arity).map((shape) => draw.tensor(shape, (random) => random.uniform(-1.5, 1.5)));
    const [{ shape }] = valuesOn(reference, f, args);
    return { f, args, by: args, cotangents: [draw.tensor(shape, (random) => random.uniform(-1, 1))] };
  }

  it("are those of finite differences, to second order", () => {
    forAll(60, 24, (draw) => {
      const d = drawn(draw);
      on(reference, () => {
        const direction = origin(d).map((values) => values.map(() => draw.random.uniform(-1, 1)));
        const along = direction.map((values, i) => (i < d.by.length ? values : values.map(() => 0)));
        const first = centralDifference((at) => combinedAt(d, at), origin(d), along);
        expect(Math.abs(innerProduct(gradientsAt(d, origin(d)), along) - first)).toBeLessThan(1e-6 * Math.max(1, Math.abs(first)));
        const second = centralDifference((at) => innerProduct(gradientsAt(d, at), along), origin(d), direction);
        expect(Math.abs(innerProduct(secondGradientsAt(d, origin(d), along), direction) - second)).toBeLessThan(1e-6 * Math.max(1, Math.abs(second)));
      });
    });
  });

  it.each(fastDevices)("are the same on %s", (_, device) => {
    forAll(60, 100, (draw) => {
      const d = drawn(draw);
      const [expected] = valuesOn(reference, d.f, d.args);
      const [found] = valuesOn(device, d.f, d.args);
      // Eight nested functions of slope about 1, a few roundings each, of numbers about 1.
      expectClose(found.data, expected.data, 200, () => 1);
      const gradient = on(reference, () => gradientsAt(d, origin(d)));
      on(device, () => gradientsAt(d, origin(d))).forEach((g, k) => { expectGradientClose(g, gradient[k], 1000 + expected.data.length, `argument ${k}`); });
    });
  });
});

describe("the wrong use of elementwise", () => {
  const build = (f: unknown): (() => unknown) => () => elementwise("mine", f as (x: Expr) => Expr);

  it.each<[string, unknown, RegExp]>([
    ["no function", undefined, /elementwise takes a name and a function/],
    ["nothing returned", () => undefined, /must return an expression made of its arguments, but returned undefined/],
    ["a Variable returned", () => zeros([2]), /but returned a Variable \[2\]/],
    ["Math on an argument", (x: number) => Math.exp(x), /Use only the methods of its arguments.*not Math or arithmetic operators/],
    ["an operator", (x: number) => x * 2, /got the expression a\. Use only the methods/],
    ["an operator that joins", (x: number) => x + 1, /Use only the methods/],
    ["a comparison", (x: number) => (x > 0 ? x : 0), /Use only the methods/],
    ["a string within", (x: Expr) => x.mul("2" as never), /combines expressions and numbers, but got string/],
    ["a Variable within", (x: Expr) => x.mul(zeros([]) as never), /combines expressions and numbers, but got object/],
  ])("%s is refused when it is declared", (_, f, message) => {
    expect(build(f)).toThrow(ValueError);
    expect(build(f)).toThrow(message);
  });

  it("a name is needed", () => {
    expect(() => elementwise((() => 1) as never, ((x: Expr) => x) as never)).toThrow(ValueError);
  });

  it("operands are checked by name", () => {
    expect(() => softsign([1] as never)).toThrow(/softsign takes Variables and numbers, but got an array of 1/);
    expect(() => huber(zeros([2]), zeros([3]))).toThrow(ShapeError);
    expect(() => huber(zeros([2]), zeros([3]))).toThrow(/huber got shapes \[2\] and \[3\]/);
    expect(() => gaussian(zeros([2]), zeros([3]), 1)).toThrow(/gaussian got shapes \[2\], \[3\], \[\]/);
    expect(() => (gaussian as (...x: unknown[]) => Variable)(zeros([2]))).toThrow(/gaussian takes 3 operands, but got 1/);
    expect(() => (huber as (...x: unknown[]) => Variable)(zeros([2]))).toThrow(ValueError);
  });

  it("a failed use leaves the step usable", () => {
    const y = evaluate(() => {
      expect(() => huber(zeros([2]), zeros([3]))).toThrow(ShapeError);
      return swish(input([0]));
    });
    expect(y.toArray()).toEqual([0]);
  });
});

// A tensor of no elements goes through every form of an operation.
describe("empty arrays", () => {
  it.each(fastDevices)("on %s", (_, device) => {
    const empty = new Tensor([0, 3], new Float64Array(0));
    for (const f of [softsign, swish]) expect(valuesOn(device, f as (...args: unknown[]) => Variable, [empty])[0].shape).toEqual([0, 3]);
  });
});
