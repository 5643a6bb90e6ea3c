import { describe, expect, it } from "vitest";
import { ShapeError, ValueError } from "../../src/support/errors.ts";
import { input } from "../../src/index.ts";
import { backward, forward } from "../../src/ctc/index.ts";
import { Random } from "../../src/random/random.ts";
import { labellings, logSoftmax, logSumExp, paths, randomScores } from "./brute-force.ts";

describe("forward and backward", () => {
  it.each([[0, 5], [1, 4], [2, 5]])("agree with a sum over all paths, blank %i, %i steps", (blank, steps) => {
    const random = new Random(blank + 1);
    const scores = randomScores(random, steps, 3);
    const expected = labellings(scores, 3, blank);
    for (let length = 0; length <= steps; length++) {
      for (const labels of paths(3, length)) {
        if (labels.includes(blank)) continue;
        const likelihood = expected.get(labels.join())?.score ?? -Infinity;
        const a = forward(labels, scores, { blank });
        const b = backward(labels, scores, { blank });
        expect(a).toHaveLength(steps);
        // Summed by rounding to 2⁻⁵³ a few hundred times.
        const at = (row: Float64Array) => logSumExp([...row.slice(-2)]);
        if (likelihood === -Infinity) expect(at(a[steps - 1])).toBe(-Infinity);
        else expect(at(a[steps - 1])).toBeCloseTo(likelihood, 12);
        for (let t = 0; t < steps; t++) {
          const total = logSumExp([...a[t]].map((x, s) => x + b[t][s]));
          if (likelihood === -Infinity) expect(total).toBe(-Infinity);
          else expect(total).toBeCloseTo(likelihood, 12);
        }
      }
    }
  });

  it("have the values that can be written down", () => {
    const scores = [[1, 2], [3, 5]];
    const [p, q] = scores.map(logSoftmax);
    const table = forward([1], scores);
    expect(table[0]).toEqual(Float64Array.of(p[0], p[1], -Infinity));
    expect(table[1][0]).toBeCloseTo(p[0] + q[0], 12);
    expect(table[1][1]).toBeCloseTo(logSumExp([p[0], p[1]]) + q[1], 12);
    expect(table[1][2]).toBeCloseTo(p[1] + q[0], 12);
    expect(backward([1], scores)[0][2]).toBeCloseTo(q[0], 12);
    expect(backward([1], scores)[1]).toEqual(Float64Array.of(-Infinity, 0, 0));
  });

  it("take no steps, one step, no labels", () => {
    expect(forward([], input([], [0, 3]))).toEqual([]);
    expect(backward([], input([], [0, 3]))).toEqual([]);
    expect(forward([], [[0, 0]])).toEqual([Float64Array.of(-Math.LN2)]);
    expect(backward([], [[0, 0]])).toEqual([Float64Array.of(0)]);
  });

  it("refuse what they cannot use", () => {
    expect(() => forward([1], [[[1, 2]]])).toThrow(ShapeError);
    expect(() => forward([1], [[[1, 2]]])).toThrow(/forward takes scores of shape \[steps, symbols\].* \[1, 1, 2\]/);
    expect(() => backward([2], [[1, 2]])).toThrow(ValueError);
    expect(() => backward([0], [[1, 2]])).toThrow(/blank, 0, as a label/);
    expect(() => forward([1], [[1, 2]], { blank: 2 })).toThrow(/blank 2/);
    expect(() => forward([1], [[Number.NaN, 2]])).toThrow(/step 0/);
  });
});
