/**
 * Random programs: the same list of instructions runs on every device, with and without looks at its values, with data
 * that change from run to run. Values stay moderate and smooth, so that float32 and float64 must agree.
 */

import fc from "fast-check";
import {
  add, broadcastTo, concat, detach, div, dropout, elementwise, embed, exp, flip, gradients, identity, input, logsumexp, matmul, max, mean, mul,
  operation, pad, parameter, permute, Random, relu, reshape, type Shape, sigmoid, sin, slice, softmax, softplus, stack, sub, sum, tanh, transpose,
  type Variable,
} from "../src/index.ts";
import type { Parameter } from "../src/index.ts";
import { broadcast, sizeOf } from "../src/support/shape.ts";

export interface Instruction {
  readonly code: number;
  readonly a: number;
  readonly b: number;
  readonly detail: number;
  /** 0–3: read a value afterwards; 0 decides by it what comes next. */
  readonly look: number;
}

export interface Program {
  readonly instructions: readonly Instruction[];
  /** Some inputs are arrays that stay resident on the device. */
  readonly large: boolean;
}

export const programs: fc.Arbitrary<Program> = fc.record({
  instructions: fc.array(
    fc.record({ code: fc.nat(10_000), a: fc.nat(10_000), b: fc.nat(10_000), detail: fc.nat(10_000), look: fc.nat(12) }),
    { minLength: 2, maxLength: 28 },
  ),
  large: fc.nat(7).map((n) => n === 0),
});

/** Also sizes below a vector of four, which share places in memory. */
const shapes: readonly Shape[] = [[], [3], [4, 3], [2], [4, 1], [8], [2, 4, 3], [3, 3]];

/** The numbers that a program runs on; the parameters keep their identity from run to run, some inputs too. */
export class Data {
  readonly parameters: Parameter[];
  readonly kept: Variable[];
  private readonly random = new Random(11);

  constructor(large: boolean) {
    this.parameters = [[4, 3], [3], [], [3, 3], [2, 4, 3]].map((shape) => parameter(this.numbers(shape), shape));
    this.kept = [input(this.numbers([3]), [3]), input(this.numbers([4, 3]), [4, 3])];
    if (large) this.kept.push(input(this.numbers([400, 3]), [400, 3]));
  }

  numbers(shape: Shape): Float64Array {
    // Such as float32 holds them, so that all devices begin with the same.
    return Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(0.7 * this.random.normal()));
  }

  /** New values everywhere, the same on every device for the same run. */
  refresh(): { inputs: Variable[]; number: () => number; seed: number } {
    for (const p of this.parameters) p.assign(input(this.numbers(p.shape), p.shape));
    const inputs = shapes.map((shape) => input(this.numbers(shape), shape));
    return { inputs, number: () => Math.fround(this.random.uniform(-1, 1)), seed: this.random.integer(0, 1000) };
  }
}

const wave = elementwise("wave", (x, y) => x.mul(2).sin().add(y.tanh().mul(x)));
const doubled: (x: Variable) => Variable = operation({
  name: "doubled",
  shape: (x) => x,
  forward(y, x) { for (let i = 0; i < y.data.length; i++) y.data[i] = 2 * x.data[i]; },
  reverse: (g) => [mul(g, 2)],
});

/** What is read and decided in one run; the run on the first device decides for all. */
export interface Course {
  readonly decisions: boolean[];
  /** The values read, those of a run without looks at its end. */
  readonly seen: Variable[];
  /** As numbers, in a run with looks. */
  readonly read: Float64Array[];
}

export interface Outcome {
  readonly loss: Variable;
  readonly kept: { readonly list: Variable[]; readonly map: Map<string, Variable> };
}

/** Runs the instructions once, within an open step. @param around runs the function for one instruction */
export function interpret(
  program: Program, data: Data, fresh: ReturnType<Data["refresh"]>, course: Course, looks: boolean, deciding: boolean,
  around = (instruction: () => Variable | null): Variable | null => instruction(),
): Outcome {
  const pool: Variable[] = [...data.parameters, ...data.kept, ...fresh.inputs.slice(0, 4)];
  const generator = new Random(fresh.seed);
  const pick = (n: number): Variable => pool[n % pool.length];
  let decided = 0;
  for (const { code, a, b, detail, look } of program.instructions) {
    const x = pick(a);
    const y = pick(b);
    const result = around(() => apply(code, x, y, detail, fresh.number, generator));
    if (result !== null && result.size <= 4096) pool.push(result);
    if (look > 3) continue;
    const looked = pick(look === 1 ? b : pool.length - 1 - (detail % 3));
    course.seen.push(looked);
    if (looks) course.read.push(Float64Array.from(looked.data));
    if (look !== 0) continue;
    if (deciding) course.decisions.push(looked.size > 0 && looked.data[0] > 0);
    pool.push(course.decisions[decided++] ? tanh(looked) : mul(looked, 0.5));
  }
  const last = pool.slice(-4);
  const terms =
    [...last, ...data.parameters.slice(0, 2), pick(program.instructions.length * 7)].map((v, i) => mean(mul(tanh(v), i % 2 === 0 ? 1 : fresh.number())));
  const loss = terms.reduce((total, term) => add(total, term));
  return {
    loss,
    kept: { list: [...last, data.parameters[0], fresh.inputs[1]], map: new Map([["view", reshape(data.parameters[3], [9])], ["first", pick(0)]]) },
  };
}

function apply(code: number, x: Variable, y: Variable, detail: number, number: () => number, generator: Random): Variable | null {
  const fits = broadcast(x.shape, y.shape) !== null;
  const rank = x.shape.length;
  const axis = rank === 0 ? 0 : detail % rank;
  switch (code % 38) {
    case 0: return fits ? add(x, y) : null;
    case 1: return fits ? mul(tanh(x), y) : null;
    case 2: return fits ? sub(x, y) : null;
    case 3: return fits ? div(x, add(mul(y, y), 1)) : null;
    case 4: return tanh(x);
    case 5: return sigmoid(x);
    case 6: return exp(tanh(x));
    case 7: return sin(x);
    case 8: return softplus(x);
    case 9: return mul(x, number());
    case 10: return add(x, number());
    case 11: return reshape(x, [-1]);
    case 12: return rank >= 2 ? transpose(x) : null;
    case 13: return rank >= 1 && x.shape[0] > 1 ? slice(x, [detail % 2, undefined]) : null;
    case 14: return rank >= 1 ? slice(x, ...x.shape.slice(1).map(() => null), [undefined, undefined, 2]) : null;
    case 15: return rank >= 1 && x.shape[0] > 0 ? slice(x, detail % x.shape[0]) : null;
    case 16: return rank >= 1 ? concat([x, tanh(x), x], axis) : null;
    case 17: return stack([x, mul(x, 0.3)]);
    case 18: return rank >= 1 ? sum(mul(x, 0.3), axis, detail % 2 === 0) : null;
    case 19: return mean(x);
    case 20: return rank >= 1 && !x.shape.includes(0) ? max(x, axis) : null;
    case 21: return rank >= 1 ? softmax(x, axis) : null;
    case 22: return rank >= 1 ? logsumexp(x, axis) : null;
    case 23: return rank >= 1 && y.shape.length >= 2 && x.shape[rank - 1] === y.shape[y.shape.length - 2] && (rank === 1 || y.shape.length === 2)
      ? tanh(matmul(x, y))
      : null;
    case 24: return rank >= 1 && x.shape[0] > 0 ? embed(x, [detail % x.shape[0], 0, detail % x.shape[0]]) : null;
    case 25: return detach(x);
    case 26: return identity(x);
    case 27: return pad(x, x.shape.map((_, i) => (i === axis ? [1, 2] : [0, 0])));
    case 28: return flip(x);
    case 29: return broadcastTo(x, [2, ...x.shape]);
    case 30: return fits ? wave(x, y) : null;
    case 31: return doubled(x);
    case 32: return dropout(x, 0.3, generator);
    case 33: return permute(x, x.shape.map((_, i) => (i + 1) % rank));
    case 34: {
      // A gradient as a value like any other.
      const [g] = gradients(() => sum(mul(tanh(x), x)), [x]);
      return g;
    }
    case 35: return relu(x);
    case 36: return fits ? add(mul(x, y), mul(x, number())) : null;
    default: return fits && y.size > 0 ? sub(tanh(add(x, y)), mean(y)) : null;
  }
}
