import { afterEach, describe, expect, it } from "vitest";
import { MultiHeadAttention } from "../../src/components/index.ts";
import { debug, evaluate, eye, grad, input, setDevice, ShapeError, softmax as softmaxOf, zeros } from "../../src/index.ts";
import { dot, draw, expectClose, expectGradients, expectValue, type Matrix, matrix, plus, probe, randomize, softmax, times, type Vector } from "./plain.ts";

const attention = randomize(new MultiHeadAttention({ inputs: 4, keys: 3, outputs: 2, heads: 2, hidden: 6 }));
const self = randomize(new MultiHeadAttention({ inputs: 4, heads: 2 }));
const x = draw([2, 3, 4], 1);
const memory = draw([2, 5, 3], 2);
const xRows = x.toArray() as number[][][];
const memoryRows = memory.toArray() as number[][][];

afterEach(() => { setDevice("wasm"); });

/** The outputs of one sequence, head by head. */
function plain(layer: MultiHeadAttention, xs: Matrix, keys: Matrix, sees: (t: number, s: number) => boolean = () => true): Matrix {
  const size = layer.hidden / layer.heads;
  const project = (w: Matrix, rows: Matrix, head: number): Matrix => rows.map((row) => times(w, row).slice(head * size, (head + 1) * size));
  const joined: Vector[] = xs.map(() => []);
  for (let head = 0; head < layer.heads; head++) {
    const [q, k, v] = [project(matrix(layer.wq), xs, head), project(matrix(layer.wk), keys, head), project(matrix(layer.wv), keys, head)];
    q.forEach((query, t) => {
      const weights = softmax(k.map((key, s) => (sees(t, s) ? dot(query, key) / Math.sqrt(size) : -Infinity)));
      joined[t].push(...plus(...v.map((value, s) => value.map((part) => part * weights[s]))));
    });
  }
  return joined.map((row) => times(matrix(layer.wo), row));
}

describe("MultiHeadAttention", () => {
  it("computes its equations, for a sequence as in a batch", () => {
    const expected = xRows.map((rows, i) => plain(attention, rows, memoryRows[i]));
    expectValue(() => attention.forward(x, memory), expected);
    expectValue(() => attention.forward(input(xRows[1]), input(memoryRows[1])), expected[1]);
    const { weights } = attention.attend(x, memory);
    expect(weights.shape).toEqual([2, 2, 3, 5]);
    expectClose(weights.sum(-1).sub(1).abs().max().item(), 0);
  });

  it("attends to itself unless told", () => {
    const expected = xRows.map((rows) => plain(self, rows, rows));
    expectValue(() => self.forward(x), expected);
    expectValue(() => self.forward(x.reshape([1, 2, 3, 4])), [expected]);
  });

  it("sees only the past with causal: true", () => {
    expectValue(() => self.forward(x, x, { causal: true }), xRows.map((rows) => plain(self, rows, rows, (t, s) => s <= t)));
    expect(() => attention.forward(x, memory, { causal: true })).toThrow("MultiHeadAttention got 3 steps that attend to 5 steps with causal: true");
  });

  it("leaves out what is masked, be it NaN", () => {
    const mask = [[1, 1, 0], [1, 1, 1]];
    const expected = xRows.map((rows, i) => plain(self, rows, rows, (_, s) => mask[i][s] === 1));
    const padded = input(xRows.map((rows, i) => rows.map((row, t) => (mask[i][t] === 1 ? row : row.map(() => NaN)))));
    const found = evaluate(() => self.forward(padded, undefined, { mask })).toArray() as number[][][];
    expectClose(found[0].slice(0, 2), expected[0].slice(0, 2));
    expectClose(found[1], expected[1]);
    grad(() => probe(self.forward(padded, undefined, { mask })));
    for (const p of self.parameters()) {
      expect(p.grad?.data.every(Number.isFinite)).toBe(true);
      p.clearGrad();
    }
  });

  it("gives no weight to the future or to padding, however low the scores are", () => {
    const one = new MultiHeadAttention({ inputs: 2, heads: 1 });
    for (const w of [one.wk, one.wv, one.wo]) w.assign([[1, 0], [0, 1]]);
    one.wq.assign([[-1, 0], [0, -1]]);
    const far = [[40000, 0], [40000, 1], [40000, 2]];
    for (const device of ["wasm", "reference"] as const) {
      setDevice(device);
      for (const size of [1, 1e-3, 1e13]) { // scores up to 1e35
        const x = input(far.map((row) => row.map((value) => value * size)));
        const { output, weights } = one.attend(x, x, { causal: true });
        const rows = weights.toArray() as number[][][];
        expect(rows[0].map((row, t) => row.slice(t + 1))).toEqual([[0, 0], [0], []]);
        expect(output.slice(0).toArray()).toEqual(x.slice(0).toArray());
        const padded = one.attend(x, x, { mask: [1, 0, 0] });
        expect(padded.weights.toArray()).toEqual([[[1, 0, 0], [1, 0, 0], [1, 0, 0]]]);
        expect((padded.output.toArray() as number[][])[2]).toEqual(x.slice(0).toArray());
        const both = one.attend(x, x, { mask: [0, 1, 1], causal: true });
        expect((both.weights.toArray() as number[][][])[0].slice(0, 2)).toEqual([[0, 0, 0], [0, 1, 0]]);
        expect((both.output.toArray() as number[][])[0]).toEqual([0, 0]);
      }
    }
  });

  it("divides scores by the root of the size: 21 / 7 is 3, which 21 · (1/7) is not", () => {
    const size = 49;
    const one = new MultiHeadAttention({ inputs: size, heads: 1 });
    for (const w of [one.wq, one.wk]) w.assign(eye(size));
    const query = zeros([1, size]).data;
    query[0] = 21;
    const keys = zeros([2, size]).data;
    keys[0] = 1;
    const { weights } = one.attend(input(query, [1, size]), input(keys, [2, size]));
    expect([...weights.data]).toEqual([...softmaxOf(input([3, 0])).data]);
  });

  it("keeps padding and the future apart: a step that sees nothing gets 0, and finite gradients", () => {
    const mask = [[0, 1, 1], [0, 0, 0]];
    const expected = xRows.map((rows, i) => plain(self, rows, rows, (t, s) => s <= t && mask[i][s] === 1)
      .map((row) => row.map((value) => (Number.isNaN(value) ? 0 : value)))); // a softmax of nothing
    for (const nothing of [0, NaN, Infinity, -Infinity]) {
      const padded = input(xRows.map((rows, i) => rows.map((row, t) => (mask[i][t] === 1 ? row : row.map(() => nothing)))));
      expectValue(() => self.forward(padded, padded, { mask, causal: true }), expected);
      grad(() => probe(self.forward(padded, padded, { mask, causal: true })));
      for (const p of self.parameters()) {
        expect(p.grad?.data.every(Number.isFinite)).toBe(true);
        p.clearGrad();
      }
    }
    expectGradients(() => probe(self.forward(x, x, { mask, causal: true })), self, { maxEntries: 12 });
  });

  it("has no infinity in it that a check of numbers would stop at", () => {
    debug({ checkNumerics: true });
    try {
      grad(() => probe(self.forward(x, x, { mask: [[0, 1, 1], [0, 0, 0]], causal: true })));
    } finally {
      debug({ checkNumerics: false });
      self.parameters().forEach((p) => { p.clearGrad(); });
    }
  });

  it("has right gradients, with every option", () => {
    expectGradients(() => probe(attention.forward(x, memory, { mask: [1, 1, 0, 1, 1] })), attention, { maxEntries: 12 });
    expectGradients(() => probe(self.forward(x, x, { causal: true })), self, { maxEntries: 12 });
    const dropping = randomize(new MultiHeadAttention({ inputs: 4, heads: 1, dropout: 0.5 }));
    expectGradients(() => probe(dropping.forward(x)), dropping, { maxEntries: 12 });
    expectGradients(() => probe(self.forward(draw([1, 4]))), self, { maxEntries: 4 });
  });

  it("refuses what does not fit", () => {
    expect(() => new MultiHeadAttention({ inputs: 6, heads: 4 }))
      .toThrow(new ShapeError("MultiHeadAttention got hidden = 6 for 4 heads: hidden (inputs unless given) must be a multiple of heads."));
    expect(() => self.forward(draw([4]))).toThrow(ShapeError);
    expect(() => self.forward(draw([3, 5]))).toThrow("MultiHeadAttention got x of shape [3, 5], but its last axis must have size 4");
    expect(() => attention.forward(x)).toThrow("MultiHeadAttention got memory of shape [2, 3, 4], but its last axis must have size 3");
    expect(() => attention.forward(x, draw([5, 3]))).toThrow("both are sequences [..., steps, size] with the same batch axes");
    expect(() => self.forward(x, x, { mask: [1, 1] })).toThrow("MultiHeadAttention got a mask of shape [2] for sequences [2, 3]");
  });
});
