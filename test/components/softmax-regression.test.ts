import { describe, expect, it } from "vitest";
import { SoftmaxRegression } from "../../src/components/index.ts";
import { input, ShapeError, ValueError } from "../../src/index.ts";
import { draw, expectGradients, expectValue, matrix, plus, randomize, softmax, times, vector } from "./plain.ts";

const θ = randomize(new SoftmaxRegression({ inputs: 3, outputs: 4 }));
const x = draw([5, 3]);
const y = [0, 3, 1, 1, 2];
const probs = matrix(x).map((row) => softmax(plus(times(matrix(θ.w), row), vector(θ.b))));

describe("SoftmaxRegression", () => {
  it("gives probabilities and the most probable class, for a sample as in a batch", () => {
    expectValue(() => θ.probs(x), probs);
    expectValue(() => θ.probs(input(matrix(x)[2])), probs[2]);
    expectValue(() => θ.predict(x), probs.map((row) => row.indexOf(Math.max(...row))));
    expectValue(() => θ.predict(input(matrix(x)[2])), probs[2].indexOf(Math.max(...probs[2])));
  });

  it("costs the negative log likelihood, weighed", () => {
    const each = probs.map((row, i) => -Math.log(row[y[i]]));
    const weight = [1, 0, 2, 0.5, 3];
    expectValue(() => θ.cost(x, y), each.reduce((a, b) => a + b));
    expectValue(() => θ.cost(x, Int32Array.from(y), { weight }), each.reduce((a, b, i) => a + weight[i] * b, 0));
    expectValue(() => θ.cost(input(matrix(x)[1]), 3), each[1]);
  });

  it("has right gradients", () => {
    expectGradients(() => θ.cost(x, y, { weight: 0.5 }), θ);
    expectGradients(() => θ.cost(input(matrix(x)[0]), 2), θ);
  });

  it("refuses what does not fit", () => {
    expect(() => θ.cost(x, [0, 1, 2, 3, 4])).toThrow(ValueError);
    expect(() => θ.cost(x, [0, 1])).toThrow(ShapeError);
    expect(() => θ.score(draw([5, 4]))).toThrow("SoftmaxRegression got x of shape [5, 4]");
  });
});
