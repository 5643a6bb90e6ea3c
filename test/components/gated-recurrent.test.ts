import { describe, expect, it } from "vitest";
import { GatedRecurrent } from "../../src/components/index.ts";
import { grad, input, norm2, ones } from "../../src/index.ts";
import { draw, expectGradients, expectValue, matrix, mul, plus, probe, randomize, times, vector, σ } from "./plain.ts";

const rnn = randomize(new GatedRecurrent({ inputs: 2, outputs: 3 }));
const xs = draw([4, 2]);

describe("GatedRecurrent", () => {
  it("computes its equations", () => {
    let h = vector(rnn.h0);
    const expected = matrix(xs).map((x) => {
      const r = plus(times(matrix(rnn.wr), x), times(matrix(rnn.ur), h), vector(rnn.br)).map(σ);
      const z = plus(times(matrix(rnn.wz), x), times(matrix(rnn.uz), h), vector(rnn.bz)).map(σ);
      const c = plus(times(matrix(rnn.wc), x), mul(r, times(matrix(rnn.uc), h)), vector(rnn.bc)).map(Math.tanh);
      h = plus(mul(z, h), mul(z.map((value) => 1 - value), c));
      return h;
    });
    expectValue(() => rnn.unfold(xs), expected);
  });

  it("begins with an open reset gate", () => {
    const fresh = new GatedRecurrent({ inputs: 2, outputs: 3 });
    expect([fresh.br, fresh.bz, fresh.bc, fresh.h0].map((p) => p.toArray())).toEqual([[1, 1, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]]);
  });

  it("has right gradients", () => expectGradients(() => probe(rnn.unfold(xs)), rnn));

  it("rescales the gradient of the candidate, if asked to", () => {
    const normed = randomize(new GatedRecurrent({ inputs: 2, outputs: 3, normed: true }));
    grad(() => probe(normed.step(input([0.1, 0.2]), normed.h0, 0.5)));
    expect(norm2(normed.bc.grad ?? ones([1])).item()).toBeCloseTo(0.5, 6);
  });

  it("refuses what does not fit", () => {
    expect(() => rnn.step(draw([3]))).toThrow("GatedRecurrent got x of shape [3]");
    expect(() => rnn.step(draw([2]), draw([4]))).toThrow("GatedRecurrent got state of shape [4]");
  });
});
