import { describe, expect, it } from "vitest";
import { LayerNorm } from "../../src/components/index.ts";
import { input, ShapeError, ValueError } from "../../src/index.ts";
import { draw, expectGradients, expectValue, matrix, probe, randomize, vector } from "./plain.ts";

const norm = randomize(new LayerNorm({ inputs: 4 }));
const x = draw([3, 4]).mul(3).add(2);

describe("LayerNorm", () => {
  it("shifts and scales each sample, for a sample as in a batch", () => {
    const expected = matrix(x).map((row) => {
      const mean = row.reduce((a, b) => a + b) / 4;
      const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / 4;
      return row.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * vector(norm.gain)[i] + vector(norm.bias)[i]);
    });
    expectValue(() => norm.forward(x), expected);
    expectValue(() => norm.forward(input(matrix(x)[1])), expected[1]);
    expectValue(() => norm.forward(x.reshape([1, 3, 1, 4])), expected);
  });

  it("makes a constant sample its bias", () => {
    expectValue(() => norm.forward(input([5, 5, 5, 5])), vector(norm.bias));
    const one = new LayerNorm({ inputs: 1 });
    expectValue(() => one.forward(input([7])), [0]);
  });

  it("has right gradients, also of its input", () => {
    const before = randomize(new LayerNorm({ inputs: 4 }), 2);
    expectGradients(() => probe(norm.forward(before.forward(x))), norm);
    expectGradients(() => probe(norm.forward(before.forward(x))), before);
  });

  it("refuses what does not fit", () => {
    expect(() => norm.forward(draw([3, 5]))).toThrow(ShapeError);
    expect(() => new LayerNorm({ inputs: 3, epsilon: -1 })).toThrow(new ValueError("LayerNorm takes a number of at least 0 as epsilon, but got -1."));
  });
});
