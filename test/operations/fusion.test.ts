/**
 * A step that repeats is planned again, with elementwise operations fused into one kernel. Nobody may notice: every run of
 * a random program gives the same bits, forward and backward, and what one operation after another gives.
 */

import { describe, expect, it, vi } from "vitest";
import {
  abs, add, cos, evaluate, exp, flip, grad, identity, input, maximum, mean, minimum, mul, neg, parameter, permute, relu, reshape, type Shape, sigmoid, sin,
  slice, sub, sum, tanh, type Variable, where,
} from "../../src/index.ts";
import type { Device } from "../../src/devices/device.ts";
import { Fusion } from "../../src/plan/fuse.ts";
import { sizeOf } from "../../src/support/shape.ts";
import type { Draw, Tensor } from "./draw.ts";
import { centralDifference, fastDevices, forAll, innerProduct, on, reference, ulp } from "./harness.ts";

/** More runs than it takes until a structure is fused. */
const RUNS = 6;

/** One or two operations, and how far the errors of its operands may make its result err, but for its own rounding. */
interface Form {
  readonly apply: (...x: Variable[]) => Variable;
  readonly error: (...errors: number[]) => number;
}

interface Forms {
  readonly unary: readonly Form[];
  readonly binary: readonly Form[];
}

// Every form maps numbers between ±1 to such numbers.
const form = (apply: Form["apply"], error: Form["error"]): Form => ({ apply, error });
const half = (a: number, b: number): number => (a + b) / 2;
const smooth: Forms = {
  unary: [
    ...[tanh, sin, neg, identity, (x: Variable) => exp(sub(x, 1)), (x: Variable) => mul(mul(x, x), 0.5)].map((apply) => form(apply as Form["apply"], (e) => e)),
    form(sigmoid as Form["apply"], (e) => e / 4),
    form((x) => mul(cos(x), 0.5), (e) => e / 2),
  ],
  binary: [
    form(mul, (a, b) => a + b),
    form((a, b) => mul(add(a, b), 0.5), half),
    form((a, b) => mul(sub(a, b), 0.5), half),
    form((a, b) => add(mul(a, 0.5), mul(b, 0.5)), half),
  ],
};
const all: Forms = {
  unary: [...smooth.unary, ...[abs, relu, (x: Variable) => maximum(x, 0.25)].map((apply) => form(apply as Form["apply"], (e) => e))],
  binary: [...smooth.binary, form(maximum, Math.max), form(minimum, Math.max)],
};
const reversedAxes = (x: Variable): number[] => x.shape.map((_, i) => x.shape.length - 1 - i);
/** What ends a chain of elementwise operations, or looks at it another way; a number is left as it is. */
const structural: readonly Form[] = [
  (x: Variable) => mean(x, -1, true),
  (x: Variable) => mean(x, 0, true),
  (x: Variable) => flip(x, -1),
  (x: Variable) => slice(x, [0, 1]),
  (x: Variable) => slice(x, ...x.shape.slice(1).map(() => null), [0, 1]),
  (x: Variable) => permute(permute(x, reversedAxes(x)), reversedAxes(x)),
  (x: Variable) => reshape(reshape(x, [-1]), x.shape),
  (x: Variable) => mean(x),
].map((apply) => form((x) => (x.shape.length === 0 ? identity(x) : apply(x)), (e) => e));
const choice = form((a, b, condition) => where(condition, a, b), Math.max);

interface Program {
  readonly leaves: Tensor[];
  readonly condition: Tensor;
  readonly shape: Shape;
  /** Which operation of which earlier results; the leaves are the first of these. */
  readonly steps: { readonly form: Form; readonly from: readonly number[] }[];
  /** Which results come back. */
  readonly wanted: readonly number[];
}

function drawn(draw: Draw, forms: Forms = all): Program {
  const rank = draw.integer(1, 3);
  // Small arrays of several shapes have room in one another's places.
  const most = draw.oneIn(2) ? 33 : 3;
  const shape = Array.from({ length: rank }, (_, i) => Math.min(draw.size(1, false), i === 0 ? most : 17, most));
  const between = (): Tensor => draw.tensor(shape.map((size) => (draw.oneIn(4) ? 1 : size)).slice(draw.oneIn(4) ? 1 : 0), (random) => random.uniform(-1, 1));
  const leaves = Array.from({ length: draw.oneIn(4) ? 16 : draw.integer(1, 4) }, between);
  const condition = draw.tensor(shape, (random) => random.integer(0, 2), false);
  const steps: Program["steps"] = [];
  const count = draw.oneIn(4) ? 60 : draw.integer(1, 30);
  for (let i = 0; i < count; i++) {
    // Late results more often: long chains.
    const any = (): number => {
      const known = leaves.length + steps.length;
      return draw.oneIn(2) ? draw.integer(0, known - 1) : Math.max(0, known - 1 - draw.integer(0, 2));
    };
    const kind = draw.integer(0, 9);
    if (kind < 4) steps.push({ form: draw.pick(forms.unary), from: [any()] });
    else if (kind < 8) steps.push({ form: draw.pick(forms.binary), from: [any(), any()] });
    else if (kind < 9) steps.push({ form: draw.pick(structural), from: [any()] });
    else steps.push({ form: choice, from: [any(), any(), -1] });
  }
  const wanted = new Set([leaves.length + count - 1, ...Array.from({ length: draw.integer(0, 4) }, () => draw.integer(0, leaves.length + count - 1))]);
  return { leaves, condition, shape, steps, wanted: [...wanted] };
}

function execute({ steps, wanted }: Program, leaves: readonly Variable[], condition: Variable): Variable[] {
  const results = [...leaves];
  for (const { form: { apply }, from } of steps) results.push(apply(...from.map((i) => (i < 0 ? condition : results[i]))));
  return wanted.map((i) => results[i]);
}

const numbersOf = (variables: readonly Variable[]): Float64Array[] => variables.map(({ data }) => Float64Array.from(data));
const conditionOf = ({ condition: { values, shape } }: Program): Variable => input(values, shape);

/** The results of each run, outside of training. */
function forward(device: Device, program: Program, runs: number): Float64Array[][] {
  return on(device, () => {
    const leaves = program.leaves.map(({ values, shape }) => input(values, shape));
    const condition = conditionOf(program);
    return Array.from({ length: runs }, () => numbersOf(evaluate(() => execute(program, leaves, condition))));
  });
}

/** The results of each run, and the gradients of the sum of their means by the leaves. */
function backward(device: Device, program: Program, runs: number): { results: Float64Array[]; gradients: Float64Array[] }[] {
  return on(device, () => {
    const leaves = program.leaves.map(({ values, shape }) => parameter(values, shape));
    const condition = conditionOf(program);
    return Array.from({ length: runs }, () => {
      for (const leaf of leaves) leaf.clearGrad();
      const { results } = grad(() => {
        const found = execute(program, leaves, condition);
        const loss = found.reduce((total, x) => add(total, mean(x)), sum(mul(leaves[0], 0)));
        return { results: found, loss };
      });
      return { results: numbersOf(results), gradients: leaves.map((leaf) => Float64Array.from(leaf.grad?.data ?? new Float64Array(leaf.size))) };
    });
  });
}

/** The results on the reference device with every operation in a step of its own, so that no planning can matter. */
function oneByOne(program: Program, point: readonly Float64Array[]): Float64Array[] {
  return on(reference, () => numbersOf(execute(program, program.leaves.map(({ shape }, i) => input(point[i], shape)), conditionOf(program))));
}

const sumOfMeans = (results: readonly Float64Array[]): number => results.reduce((total, x) => total + x.reduce((a, b) => a + b) / x.length, 0);

function expectSameBits(runs: readonly (readonly Float64Array[])[]): void {
  runs.forEach((run, i) => {
    run.forEach((values, k) => {
      const first = runs[0][k];
      expect(values.length).toBe(first.length);
      const at = values.findIndex((value, j) => !Object.is(value, first[j]));
      if (at >= 0) throw new Error(`result ${k}, element ${at}: ${first[at]} in the first run, but ${values[at]} in run ${i + 1}`);
    });
  });
}

/** For each result, how far it may be from the exact one, in units in the last place of 1. */
function errorsOf({ leaves, steps, wanted, shape }: Program): number[] {
  const errors = leaves.map(() => 0);
  for (const { form: { error }, from } of steps) {
    // A form has a few roundings, a mean as many as it adds up.
    const own = 8 + (from.length === 1 ? sizeOf(shape) : 0);
    errors.push(error(...from.map((i) => (i < 0 ? 0 : errors[i]))) + own);
  }
  return wanted.map((i) => errors[i]);
}

describe.each([["reference", reference], ...fastDevices] as const)("a program that repeats, on %s", (_, device) => {
  it("gives the same results in every run, and those of one operation after another", () => {
    forAll(120, 40, (draw) => {
      const program = drawn(draw);
      const runs = forward(device, program, RUNS);
      expectSameBits(runs);
      const exact = oneByOne(program, program.leaves.map(({ values }) => values));
      const unit = device === reference ? Number.EPSILON : ulp;
      errorsOf(program).forEach((error, k) => { expectWithin(runs[0][k], exact[k], error * unit, `result ${k}`); });
    });
  });

  it("gives the same gradients in every run", () => {
    forAll(100, 40, (draw) => { expectSameBits(backward(device, drawn(draw), RUNS).map(({ results, gradients }) => [...results, ...gradients])); });
  });

  it("gives the gradients that finite differences see", () => {
    forAll(60, 40, (draw) => {
      const program = drawn(draw, smooth);
      const point = program.leaves.map(({ values }) => values);
      const direction = point.map((values) => values.map(() => draw.random.uniform(-1, 1)));
      const expected = centralDifference((at) => sumOfMeans(oneByOne(program, at)), point, direction);
      const [{ gradients }] = backward(device, program, 1);
      // In float32 the errors of all results pass to the gradients; they stay far below this.
      expectWithin([innerProduct(gradients, direction)], [expected], device === reference ? 1e-6 : 1e-3, "derivative");
    });
  });

  // Last: a process has room for so many kernels, and then fuses no more.
  it("is fused, or this file would test nothing", () => {
    const fused = vi.spyOn(Fusion.prototype, "complete");
    const x = input([1, 2]);
    on(device, () => { for (let i = 0; i < RUNS; i++) evaluate(() => tanh(sin(exp(neg(x))))); });
    expect(fused, "If nothing else is wrong, draw less at a time: lower FLIMSY_RUNS.").toHaveBeenCalledTimes(1);
    fused.mockRestore();
  });
});

function expectWithin(found: ArrayLike<number>, expected: ArrayLike<number>, allowed: number, about: string): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < found.length; i++) {
    if (!(Math.abs(found[i] - expected[i]) <= allowed)) throw new Error(`${about}, element ${i}: ${found[i]}, but expected ${expected[i]} ± ${allowed}`);
  }
}
