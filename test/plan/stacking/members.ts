/** Random programs of many like members: the same cell for states that come from one another, as nodes of a graph or steps of sequences. */

import fc from "fast-check";
import {
  affine, argmax, broadcastTo, clip, concat, cost, detach, div, dot, dropout, embed, gather, gradients, gradnorm, identity, linear, logsumexp, matmul,
  maximum, max, mean,
  type Parameter, parameter, pow, Random, randn, relu, reshape, sigmoid, sin, slice, softmax, softplus, stack, sum, tanh, transpose, unsqueeze,
  type Variable, where, zeros,
} from "../../../src/index.ts";
import { broadcast, sameShape } from "../../../src/support/shape.ts";

interface Instruction {
  readonly code: number;
  readonly a: number;
  readonly b: number;
  readonly detail: number;
}

export interface Members {
  readonly size: number;
  /** 0: states are vectors. */
  readonly rows: number;
  readonly cell: readonly Instruction[];
  readonly lanes: number;
  /** Whether gradients of the loss count, too. */
  readonly isTwice: boolean;
  /** For each round of the cell, how far away the second state is; some lanes are left out. */
  readonly rounds: readonly { readonly away: number; readonly out: number }[];
}

export const members: fc.Arbitrary<Members> = fc.record({
  size: fc.constantFrom(1, 2, 4, 6),
  rows: fc.constantFrom(0, 0, 1, 3),
  cell: fc.array(fc.record({ code: fc.nat(10_000), a: fc.nat(1000), b: fc.nat(1000), detail: fc.nat(1000) }), { minLength: 2, maxLength: 10 }),
  lanes: fc.integer({ min: 6, max: 12 }),
  isTwice: fc.nat(3).map((n) => n === 0),
  rounds: fc.array(fc.record({ away: fc.nat(5), out: fc.nat(7) }), { minLength: 2, maxLength: 4 }),
});

/** What all members share. */
export class Shared {
  readonly weights: Parameter[];
  readonly biases: Parameter[];
  readonly table: Parameter;
  readonly first: Parameter;
  readonly number: Parameter;
  readonly flat: Parameter;
  readonly column: Parameter;

  constructor({ size, rows }: Members) {
    const random = new Random(5);
    const make = (...shape: number[]): Parameter => parameter(randn(shape, random).mul(0.6));
    this.weights = [make(size, size), make(size, size)];
    this.biases = [make(size), make(size)];
    this.table = make(5, size);
    this.first = rows === 0 ? make(size) : make(rows, size);
    this.number = make();
    this.flat = make(size * size);
    this.column = make(3, 1);
  }

  get all(): Parameter[] { return [...this.weights, ...this.biases, this.table, this.first, this.number, this.flat, this.column]; }
}

/** The loss of the program: smooth enough that roundings stay roundings. */
export function interpret(program: Members, shared: Shared): Variable {
  const { size, rows, cell, lanes, rounds, isTwice } = program;
  const random = new Random(9);
  const shape = rows === 0 ? [size] : [rows, size];
  const extra: Variable[] = [];
  const inputs: Variable[] = [];
  let states = Array.from({ length: lanes }, (_, i): Variable => {
    if (i % 4 === 3) return shared.first;
    const row = (k: number): number => (i + k) % 5;
    if (i % 4 === 2) return embed(shared.table, rows === 0 ? row(0) : Array.from({ length: rows }, (_, k) => row(k)));
    inputs.push(randn(shape, random));
    return inputs[inputs.length - 1];
  });
  const all: Variable[] = [];
  for (const { away, out } of rounds) {
    states = states.map((state, i) => {
      if (i % 8 === out) return state;
      const pool = [state, states[(i + away) % lanes], tanh(linear(shared.weights[0], state))];
      for (const { code, a, b, detail } of cell) {
        const pick = (n: number): Variable => pool[pool.length - 1 - (n % pool.length)];
        const result = apply(code, pick(a), pick(b), detail, size, shared, random, extra);
        if (result !== null && result.size <= 300 && result.shape.length <= 4) pool.push(result);
      }
      const last = pool[pool.length - 1];
      const next = tanh(last.size === state.size ? reshape(last, shape) : pool[2].add(mean(last)));
      all.push(next);
      return next;
    });
  }
  const scores = [...states, ...all.filter((_, i) => i % 5 === 0)].map((state) => sin(state).mul(state).sigmoid().tanh().sum());
  // The direction of a gradient that is 0 but for roundings cannot be compared, so there is no second derivative of gradnorm.
  const slopes = isTwice && extra.length === 0 ? gradients(() => total(scores), inputs).map((slope) => tanh(slope).sin().mul(0.3).sum()) : [];
  // Every parameter counts, so that there is always something to differentiate.
  return total([...scores, ...extra, ...slopes, ...shared.all.map((p) => p.sum().mul(0.01))]);
}

const total = (xs: readonly Variable[]): Variable => xs.reduce((s, x) => s.add(x));

function apply(code: number, x: Variable, y: Variable, detail: number, size: number, shared: Shared, random: Random, extra: Variable[]): Variable | null {
  const { weights, biases, table, number, flat, column } = shared;
  const rank = x.shape.length;
  const axis = rank === 0 ? 0 : detail % rank;
  const last = x.shape[rank - 1] ?? 0;
  const fits = broadcast(x.shape, y.shape) !== null;
  const same = rank > 0 && sameShape(x.shape, y.shape);
  const isState = last === size;
  const w = weights[detail % 2];
  switch (code % 58) {
    case 0: case 1: return isState ? affine(w, x, biases[detail % 3 === 0 ? 0 : 1]) : null;
    case 2: case 3: return isState ? linear(w, x) : null;
    case 4: return isState ? matmul(x, w) : null;
    case 5: return isState ? linear(w, x).add(x) : null;
    case 6: case 7: return fits ? x.add(y) : null;
    case 8: case 9: return fits ? tanh(x).mul(y) : null;
    case 10: return fits ? div(x, y.mul(y).add(1)) : null;
    case 11: case 12: return x.mul(random.uniform(-1, 1));
    case 13: return x.sub(number);
    case 14: return isState ? x.mul(biases[0]) : null;
    case 15: return rank === 1 ? x.add(column) : null;
    case 16: return x.mul(x);
    case 17: return x.mul(randn(rank === 0 ? [] : [last], random));
    case 18: return x.add(randn([1], random));
    case 19: return x.add(zeros(x.shape));
    case 20: return reshape(x, [-1]);
    case 21: return reshape(x, x.size % 2 === 0 ? [2, x.size / 2] : [x.size, 1]);
    case 22: return unsqueeze(x, detail % (rank + 1));
    case 23: return broadcastTo(x, [2, ...x.shape]);
    case 24: return rank > 0 && x.shape[axis] > 1 ? slice(x, ...x.shape.slice(0, axis).map(() => null), detail % 2 === 0 ? [0, -1] : 1) : null;
    case 25: return same ? concat([x, y], axis) : null;
    case 26: return same ? stack([x, y, x], detail % 2 === 0 ? 0 : rank) : null;
    case 27: case 28: return rank > 0 ? sum(x, axis) : null;
    case 29: return sum(x, undefined, true);
    case 30: return rank > 0 ? softmax(x, axis) : null;
    case 31: return dropout(x, 0.3, random);
    case 32: return detach(x).mul(0.5).add(x);
    case 33: {
      // Where the gradient may be 0 but for roundings, its direction is none that could be compared: a share of it is not.
      const normed = gradnorm(x, 0.7);
      extra.push(normed.mul(randn(normed.shape, random)).sum());
      return normed;
    }
    case 34: return identity(x);
    case 35: return fits ? where(x.greater(0.1), y, x) : where(x.less(0), x.mul(0.1), 0.3);
    case 36: return clip(x, -0.8, detail % 2 === 0 ? 0.9 : number.mul(number).add(0.5));
    case 37: return pow(x.mul(x).add(0.5), detail % 2 === 0 ? 1.5 : number);
    case 38: return gather(table, argmax(randn(detail % 2 === 0 ? [5] : [2, 5], random)));
    case 39: return embed(table, detail % 5).mul(number);
    case 40: return embed(table, [[detail % 5, (detail + 1) % 5], [], [2]]);
    case 41: return isState ? linear(weights[1].mul(0.3).exp(), x).mul(0.3) : null;
    case 42: return isState ? linear(flat.reshape([size, size]), x) : null;
    case 43: return isState ? linear(transpose(weights[0]), x) : null;
    case 44: return size % 2 === 0 && x.size % (2 * size) === 0 ? linear(flat.reshape([size / 2, 2 * size]), reshape(x, [-1, 2 * size])) : null;
    case 45: {
      const h = tanh(x.mul(1));
      return gradients(() => sum(h.mul(h).mul(isState ? biases[1] : 0.4)), [x])[0];
    }
    case 46: return isState ? gradients(() => tanh(linear(weights[0], x)).mul(x).sum(), [x])[0] : null;
    case 47: return relu(x.add(0.3));
    case 48: return sigmoid(x);
    case 49: return softplus(x);
    case 50: return rank > 0 ? max(x, axis) : null;
    case 51: return logsumexp(x);
    case 52: return rank >= 2 ? transpose(x) : null;
    case 53: return last > 1
      ? cost.categoricalCrossEntropyWithScores(x, rank === 1 ? detail % last : new Int32Array(x.size / last).fill(detail % last)).mul(0.5)
      : null;
    case 54: return same ? dot(x, y) : null;
    case 55: return where(sum(x).greater(0), sum(y), number);
    case 56: return rank === 1 && isState ? matmul(reshape(x, [1, size]), biases[0]) : null;
    default: return fits ? maximum(x, y.mul(0.9)) : null;
  }
}
