import { describe, expect, it } from "vitest";
import { SigmoidRegression } from "../../src/components/index.ts";
import { input, ShapeError, ValueError } from "../../src/index.ts";
import { draw, expectGradients, expectValue, matrix, plus, randomize, times, vector, σ } from "./plain.ts";

const θ = randomize(new SigmoidRegression({ inputs: 3, outputs: 2 }));
const x = draw([4, 3]);
const y = [[0, 1], [1, 1], [0, 0], [1, 0]];
const probs = matrix(x).map((row) => plus(times(matrix(θ.w), row), vector(θ.b)).map(σ));

describe("SigmoidRegression", () => {
  it("gives probabilities and answers, for a sample as in a batch", () => {
    expectValue(() => θ.probs(x), probs);
    expectValue(() => θ.probs(input(matrix(x)[2])), probs[2]);
    for (const threshold of [0, 0.3, 0.5, 1]) {
      expectValue(() => θ.predict(x, threshold), probs.map((row) => row.map((p) => (p > threshold ? 1 : 0))));
    }
  });

  it("costs the negative log likelihood, weighed", () => {
    const each = probs.map((row, i) => row.reduce((total, p, k) => total - Math.log(y[i][k] === 1 ? p : 1 - p), 0));
    const weight = [1, 0, 2, 0.5];
    expectValue(() => θ.cost(x, y), each.reduce((a, b) => a + b));
    expectValue(() => θ.cost(x, y, { weight }), each.reduce((a, b, i) => a + weight[i] * b, 0));
  });

  it("has right gradients", () => expectGradients(() => θ.cost(x, y), θ));

  it("refuses what does not fit", () => {
    expect(() => θ.predict(x, 2)).toThrow(new ValueError("SigmoidRegression takes a threshold from 0 to 1, but got 2."));
    expect(() => θ.cost(x, [[2, 0], [0, 0], [0, 0], [0, 0]])).toThrow(ValueError);
    expect(() => θ.score(draw([3, 1]))).toThrow(ShapeError);
  });
});
