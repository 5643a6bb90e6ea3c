import { describe, expect, it } from "vitest";
import { TransformerBlock } from "../../src/components/index.ts";
import { evaluate, gelu, grad, input, ShapeError } from "../../src/index.ts";
import { draw, expectClose, expectGradients, probe, randomize } from "./plain.ts";

const x = draw([2, 3, 4]);
const rows = x.toArray() as number[][][];

describe("TransformerBlock", () => {
  it("adds attention and a network to its input, each after a normalisation", () => {
    const block = randomize(new TransformerBlock({ inputs: 4, heads: 2, hidden: 5 }));
    const { attention, attentionNorm, network, networkNorm } = block;
    // Its parts have tests of their own.
    const expected = evaluate(() => {
      const normed = attentionNorm.forward(x);
      const y = x.add(attention.attend(normed, normed).output);
      const hidden = gelu(networkNorm.forward(y).matmul(network.w[0].transpose()).add(network.b[0]));
      return y.add(hidden.matmul(network.w[1].transpose()).add(network.b[1]));
    });
    expectClose(evaluate(() => block.forward(x)).toArray(), expected.toArray());
    expectClose(evaluate(() => block.forward(input(rows[1]))).toArray(), (expected.toArray() as number[][][])[1]);
    expect(new TransformerBlock({ inputs: 4, heads: 2 }).hidden).toBe(16);
  });

  it("sees only the past with causal: true", () => {
    const block = randomize(new TransformerBlock({ inputs: 4, heads: 2, hidden: 5, causal: true }));
    for (const size of [1, -1e12]) { // also where all scores lie far below 0
      block.attention.wq.assign(block.attention.wq.mul(size));
      const whole = evaluate(() => block.forward(x)).toArray() as number[][][];
      const padded = evaluate(() => block.forward(x, [1, 1, 0])).toArray() as number[][][];
      for (let t = 1; t <= 3; t++) {
        const alone = evaluate(() => block.forward(input(rows.map((row) => row.slice(0, t))))).toArray();
        expectClose(whole.map((row) => row.slice(0, t)), alone);
        if (t < 3) expectClose(padded.map((row) => row.slice(0, t)), alone);
      }
    }
  });

  it("does not let padding reach other steps or gradients, even if it is NaN", () => {
    const block = randomize(new TransformerBlock({ inputs: 4, heads: 2, hidden: 5 }));
    const padded = input(rows.map((row) => [...row.slice(0, 2), [NaN, NaN, NaN, NaN]]));
    const expected = evaluate(() => block.forward(input(rows.map((row) => row.slice(0, 2))))).toArray();
    const { y } = grad(() => {
      const all = block.forward(padded, [1, 1, 0]);
      return { loss: probe(all.slice(null, [0, 2])), y: all };
    });
    expectClose((y.toArray() as number[][][]).map((row) => row.slice(0, 2)), expected);
    for (const p of block.parameters()) expect(p.grad?.data.every(Number.isFinite)).toBe(true);
  });

  it("has right gradients", () => {
    const block = randomize(new TransformerBlock({ inputs: 4, heads: 2, hidden: 3, causal: true, dropout: 0.2 }));
    expectGradients(() => probe(block.forward(x, [1, 1, 0])), block, { maxEntries: 10 });
    expectGradients(() => probe(block.forward(draw([1, 4]))), block, { maxEntries: 3 });
  });

  it("refuses what does not fit", () => {
    expect(() => new TransformerBlock({ inputs: 4, heads: 3 })).toThrow(ShapeError);
    expect(() => new TransformerBlock({ inputs: 4, heads: 2, activation: "nope" })).toThrow(/^TransformerBlock takes a function or one of the names/);
    expect(() => new TransformerBlock({ inputs: 4, heads: 2 }).forward(draw([3, 3])))
      .toThrow("TransformerBlock got x of shape [3, 3], but its last axis must have size 4");
  });
});
