import { describe, expect, it } from "vitest";
import { SimpleRecurrent } from "../../src/components/index.ts";
import { grad, gradients, input, norm2, relu, ShapeError, ValueError } from "../../src/index.ts";
import { draw, expectClose, expectGradients, expectValue, matrix, plus, probe, randomize, times, vector } from "./plain.ts";

const rnn = randomize(new SimpleRecurrent({ inputs: 2, outputs: 3 }));
const xs = draw([4, 2]);

describe("SimpleRecurrent", () => {
  it("is f(w·x + u·h + b)", () => {
    let h = vector(rnn.h0);
    const expected = matrix(xs).map((x) => (h = plus(times(matrix(rnn.w), x), times(matrix(rnn.u), h), vector(rnn.b)).map(Math.tanh)));
    expectValue(() => rnn.unfold(xs), expected);
  });

  it("takes another activation", () => {
    const other = randomize(new SimpleRecurrent({ inputs: 2, outputs: 3, activation: relu }));
    const sum = plus(times(matrix(other.w), matrix(xs)[0]), times(matrix(other.u), vector(other.h0)), vector(other.b));
    expectValue(() => other.step(input(matrix(xs)[0])), sum.map((value) => Math.max(0, value)));
  });

  it("has right gradients", () => expectGradients(() => probe(rnn.unfold(xs)), rnn));

  it("rescales the gradient of the hidden units at each step, if asked to", () => {
    const normed = randomize(new SimpleRecurrent({ inputs: 2, outputs: 3, activation: "identity", normed: true }));
    // With the identity as activation the gradient of b is the sum of those of the hidden units, here of one step.
    grad(() => probe(normed.step(input(matrix(xs)[0]), normed.h0, 0.25)));
    expect(norm2(normed.b.grad ?? input([0])).item()).toBeCloseTo(0.25, 6);
    normed.parameters().forEach((p) => { p.clearGrad(); });
    // In unfold it is 1 / steps: by the first x alone, all that comes back through time has that norm.
    const first = input([[0.3, 0.1]]);
    const rest = input(matrix(xs).slice(1));
    const [g] = gradients(() => {
      const all = normed.unfold([first.reshape([2]), ...Array.from({ length: 3 }, (_, t) => input(matrix(rest)[t]))]);
      return probe(all[3]);
    }, [first]);
    // The gradient of x is wᵀ·δ with |δ| = ¼, so it is at most ¼ of the largest singular value, and wᵀδ for a δ of that norm.
    const w = matrix(normed.w);
    const columns = [0, 1].map((k) => Math.hypot(...w.map((row) => row[k])));
    expect(norm2(g.reshape([2])).item()).toBeLessThanOrEqual(0.25 * Math.hypot(...columns));
    const plain = new SimpleRecurrent({ inputs: 2, outputs: 3, activation: "identity" });
    for (const [name, parameter] of plain.namedParameters()) parameter.assign(normed.namedParameters().get(name) ?? 0);
    expectClose(plain.unfold(xs).toArray(), normed.unfold(xs).toArray(), 0);
  });

  it("refuses what does not fit", () => {
    expect(() => rnn.step(draw([3]))).toThrow(
      new ShapeError("SimpleRecurrent got x of shape [3], but its last axis must have size 2: [..., 2] for samples in rows, or [2] for one."),
    );
    expect(() => rnn.step(draw([2]), draw([2]))).toThrow("SimpleRecurrent got state of shape [2], but its last axis must have size 3");
    expect(() => new SimpleRecurrent({ inputs: 2, outputs: 3, normed: 1 as never }))
      .toThrow(new ValueError("SimpleRecurrent takes true or false as normed, but got 1."));
  });
});
