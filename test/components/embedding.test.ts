import { describe, expect, it } from "vitest";
import { Embedding } from "../../src/components/index.ts";
import { input, ValueError } from "../../src/index.ts";
import { expectGradients, expectValue, matrix, plus, probe, randomize } from "./plain.ts";

const words = randomize(new Embedding({ inputs: 5, outputs: 3 }));
const w = matrix(words.w);

describe("Embedding", () => {
  it("looks up a vector for each symbol", () => {
    expectValue(() => words.forward(2), w[2]);
    expectValue(() => words.forward([4, 0, 4]), [w[4], w[0], w[4]]);
    expectValue(() => words.forward(Int32Array.of(1)), [w[1]]);
    expectValue(() => words.forward(input([[0, 1], [2, 3]])), [[w[0], w[1]], [w[2], w[3]]]);
  });

  it("adds up the vectors of lists", () => expectValue(() => words.forward([[1, 2, 1], [], [3]]), [plus(w[1], w[2], w[1]), [0, 0, 0], w[3]]));

  it("has right gradients", () => {
    expectGradients(() => probe(words.forward([4, 0, 4])), words);
    expectGradients(() => probe(words.forward([[1, 2, 1], []])), words);
  });

  it("begins with vectors of norm about 1", () => {
    const { w: drawn } = new Embedding({ inputs: 200, outputs: 50 });
    const meanSquare = matrix(drawn).flat().reduce((a, b) => a + b * b, 0) / 200;
    // 10⁴ squares of variance 2/50² each, divided by 200: the standard error is √2/100; five of them.
    expect(Math.abs(meanSquare - 1)).toBeLessThan(5 * Math.SQRT2 / 100);
  });

  it("begins with the deviation that is given", () => {
    const values = matrix(new Embedding({ inputs: 200, outputs: 50, std: 1 }).w).flat();
    // The mean of 10⁴ squares of variance 2: the standard error is √2/100; five of them.
    expect(Math.abs(values.reduce((a, b) => a + b * b, 0) / 10_000 - 1)).toBeLessThan(5 * Math.SQRT2 / 100);
    expect(matrix(new Embedding({ inputs: 2, outputs: 2, std: 0 }).w)).toEqual([[0, 0], [0, 0]]);
    for (const std of [-1, NaN, Infinity, "1"]) expect(() => new Embedding({ inputs: 2, outputs: 2, std: std as number })).toThrow(ValueError);
  });

  it("refuses symbols out of range", () => {
    expect(() => words.forward([5])).toThrow(ValueError);
    expect(() => words.forward([1, -1])).toThrow(ValueError);
    expect(() => new Embedding({ inputs: 0, outputs: 3 })).toThrow("Embedding takes an integer of at least 1 as inputs, but got 0.");
  });
});
