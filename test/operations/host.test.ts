import { describe, expect, it } from "vitest";
import {
  evaluate, exp, grad, gradients, type HostArray, input, mul, ones, operation, parameter, ShapeError, slice, sub, sum, UsageError, ValueError,
  type Variable, zeros,
} from "../../src/index.ts";
import { counting, describeOnEach, expectNear, gradientOf } from "./harness.ts";

/** Operations as a user would write them. */
const reversed = operation({
  name: "reversed",
  shape: (x) => x,
  forward(y, x) { for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[x.data.length - 1 - i]; },
  reverse: (g) => [reversed(g)],
});

/** Running sums along the last axis. */
const cumulative = operation({
  name: "cumulative",
  shape: (x) => x,
  forward(y, x) {
    const n = x.shape[x.shape.length - 1];
    for (let i = 0; i < x.data.length; i++) y.data[i] = x.data[i] + (i % n === 0 ? 0 : y.data[i - 1]);
  },
  reverse: (g) => [reversed(cumulative(reversed(g)))],
});

/** The outer product of two vectors. */
const outer = operation({
  name: "outer",
  shape(a, b) {
    if (a.length !== 1 || b.length !== 1) throw new ShapeError(`outer takes two vectors.`);
    return [a[0], b[0]];
  },
  forward(y, a, b) { a.data.forEach((p, i) => b.data.forEach((q, j) => { y.data[i * b.data.length + j] = p * q; })); },
  reverse: (g, _, a, b) => [sum(mul(g, b), 1), sum(mul(g, a.reshape([-1, 1])), 0)],
});

const exponential = operation({
  name: "exponential",
  shape: (x) => x,
  forward(y, x) { x.data.forEach((value, i) => { y.data[i] = Math.exp(value); }); },
  reverse: (g, y) => [mul(g, y)],
});

describeOnEach("an operation of one's own", () => {
  it("runs its loop", () => {
    expect(reversed(counting(2, 3)).toArray()).toEqual([[5, 4, 3], [2, 1, 0]]);
    expect(cumulative(counting(2, 4)).toArray()).toEqual([[0, 1, 3, 6], [4, 9, 15, 22]]);
    expect(outer(input([1, 2]), input([3, 4, 5])).toArray()).toEqual([[3, 4, 5], [6, 8, 10]]);
    expect(exponential(0).toArray()).toBe(1);
  });

  it("passes gradients by its rule", () => {
    expect(gradientOf(cumulative, zeros([4]), [1, 2, 3, 4])).toEqual([10, 9, 7, 4]);
    const [a, b] = [input([1, 2]), input([3, 4, 5])];
    expect(gradients(() => sum(mul(outer(a, b), input([[1, 0, 2], [0, 1, 0]]))), [a, b]).map((g) => g.toArray())).toEqual([[13, 4], [1, 2, 2]]);
  });

  it("can be differentiated twice", () => {
    const x = input([0.5, -1]);
    const [second] = gradients(() => sum(gradients(() => sum(exponential(mul(x, 2))), [x])[0]), [x]);
    expectNear(second, [4 * Math.exp(1), 4 * Math.exp(-2)]);
  });

  it("works among other operations, also when the step is planned anew", () => {
    const w = parameter([1, 2, 3]);
    for (let i = 0; i < 7; i++) {
      w.clearGrad();
      const { y } = grad(() => {
        const inner = mul(reversed(mul(w, 2)), w);
        return { y: inner, loss: sum(mul(inner, input([1, 10, 100]))) };
      });
      expect(y.toArray()).toEqual([6, 8, 6]);
      // loss = 2·(w₀w₂·1 + w₁²·10 + w₀w₂·100)
      expect(w.grad?.toArray()).toEqual([606, 80, 202]);
    }
  });

  it("sees shapes and the numbers of parts", () => {
    const seen: unknown[] = [];
    const spy = operation({
      name: "spy",
      shape: () => [2],
      forward(y: HostArray, ...x: HostArray[]) {
        seen.push(y.shape, ...x.flatMap(({ shape, data }) => [shape, [...data]]));
        y.data.fill(1);
      },
    });
    const y = evaluate(() => spy(slice(counting(2, 3), 1), 5, zeros([0, 2])));
    expect(seen).toEqual([[2], [3], [3, 4, 5], [], [5], [0, 2], []]);
    expect(y.toArray()).toEqual([1, 1]);
  });

  it("runs once for each use, and when its result is not needed not at all", () => {
    let runs = 0;
    const counted = operation({ name: "counted", shape: (x) => x, forward(y, x) { runs++; y.data.set(x.data); } });
    evaluate(() => {
      counted(zeros([2]));
      return mul(counted(zeros([2])), 2);
    });
    expect(runs).toBe(1);
  });

  it("may write into what it gets: nothing that others use changes", () => {
    /** The median of a row, by sorting it in place: as one would write it. */
    const median = operation({
      name: "median",
      shape: (x) => x.slice(0, -1),
      forward(y, x) {
        const n = x.shape[x.shape.length - 1];
        for (let i = 0; i < y.data.length; i++) y.data[i] = x.data.subarray(i * n, (i + 1) * n).sort()[n >> 1];
        x.data.fill(NaN);
        (x.shape as number[]).fill(7);
      },
    });
    const scratch = operation({ name: "scratch", shape: (a) => a, forward(y, a, b) { a.data[0] += 1; b.data[0] = 5; y.data.set(a.data); } });
    const rows = [[3, 1, 2], [9, 7, 8]];
    const p = parameter(rows);
    const large = input(Array.from({ length: 2000 }, (_, i) => -i)); // kept on the device from its second step on
    for (let i = 0; i < 6; i++) {
      const { found, computed, part, twice, own } = grad(() => {
        const inner = mul(p, 2);
        return {
          found: median(p), computed: [median(inner), inner], part: [median(slice(inner, 1)), median(large), large.sum()],
          twice: scratch(inner, inner), own: scratch(p, 1), loss: sum(mul(p, p)),
        };
      });
      expect(found.toArray()).toEqual([2, 8]);
      expect(computed.map((v) => v.toArray())).toEqual([[4, 16], [[6, 2, 4], [18, 14, 16]]]);
      expect(part.map((v) => v.item())).toEqual([16, -999, -1999000]);
      expect(twice.toArray()).toEqual([[7, 2, 4], [18, 14, 16]]);
      expect(own.toArray()).toEqual([[4, 1, 2], [9, 7, 8]]);
      expect(p.toArray()).toEqual(rows);
      expect(evaluate(() => p.mul(1)).toArray()).toEqual(rows); // on the device too
      expect(p.grad?.toArray()).toEqual([[6, 2, 4], [18, 14, 16]]);
      p.clearGrad();
    }
  });

  it("may change the shapes that its shape rule gets", () => {
    const summed =
      operation({ name: "summed", shape: (x) => { (x as number[]).pop(); return x; }, forward(y, x) { x.data.forEach((v, i) => { y.data[i >> 1] += v; }); } });
    const x = counting(3, 2);
    expect(evaluate(() => [summed(x), x.mul(1)]).map((v) => v.toArray())).toEqual([[1, 5, 9], [[0, 1], [2, 3], [4, 5]]]);
    expect(x.shape).toEqual([3, 2]);
  });

  it("starts from zeros", () => {
    const first = operation({ name: "first", shape: (x) => x, forward(y, x) { y.data[0] = x.data[0]; } });
    for (let i = 0; i < 5; i++) {
      expect(evaluate(() => { mul(ones([4]), 9); return first(exp(counting(4).mul(0))); }).toArray()).toEqual([1, 0, 0, 0]);
    }
  });

  it("asks its rule once for all inputs", () => {
    let asked = 0;
    const summed = operation({
      name: "summed",
      shape: (a) => a,
      forward(y, ...xs) { for (const { data } of xs) data.forEach((v, i) => { y.data[i] += v; }); },
      reverse: (g, _, ...xs) => { asked++; return xs.map((_, k) => mul(g, k + 1)); },
    });
    const [a, b, c] = [ones([2]), ones([2]), ones([2])];
    expect(gradients(() => sum(summed(a, b, c)), [a, b, c]).map((g) => g.toArray())).toEqual([[1, 1], [2, 2], [3, 3]]);
    expect(asked).toBe(1);
  });

  it("may have an empty result", () => {
    expect(reversed(zeros([0])).toArray()).toEqual([]);
    expect(gradientOf(reversed, zeros([0, 2]))).toEqual([]);
  });

  it("passes no gradient without a rule, or where its rule says null", () => {
    const silent = operation({ name: "silent", shape: (x) => x, forward: (y, x) => y.data.set(x.data) });
    expect(gradientOf(silent, ones([2]))).toEqual([0, 0]);
    const half = operation({
      name: "half",
      shape: (a) => a,
      forward(y, a, b) { for (let i = 0; i < y.data.length; i++) y.data[i] = a.data[i] + b.data[i]; },
      reverse: (g) => [null, g],
    });
    const [a, b] = [ones([2]), ones([2])];
    expect(gradients(() => sum(half(a, b)), [a, b]).map((g) => g.toArray())).toEqual([[0, 0], [1, 1]]);
  });

  it("may make new arrays in its loop", () => {
    // A step within the loop would be a step within a step.
    const nested = operation({ name: "nested", shape: (x) => x, forward: (y) => { y.data.set(exp(zeros([2])).data); } });
    expect(() => nested(zeros([2]))).toThrow();
    expect(reversed(input([1, 2])).toArray()).toEqual([2, 1]);
  });

  it("hands an error of its loop on, and the next step works", () => {
    const failing = operation({ name: "failing", shape: (x) => x, forward() { throw new RangeError("not today"); } });
    expect(() => failing(zeros([2]))).toThrow(new RangeError("not today"));
    expect(() => evaluate(() => failing(zeros([2])))).toThrow("not today");
    expect(reversed(input([1, 2])).toArray()).toEqual([2, 1]);
  });
});

describeOnEach("a structural rule", () => {
  let asked = 0;
  const make = (structural: boolean) => operation({
    name: "squared",
    shape: (x) => x,
    forward(y, x) { x.data.forEach((value, i) => { y.data[i] = value * value; }); },
    reverse: (g, _, x) => { asked++; return [mul(g, mul(x, 2))]; },
    structural,
  });

  it("is asked once, and the gradients are those of each step", () => {
    for (const structural of [true, false]) {
      const squared = make(structural);
      const w = parameter([1, 2, 3]);
      asked = 0;
      for (let i = 1; i <= 8; i++) {
        w.clearGrad();
        const factor = input([i, 1, -i]);
        expect(grad(() => sum(mul(squared(mul(w, factor)), i))).item()).toBe(i * (i * i + 4 + 9 * i * i));
        expect(w.grad?.toArray()).toEqual([2 * i ** 3, 4 * i, 6 * i ** 3]);
      }
      // Structures are planned twice: at first, and with fusion.
      expect(asked).toBe(structural ? 2 : 8);
    }
  });

  it("can be differentiated again", () => {
    const squared = make(true);
    const x = parameter([3, -1]);
    for (let i = 0; i < 6; i++) {
      x.clearGrad();
      grad(() => sum(mul(gradients(() => sum(squared(mul(x, x))), [x])[0], 1)));
      expect(x.grad?.toArray()).toEqual([108, 12]); // of x⁴, twice: 12 x²
    }
  });

  it("may not look at numbers", () => {
    const looking = operation({
      name: "looking", shape: (x) => x, forward(y, x) { y.data.set(x.data); }, reverse: (g, y) => [y.data[0] > 0 ? g : mul(g, 2)], structural: true,
    });
    const x = parameter([1, 2]);
    expect(() => grad(() => sum(looking(x)))).toThrow(UsageError);
    expect(() => grad(() => sum(looking(x)))).toThrow(/The reverse rule of looking looked at a number, but is declared structural/);
    expect(() => gradients(() => sum(looking(x)), [x])).toThrow(UsageError);
    expect(grad(() => sum(mul(x, 2))).item()).toBe(6);
  });
});

describe("the wrong use of operation", () => {
  const forward = (): void => {};
  const shape = (x: readonly number[]): readonly number[] => x;

  it.each<[string, unknown]>([
    ["no name", { shape, forward }],
    ["no shape rule", { name: "mine", forward }],
    ["no forward function", { name: "mine", shape }],
    ["a number as structural", { name: "mine", shape, forward, structural: 1 }],
    ["nothing", undefined],
    ["a function", () => 1],
  ])("with %s is refused", (_, definition) => {
    expect(() => operation(definition as never)).toThrow(ValueError);
    expect(() => operation(definition as never)).toThrow(/operation takes .* name, shape, forward, reverse, structural/);
  });

  it.each<[string, unknown]>([
    ["no list", undefined],
    ["a fractional size", [1.5]],
    ["a negative size", [-1]],
  ])("a shape rule that gives %s is refused", (_, result) => {
    const mine = operation({ name: "mine", shape: () => result as number[], forward });
    expect(() => mine(zeros([2]))).toThrow(ShapeError);
    expect(() => mine(zeros([2]))).toThrow(/mine/);
  });

  it("an error of the shape rule reaches the user", () => {
    expect(() => outer(zeros([2, 2]), zeros([2]))).toThrow("outer takes two vectors.");
  });

  it.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /must return an array with a gradient \(or null\) for each of its 1 inputs/],
    ["a Variable", ones([2]), /must return an array/],
    ["too many", [ones([2]), ones([2])], /for each of its 1 inputs/],
    ["another shape", [ones([3])], /The reverse rule of mine gave \[3\] as the gradient of input 0, which has shape \[2\]/],
    ["a number", [1], /gave 1 as the gradient of input 0/],
  ])("a reverse rule that gives %s is refused", (_, result, message) => {
    const mine = operation({ name: "mine", shape, forward: (y) => { y.data.fill(0); }, reverse: () => result as Variable[] });
    expect(() => gradientOf(mine, zeros([2]))).toThrow(message);
  });

  it("a loop that is async, or puts another array in the place of the result's, is refused", () => {
    const late = operation({ name: "late", shape, forward: (async (y: HostArray) => { await null; y.data.fill(1); }) as never });
    expect(() => late(zeros([2]))).toThrow(UsageError);
    expect(() => late(zeros([2]))).toThrow(/The forward function of late is async/);
    const replacing = operation({ name: "replacing", shape, forward(y) { (y as { data: unknown }).data = new Float32Array([1, 2]); } });
    expect(() => replacing(zeros([2]))).toThrow(TypeError);
  });

  it("operands are checked", () => {
    expect(() => reversed([1, 2] as never)).toThrow(/reversed takes Variables and numbers, but got an array of 2/);
    expect(() => reversed(undefined as never)).toThrow(ValueError);
    expect(() => sub(reversed(zeros([2])), zeros([3]))).toThrow(ShapeError);
  });
});
