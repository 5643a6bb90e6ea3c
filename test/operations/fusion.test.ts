/**
 * A step that repeats is planned again, with elementwise operations fused into one kernel. Nobody may notice: every run of
 * a random program gives the same bits, forward and backward, and what the reference device gives.
 */

import { describe, expect, it, vi } from "vitest";
import {
  abs, add, cos, evaluate, exp, flip, grad, identity, input, maximum, mean, minimum, mul, neg, parameter, permute, relu, reshape, type Shape, sigmoid, sin,
  slice, sub, sum, tanh, type Variable, where,
} from "../../src/index.ts";
import type { Device } from "../../src/devices/device.ts";
import { Fusion } from "../../src/plan/fuse.ts";
import { sizeOf } from "../../src/shape.ts";
import type { Draw, Tensor } from "./draw.ts";
import { fastDevices, forAll, on, reference, ulp } from "./harness.ts";

/** More runs than it takes until a structure is fused. */
const RUNS = 6;

/** One or two operations, and how far the errors of its operands may make its result err, but for its own rounding. */
interface Form {
  readonly apply: (...x: Variable[]) => Variable;
  readonly error: (...errors: number[]) => number;
}

// Every form maps numbers between ±1 to such numbers.
const form = (apply: Form["apply"], error: Form["error"]): Form => ({ apply, error });
const unary: readonly Form[] = [tanh, sin, abs, neg, relu, identity, (x: Variable) => exp(sub(x, 1)), (x: Variable) => mul(mul(x, x), 0.5), (x: Variable) => maximum(x, 0.25)]
  .map((apply) => form(apply as Form["apply"], (e) => e))
  .concat(form(sigmoid as Form["apply"], (e) => e / 4), form((x) => mul(cos(x), 0.5), (e) => e / 2));
const binary: readonly Form[] = [
  form(mul, (a, b) => a + b),
  form(maximum, Math.max),
  form(minimum, Math.max),
  form((a, b) => mul(add(a, b), 0.5), (a, b) => (a + b) / 2),
  form((a, b) => mul(sub(a, b), 0.5), (a, b) => (a + b) / 2),
  form((a, b) => add(mul(a, 0.5), mul(b, 0.5)), (a, b) => (a + b) / 2),
];
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
  readonly conditions: Tensor[];
  readonly shape: Shape;
  /** Which operation of which earlier results; the leaves are the first of these. */
  readonly steps: { readonly form: Form; readonly from: readonly number[] }[];
  /** Which results come back. */
  readonly wanted: readonly number[];
}

function drawn(draw: Draw): Program {
  const rank = draw.integer(1, 3);
  // Small arrays of several shapes have room in one another's places.
  const most = draw.oneIn(2) ? 33 : 3;
  const shape = Array.from({ length: rank }, (_, i) => Math.min(draw.size(1, false), i === 0 ? most : 17, most));
  const between = (): Tensor => draw.tensor(shape.map((size) => (draw.oneIn(4) ? 1 : size)).slice(draw.oneIn(4) ? 1 : 0), (random) => random.uniform(-1, 1));
  const leaves = Array.from({ length: draw.oneIn(4) ? 16 : draw.integer(1, 4) }, between);
  const conditions = [draw.tensor(shape, (random) => random.integer(0, 2), false)];
  const steps: Program["steps"] = [];
  const count = draw.oneIn(4) ? 60 : draw.integer(1, 30);
  for (let i = 0; i < count; i++) {
    // Late results more often: long chains.
    const any = (): number => {
      const known = leaves.length + steps.length;
      return draw.oneIn(2) ? draw.integer(0, known - 1) : Math.max(0, known - 1 - draw.integer(0, 2));
    };
    const kind = draw.integer(0, 9);
    if (kind < 4) steps.push({ form: draw.pick(unary), from: [any()] });
    else if (kind < 8) steps.push({ form: draw.pick(binary), from: [any(), any()] });
    else if (kind < 9) steps.push({ form: draw.pick(structural), from: [any()] });
    else steps.push({ form: choice, from: [any(), any(), -1] });
  }
  const wanted = new Set([leaves.length + count - 1, ...Array.from({ length: draw.integer(0, 4) }, () => draw.integer(0, leaves.length + count - 1))]);
  return { leaves, conditions, shape, steps, wanted: [...wanted] };
}

function execute({ steps, wanted }: Program, leaves: readonly Variable[], condition: Variable): Variable[] {
  const results = [...leaves];
  for (const { form: { apply }, from } of steps) results.push(apply(...from.map((i) => (i < 0 ? condition : results[i]))));
  return wanted.map((i) => results[i]);
}

/** The results of each run, outside of training. */
function forward(device: Device, program: Program, runs: number): Float64Array[][] {
  return on(device, () => {
    const leaves = program.leaves.map(({ values, shape }) => input(values, shape));
    const [condition] = program.conditions.map(({ values, shape }) => input(values, shape));
    return Array.from({ length: runs }, () => evaluate(() => execute(program, leaves, condition)).map(({ data }) => Float64Array.from(data)));
  });
}

/** The results of each run, and the gradients of their sum by the leaves. */
function backward(device: Device, program: Program, runs: number): Float64Array[][] {
  return on(device, () => {
    const leaves = program.leaves.map(({ values, shape }) => parameter(values, shape));
    const [condition] = program.conditions.map(({ values, shape }) => input(values, shape));
    return Array.from({ length: runs }, () => {
      for (const leaf of leaves) leaf.clearGrad();
      const { results } = grad(() => {
        const found = execute(program, leaves, condition);
        const loss = found.reduce((total, x) => add(total, mean(x)), sum(mul(leaves[0], 0)));
        return { results: found, loss };
      });
      return [...results.map(({ data }) => data), ...leaves.map((leaf) => leaf.grad?.data ?? new Float32Array(0))].map((values) => Float64Array.from(values));
    });
  });
}

function expectSameBits(runs: Float64Array[][]): void {
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

describe.each(fastDevices)("a program that repeats, on %s", (_, device) => {
  it("is fused, or this file would test nothing", () => {
    const fused = vi.spyOn(Fusion.prototype, "finish");
    const x = input([1, 2]);
    on(device, () => { for (let i = 0; i < RUNS; i++) evaluate(() => tanh(sin(exp(neg(x))))); });
    expect(fused).toHaveBeenCalledTimes(1);
    fused.mockRestore();
  });

  it("gives the same results in every run, and those of the reference", () => {
    forAll(150, 40, (draw) => {
      const program = drawn(draw);
      const runs = forward(device, program, RUNS);
      expectSameBits(runs);
      const [expected] = forward(reference, program, 1);
      const errors = errorsOf(program);
      runs[0].forEach((values, k) => {
        expect(values.length).toBe(expected[k].length);
        values.forEach((value, i) => {
          if (!(Math.abs(value - expected[k][i]) <= errors[k] * ulp)) throw new Error(`result ${k}, element ${i}: ${value}, but expected ${expected[k][i]} ± ${errors[k] * ulp}`);
        });
      });
    });
  });

  it("gives the same gradients in every run", () => {
    forAll(120, 40, (draw) => { expectSameBits(backward(device, drawn(draw), RUNS)); });
  });
});

describe("on the reference device", () => {
  it("fusion changes nothing either", () => {
    forAll(40, 24, (draw) => {
      const program = drawn(draw);
      expectSameBits(forward(reference, program, RUNS));
      expectSameBits(backward(reference, program, RUNS));
    });
  });
});
