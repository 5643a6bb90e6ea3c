import { describe, expect, it } from "vitest";
import { backward, expand, forward, trim } from "../../src/ctc/index.ts";
import { negativeLogLikelihoodOf } from "../../src/ctc/likelihood.ts";
import { Random } from "../../src/random/random.ts";
import { labellings, logSoftmax, logSumExp, paths, randomLabels, randomScores } from "./brute-force.ts";

/** Loss and gradient, in float64. */
function run(scores: readonly (readonly number[])[], labels: readonly number[], blank = 0): { loss: number; gradient: number[][] } {
  const [steps, symbols] = [scores.length, scores[0]?.length ?? 3];
  // At an odd place, so that offsets count.
  const data = Float64Array.from([7, 7, 7, ...scores.flat()]);
  const gradient = new Float64Array(2 + steps * symbols).fill(7);
  const loss = negativeLogLikelihoodOf(data, 3, steps, symbols, Float64Array.from([9, ...labels]), 1, labels.length, blank, gradient, 2);
  expect([...gradient.subarray(0, 2)]).toEqual([7, 7]);
  const alone = negativeLogLikelihoodOf(data, 3, steps, symbols, Float64Array.from(labels), 0, labels.length, blank, null, 0);
  expect(alone).toBe(loss);
  return { loss, gradient: scores.map((_, t) => [...gradient.subarray(2 + t * symbols, 2 + (t + 1) * symbols)]) };
}

/** The same from the tables in log space. */
function fromTables(scores: number[][], labels: number[], blank = 0): { loss: number; gradient: number[][] } {
  const [a, b] = [forward(labels, scores, { blank }), backward(labels, scores, { blank })];
  const log = logSumExp([...a[a.length - 1].slice(-2)]);
  const states = expand(labels, blank);
  return {
    loss: -log,
    gradient: scores.map((row, t) => {
      const gradient = logSoftmax(row).map(Math.exp);
      if (log === -Infinity) return gradient.fill(0);
      states.forEach((k, s) => { gradient[k] -= Math.exp(a[t][s] + b[t][s] - log); });
      return gradient;
    }),
  };
}

function largestDifference(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  let largest = 0;
  a.forEach((row, t) => row.forEach((x, k) => {
    const difference = Math.abs(x - b[t][k]);
    if (!(difference <= largest)) largest = difference;
  }));
  return largest;
}

describe("negativeLogLikelihoodOf", () => {
  it("agrees with a sum over all paths", () => {
    for (const [blank, steps] of [[0, 6], [1, 5], [2, 4], [0, 1]]) {
      const scores = randomScores(new Random(steps), steps, 3);
      const expected = labellings(scores, 3, blank);
      for (let length = 0; length <= steps; length++) {
        for (const labels of paths(3, length)) {
          if (labels.includes(blank)) continue;
          const likelihood = expected.get(labels.join())?.score;
          const { loss, gradient } = run(scores, labels, blank);
          if (likelihood === undefined) {
            expect(loss).toBe(Infinity);
            expect(gradient.flat().every((x) => x === 0)).toBe(true);
          } else expect(loss).toBeCloseTo(-likelihood, 12);
        }
      }
    }
  });

  it("has the gradient of the definition: how often all paths and those of the labels use a symbol", () => {
    const [blank, symbols] = [1, 3];
    const scores = randomScores(new Random(3), 5, symbols);
    const rows = scores.map(logSoftmax);
    const labels = [2, 2];
    const weights = paths(symbols, 5).filter((path) => trim(path, blank).join() === labels.join())
      .map((path) => ({ path, weight: Math.exp(path.reduce((sum, k, t) => sum + rows[t][k], 0)) }));
    const total = weights.reduce((sum, { weight }) => sum + weight, 0);
    const expected =
      rows.map((row, t) => row.map((x, k) => Math.exp(x) - weights.reduce((sum, { path, weight }) => sum + (path[t] === k ? weight : 0), 0) / total));
    expect(largestDifference(run(scores, labels, blank).gradient, expected)).toBeLessThan(1e-14);
  });

  it("agrees with the tables, for scores of any size", () => {
    const random = new Random(4);
    for (const size of [0.01, 1, 10, 100, 1e3, 1e4, 1e6]) {
      for (const [steps, count, symbols, blank] of [[20, 5, 6, 0], [20, 10, 3, 2], [40, 1, 5, 1], [7, 0, 4, 3], [50, 24, 28, 27]]) {
        const scores = randomScores(random, steps, symbols, size);
        const labels = randomLabels(random, count, symbols, blank);
        const found = run(scores, labels, blank);
        const expected = fromTables(scores, labels, blank);
        if (expected.loss === Infinity) {
          expect(found.loss).toBe(Infinity);
          continue;
        }
        // The logarithms of the tables are as large as the loss, and so are their rounding errors.
        expect(Math.abs(found.loss - expected.loss)).toBeLessThan(1e-14 * steps * Math.max(1, expected.loss));
        expect(largestDifference(found.gradient, expected.gradient)).toBeLessThan(1e-14 * steps * Math.max(1, size));
      }
    }
  });

  it("takes scores of −∞ as symbols that cannot be", () => {
    const no = -Infinity;
    // Only 1 0 2 is possible.
    const { loss, gradient } = run([[no, 0, no], [0, no, no], [no, no, 0]], [1, 2]);
    expect(loss).toBeCloseTo(0, 15);
    expect(gradient.flat().every((x) => Math.abs(x) < 1e-15)).toBe(true);
    // No path is.
    const none = run([[no, 0, no], [0, no, no], [no, no, 0]], [2, 1]);
    expect(none.loss).toBe(Infinity);
    expect(none.gradient.flat().every((x) => x === 0)).toBe(true);
    // Some are.
    const scores = [[0.5, 1, no], [no, 1, 2], [1, no, 3], [0.1, 0.2, 0.3]];
    const found = run(scores, [1, 2]);
    const expected = fromTables(scores, [1, 2]);
    expect(found.loss).toBeCloseTo(expected.loss, 13);
    expect(largestDifference(found.gradient, expected.gradient)).toBeLessThan(1e-13);
  });

  it("takes differences that no exponential can hold", () => {
    // The only path takes the improbable symbol at each step.
    expect(run([[0, -1e30], [0, -1e30]], [1, 1].slice(0, 1)).loss).toBeCloseTo(1e30, -17);
    expect(run([[0, -1e300, 0], [0, 0, -1e300]], [1, 2]).loss).toBe(2e300);
    for (const x of [1.1e12, 1.3e13, 3.7e15, 7.9e30, 1.23e200]) expect(run([[0, -x, 0], [0, 0, -x]], [1, 2]).loss / (2 * x + 2 * Math.LN2)).toBeCloseTo(1, 14);
    const { loss, gradient } = run([[1e4, 0, 0], [1e4, 0, 0], [1e4, 0, 0]], [1, 2]);
    expect(loss).toBeCloseTo(2e4 - Math.log(3), 8);
    // Of three steps two are for labels; the blank is in each place with probability ⅓, and the labels share the rest.
    const expected = [[1 - 1 / 3, -2 / 3, 0], [1 - 1 / 3, -1 / 3, -1 / 3], [1 - 1 / 3, 0, -2 / 3]];
    expect(largestDifference(gradient, expected)).toBeLessThan(1e-9);
  });

  it("keeps what is far below the most probable beginning", () => {
    // After 400 steps in which blanks are e¹⁰ times as probable as labels, 200 labels have to fit into 400 steps of no blanks.
    const steps = 800;
    const labels = Array.from({ length: 200 }, (_, i) => 1 + (i % 3));
    const scores = Array.from({ length: steps }, (_, t) => (t < 400 ? [10, 0, 0, 0] : [-1000, 0, 0, 0]));
    const found = run(scores, labels);
    const expected = fromTables(scores, labels);
    expect(found.loss).toBeCloseTo(expected.loss, 8);
    expect(largestDifference(found.gradient, expected.gradient)).toBeLessThan(1e-9);
  });

  it("takes no steps", () => {
    expect(run([], []).loss).toBe(0);
    expect(run([], [1]).loss).toBe(Infinity);
  });

  it("says NaN where scores are none", () => {
    for (const bad of [[Number.NaN, 0, 0], [0, 0, Number.NaN], [Infinity, 0, 0], [-Infinity, -Infinity, -Infinity]]) {
      const { loss, gradient } = run([[1, 2, 3], bad], [1]);
      expect(loss).toBeNaN();
      expect(gradient.flat().every(Number.isNaN)).toBe(true);
    }
    // And is itself again afterwards.
    expect(run([[0, 0]], [1]).loss).toBeCloseTo(Math.LN2, 15);
  });

  describe("for 10,000 steps", () => {
    const steps = 10_000;
    /** log n! */
    const logFactorial = new Float64Array(2 * steps + 2);
    for (let n = 1; n < logFactorial.length; n++) logFactorial[n] = logFactorial[n - 1] + Math.log(n);
    const logBinomial = (n: number, k: number) => logFactorial[n] - logFactorial[k] - logFactorial[n - k];

    it.each([0, 1, 100, 1000, 10_000])("counts paths exactly with %i labels", (count) => {
      // Labels without repeats have C(T + L, 2L) paths of T steps; here all have the same probability 4⁻ᵀ.
      const labels = Float64Array.from({ length: count }, (_, i) => 1 + (i % 3));
      const loss = negativeLogLikelihoodOf(new Float64Array(steps * 4), 0, steps, 4, labels, 0, count, 0, null, 0);
      const expected = steps * Math.log(4) - logBinomial(steps + count, 2 * count);
      // Each step rounds once or twice, as does each logarithm in the expected value.
      expect(Math.abs(loss - expected) / expected).toBeLessThan(1e-12);
    });

    it("agrees with the tables, of which it keeps only some columns", () => {
      const random = new Random(6);
      const scores = randomScores(random, steps, 5, 4);
      const labels = randomLabels(random, 55, 5);
      const found = run(scores, labels);
      const expected = fromTables(scores, labels);
      expect(Math.abs(found.loss - expected.loss) / expected.loss).toBeLessThan(1e-12);
      // The tables round logarithms of some 10⁴ to 10⁻¹², at each of 10⁴ steps.
      expect(largestDifference(found.gradient, expected.gradient)).toBeLessThan(1e-8);
    });
  });
});
