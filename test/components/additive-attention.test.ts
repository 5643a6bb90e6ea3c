import { afterEach, describe, expect, it } from "vitest";
import { AdditiveAttention } from "../../src/components/index.ts";
import { decat, evaluate, grad, input, setDevice, ShapeError, zeros } from "../../src/index.ts";
import {
  dot, draw, expectClose, expectGradients, expectValue, type Matrix, matrix, plus, probe, randomize, softmax, times, type Vector, vector,
} from "./plain.ts";

const attention = randomize(new AdditiveAttention({ queries: 2, keys: 3, hidden: 4 }));
const keys = draw([2, 5, 3], 1);
const query = draw([2, 2], 2);
const rows = keys.toArray() as number[][][];

afterEach(() => { setDevice("wasm"); });

/** Weights and context of one query. */
function plain(q: Vector, memory: Matrix): { weights: Vector; context: Vector } {
  const { w, u, v } = attention;
  const weights = softmax(memory.map((key) => dot(vector(v), plus(times(matrix(w), q), times(matrix(u), key)).map(Math.tanh))));
  return { weights, context: memory.reduce<Vector>((sum, key, t) => plus(sum, key.map((value) => value * weights[t])), [0, 0, 0]) };
}

describe("AdditiveAttention", () => {
  it("computes its equations, for a sample as in a batch, from a list as from one Variable", () => {
    const expected = matrix(query).map((q, i) => plain(q, rows[i]));
    expectValue(() => attention.attend(query, attention.memory(keys)).weights, expected.map((x) => x.weights));
    expectValue(() => attention.attend(query, attention.memory(keys)).context, expected.map((x) => x.context));
    expectValue(() => attention.attend(query, attention.memory(decat(keys, 1))).context, expected.map((x) => x.context));
    expectValue(() => attention.attend(input(matrix(query)[1]), attention.memory(input(rows[1]))).context, expected[1].context);
  });

  it("leaves out what is masked, be it NaN", () => {
    const lengths = [3, 5];
    const padded = input(rows.map((row, i) => row.map((key, t) => (t < lengths[i] ? key : [NaN, NaN, NaN]))));
    const mask = rows.map((row, i) => row.map((_, t) => (t < lengths[i] ? 1 : 0)));
    const expected = matrix(query).map((q, i) => plain(q, rows[i].slice(0, lengths[i])));
    expectValue(() => attention.attend(query, attention.memory(padded, mask)).context, expected.map((x) => x.context));
    expectClose(
      evaluate(() => attention.attend(query, attention.memory(padded, mask)).weights).toArray(),
      expected.map(({ weights }, i) => [...weights, ...new Array(5 - lengths[i]).fill(0)]),
    );
    grad(() => probe(attention.attend(query, attention.memory(padded, mask)).context));
    for (const p of attention.parameters()) {
      expect(p.grad?.data.every(Number.isFinite)).toBe(true);
      p.clearGrad();
    }
    // Nothing to attend to: no NaN either.
    expect(evaluate(() => attention.attend(query, attention.memory(keys, [0, 0, 0, 0, 0])).context).toArray()).toEqual([[0, 0, 0], [0, 0, 0]]);
    expect(attention.attend(query, attention.memory(zeros([2, 0, 3]))).context.toArray()).toEqual([[0, 0, 0], [0, 0, 0]]);
  });

  it("gives no weight to padding, however low the scores are, and none at all where all is padding", () => {
    const low = new AdditiveAttention({ queries: 1, keys: 1, hidden: 1 });
    low.w.assign([[0]]);
    low.u.assign([[1]]);
    for (const device of ["wasm", "reference"] as const) {
      setDevice(device);
      for (const v of [-1e12, -1e37, 1e37]) {
        low.v.assign([v]);
        const memory = low.memory(input([[[9], [7], [NaN]], [[8], [6], [5]]]), [[1, 0, 0], [0, 0, 0]]);
        const { context, weights } = low.attend(input([[1], [1]]), memory);
        expect(weights.toArray()).toEqual([[1, 0, 0], [0, 0, 0]]);
        expect(context.toArray()).toEqual([[9], [0]]);
      }
    }
  });

  it("has right gradients", () => {
    expectGradients(() => {
      const memory = attention.memory(keys, [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]);
      const first = attention.attend(query, memory);
      return probe(first.context, first.weights, attention.attend(first.context.slice(null, [0, 2]), memory).context);
    }, attention);
    expectGradients(() => probe(attention.attend(draw([2]), attention.memory(draw([1, 3]))).context), attention);
  });

  it("refuses what does not fit", () => {
    expect(() => attention.memory(draw([3]))).toThrow("AdditiveAttention got keys of shape [3]; it takes a sequence [..., steps, 3]");
    expect(() => attention.memory(keys, [[1, 1]])).toThrow(ShapeError);
    expect(() => attention.attend(draw([3]), attention.memory(keys))).toThrow("AdditiveAttention got query of shape [3], but its last axis must have size 2");
    expect(() => attention.attend(draw([3, 2]), attention.memory(keys))).toThrow(ShapeError);
    expect(() => new AdditiveAttention({ queries: 2, keys: 3 } as never))
      .toThrow("AdditiveAttention takes an integer of at least 1 as hidden, but got undefined.");
  });
});
