import { describe, expect, it } from "vitest";
import { Fusion } from "../../src/components/index.ts";
import { input, ShapeError, ValueError } from "../../src/index.ts";
import { draw, expectGradients, expectValue, matrix, plus, probe, randomize, times, vector } from "./plain.ts";

const fusion = randomize(new Fusion({ inputs: [3, 1, 2], outputs: 4 }));
const xs = [draw([5, 3], 1), draw([5, 1], 2), draw([5, 2], 3)];

describe("Fusion", () => {
  it("is the sum of linear maps and a bias, for a sample as in a batch", () => {
    const expected = Array.from({ length: 5 }, (_, i) => plus(...xs.map((x, k) => times(matrix(fusion.w[k]), matrix(x)[i])), vector(fusion.b)));
    expectValue(() => fusion.forward(xs), expected);
    expectValue(() => fusion.forward(xs.map((x) => input(matrix(x)[2]))), expected[2]);
    // A single sample serves a whole batch.
    expectValue(() => fusion.forward([xs[0], xs[1], input(matrix(xs[2])[0])]).sum(-1).sum(), Array.from({ length: 5 }, (_, i) =>
      plus(
        times(matrix(fusion.w[0]), matrix(xs[0])[i]), times(matrix(fusion.w[1]), matrix(xs[1])[i]), times(matrix(fusion.w[2]), matrix(xs[2])[0]),
        vector(fusion.b),
      ))
      .flat().reduce((a, b) => a + b));
  });

  it("has right gradients", () => expectGradients(() => probe(fusion.forward(xs)), fusion));

  it("refuses what does not fit", () => {
    expect(() => new Fusion({ inputs: [], outputs: 2 })).toThrow(ValueError);
    expect(() => new Fusion({ inputs: 3 as never, outputs: 2 }))
      .toThrow("Fusion takes a list with the size of each input as inputs, such as [3, 5], but got 3.");
    expect(() => new Fusion({ inputs: [3, 1.5], outputs: 2 })).toThrow("Fusion takes an integer of at least 1 as inputs[1], but got 1.5.");
    expect(() => fusion.forward(xs.slice(1))).toThrow(new ShapeError("Fusion takes a list of 3 inputs as xs, but got an array of 2."));
    expect(() => fusion.forward([xs[0], xs[0], xs[2]])).toThrow("Fusion got xs[1] of shape [5, 3], but its last axis must have size 1");
  });
});
