/** Each row of the README's table of what was there in Flimsy.jl and is here, as a program: Flimsy.jl's own rule in plain numbers, and ours. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  add, affine, argmax, argmaxneq, Component, checkGradients, concat, cost, decat, dot, dropout, elementwise, embed, evaluate, GradientDescent, grad, gradients,
  gradnorm, input, linear, mul, norm2, type Operand, operation, Parameter, parameter, type Variable, RmsProp, randn, recip, seed, softmax, sub, wta,
} from "../../src/index.ts";

/** A matrix of Flimsy.jl: features × samples, so a list of rows of features. Here samples come first. */
type Matrix = readonly (readonly number[])[];
const transposed = (m: Matrix): number[][] => m[0].map((_, j) => m.map((row) => row[j]));
const product = (a: Matrix, b: Matrix): number[][] => a.map((row) => b[0].map((_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], 0)));
/** Column k of w, counted from 1. */
const column = (w: Matrix, k: number): number[] => w.map((row) => row[k - 1]);
const sumOf = (vectors: readonly (readonly number[])[]): number[] => vectors[0].map((_, i) => vectors.reduce((sum, v) => sum + v[i], 0));

const w: Matrix = [[1, -2, 3], [0.5, 4, -1]];
const x: Matrix = [[2, 1, 0, -1], [-3, 1, 5, 0.5], [1, 0, 2, 2]];
const b = [0.25, -0.5];
const here = (m: Matrix): Variable => input(transposed(m));

class Params extends Component {
  readonly w = parameter(w);
  readonly b = parameter(b);
  score(x: Variable): Variable { return affine(this.w, x, this.b); }
  cost(x: Variable, y: readonly number[]): Variable { return cost.categoricalCrossEntropyWithScores(this.score(x), y); }
}
const labels = [0, 1, 1, 0];
const close = (found: unknown, expected: unknown): void => {
  const flat = (list: unknown): number[] => [list].flat(Infinity as 1) as number[];
  expect(flat(found).length).toBe(flat(expected).length);
  // Six digits: a few roundings of float32.
  flat(found).forEach((value, i) => { expect(value).toBeCloseTo(flat(expected)[i], 5); });
};

const programs: Record<string, () => void> = {
  "Runtime(Params(…)), GradScope, cost(θ, x; grad=true)": () => {
    const θ = new Params();
    const loss = evaluate(() => θ.cost(here(x), labels)).item();
    expect(θ.w.grad).toBeNull();
    expect(grad(() => θ.cost(here(x), labels)).item()).toBe(loss);
    // The gradient of the scores is p − e_label, and that of b its sum over the samples.
    const scores = product(w, x).map((row, i) => row.map((v) => v + b[i]));
    const p = transposed(scores).map((s) => s.map((v) => Math.exp(v) / s.reduce((sum, u) => sum + Math.exp(u), 0)));
    close(loss, p.reduce((sum, q, j) => sum - Math.log(q[labels[j]]), 0));
    close(θ.b.grad?.toArray(), [0, 1].map((i) => p.reduce((sum, q, j) => sum + q[i] - (labels[j] === i ? 1 : 0), 0)));
  },
  "immutable Params{V} <: Component{V}, @comp f(θ, …) = …": () => {
    expect([...new Params().namedParameters().keys()]).toEqual(["w", "b"]);
  },
  "Input(X), a parameter of Runtime": () => {
    expect(input(1)).not.toBeInstanceOf(Parameter);
    expect(new Params().w).toBeInstanceOf(Parameter);
  },
  "features × samples, 1-based labels": () => {
    expect(here(x).shape).toEqual([4, 3]);
    expect(cost.categoricalCrossEntropyWithScores(input([[9, 0, 0]]), [0]).item()).toBeLessThan(0.01);
  },
  "plus(a, b, c), minus, mult, recip": () => {
    const [p, q, r] = [here(x), here(x).mul(2), input(10)];
    close([p, q, r].reduce(add).toArray(), transposed(x).map((row) => row.map((v) => 3 * v + 10)));
    close(sub(p, q).toArray(), transposed(x).map((row) => row.map((v) => -v)));
    close(mul(p, q).toArray(), transposed(x).map((row) => row.map((v) => 2 * v * v)));
    close(recip(q.add(1)).toArray(), transposed(x).map((row) => row.map((v) => 1 / (2 * v + 1))));
  },
  "linear(w, x), affine(w, x, b)": () => {
    const wx = product(w, x);
    close(linear(input(w), here(x)).toArray(), transposed(wx));
    close(affine(input(w), here(x), input(b)).toArray(), transposed(wx.map((row, i) => row.map((v) => v + b[i]))));
  },
  "linear(w, [[1, 2], [3]]), linear(w, [1, 2]): sums of columns": () => {
    const v = input(transposed(w)); // a row for each word
    expect(embed(v, [[0, 1], [2]]).toArray()).toEqual([sumOf([column(w, 1), column(w, 2)]), column(w, 3)]);
    expect(embed(v, [[0, 1]]).toArray()).toEqual([sumOf([column(w, 1), column(w, 2)])]);
    expect(embed(v, [0, 1]).toArray()).toEqual([column(w, 1), column(w, 2)]);
    expect(embed(v, 2).toArray()).toEqual(column(w, 3));
  },
  "concat([a, b]), decat(x): features": () => {
    expect(concat([here(x), here(w.map((row) => [...row, 0]))], -1).toArray()).toEqual(transposed([...x, ...w.map((row) => [...row, 0])]));
    expect(decat(here(x), -1).map((row) => row.toArray())).toEqual(x);
    expect(decat(here(x)).map((row) => row.toArray())).toEqual(transposed(x));
  },
  "softmax, softmax of a vector of variables, wta": () => {
    const columns = transposed(x);
    const of = (s: readonly number[]): number[] => s.map((v) => Math.exp(v) / s.reduce((sum, u) => sum + Math.exp(u), 0));
    close(softmax(here(x)).toArray(), columns.map(of));
    close(softmax(x.map((row) => input(row))).map((row) => row.toArray()), transposed(columns.map(of)));
    expect(wta(here(x)).toArray()).toEqual(columns.map((s) => s.map((v, i) => (i === s.indexOf(Math.max(...s)) ? v : 0))));
  },
  "dot(a, b), norm2(x): 1 × samples": () => {
    expect(dot(here(x), here(x)).toArray()).toEqual(transposed(x).map((s) => s.reduce((sum, v) => sum + v * v, 0)));
    close(norm2(here(x)).toArray(), transposed(x).map((s) => Math.hypot(...s)));
    expect(norm2(here(x)).shape).toEqual([4]);
  },
  "dropout!(x, p): times 1 − p when not training": () => {
    // There: E[x · mask] = (1 − p) x in training, and the same number elsewhere. Here both are x.
    const one = parameter(1);
    expect(evaluate(() => dropout(here(x), 0.5)).toArray()).toEqual(transposed(x));
    const { y } = grad(() => ({ y: input(new Float32Array(4000).fill(3)).dropout(0.5), loss: one.mul(1) }));
    expect(new Set(y.data)).toEqual(new Set([0, 6]));
  },
  "gradnorm(x), which acts on x": () => {
    const v = input([3, 4]);
    const rest = (y: Variable): Variable => y.mul(input([30, 40])).sum();
    // Of the gradient [30, 40] of the result, rescaled; what is made from v itself is not.
    close(gradients(() => rest(gradnorm(v, 0.5)), [v])[0].toArray(), [0.3, 0.4]);
    close(gradients(() => { gradnorm(v, 0.5); return rest(v); }, [v])[0].toArray(), [30, 40]);
  },
  "argmax, argmaxneq": () => {
    const columns = transposed(x);
    expect(argmax(here(x)).toArray()).toEqual(columns.map((s) => s.indexOf(Math.max(...s))));
    expect(argmaxneq(here(x), [0, 0, 1, 2]).toArray()).toEqual([2, 1, 2, 1]);
  },
  "Cost.categorical_cross_entropy_with_scores: an exception for NaN": () => {
    expect(cost.categoricalCrossEntropyWithScores(input([NaN, 1]), 0).item()).toBeNaN();
  },
  "optimizer(RmsProp, θ, learning_rate=…, decay=…), update!(opt)": () => {
    const p = parameter([1]);
    const optimizer = new RmsProp(p, { learningRate: 0.01, decay: 0.9 });
    grad(() => p.mul(2).sum());
    optimizer.update();
    // cache = 0.1 · 2², then θ − rate · g / √cache
    close(p.toArray(), [1 - (0.01 * 2) / Math.sqrt(0.1 * 4)]);
    expect(p.grad).toBeNull();
  },
  'clipping_type="scale" / "clip"': () => {
    const moved = (clip: { norm: number } | { value: number }): unknown => {
      const p = parameter([0, 0]);
      grad(() => p.mul(input([3, 4])).sum());
      new GradientDescent(p, { learningRate: 1, clip }).update();
      return p.toArray();
    };
    close(moved({ norm: 1 }), [-0.6, -0.8]);
    close(moved({ value: 3.5 }), [-3, -3.5]);
  },
  "check_gradients(cost, θ, …)": () => {
    const θ = new Params();
    expect(checkGradients(() => θ.cost(here(x), labels), θ).ok).toBe(true);
  },
  "srand(seed)": () => {
    const draw = (): string => { seed(7); return String(randn([4]).data); };
    expect(draw()).toBe(draw());
  },
  "a new operation: a type with a call method, and push_callback!": () => {
    const cubed = elementwise("cubed", (v) => v.mul(v).mul(v));
    const again: (v: Operand) => Variable = operation({
      name: "again", shape: (v) => v, forward(y, v) { v.data.forEach((value, i) => { y.data[i] = value ** 3; }); },
      reverse: (g, _, v) => [mul(g, mul(v, v).mul(3))],
    });
    const v = input([2, -1]);
    for (const f of [cubed, again]) close(gradients(() => f(v).sum(), [v])[0].toArray(), [12, 3]);
  },
};

describe("the table from Flimsy.jl", () => {
  const text = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, section] = text.split("## From Flimsy.jl\n");
  const rows = section.split("\n## ")[0].split("\n").filter((line) => line.startsWith("| ") && !/^\| (There|---)/.test(line));
  const names = rows.map((row) => row.split(" | ")[0].slice(2).replaceAll("`", ""));

  it("has a program for each row, and no other", () => {
    expect(names).toEqual(Object.keys(programs));
  });

  it.each(Object.entries(programs))("%s", (_, program) => program());
});
