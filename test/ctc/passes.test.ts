import { describe, expect, it } from "vitest";
import { extended } from "../../src/ctc/extended.ts";
import { negativeLogLikelihoodOf } from "../../src/ctc/likelihood.ts";
import type { Passes } from "../../src/ctc/passes.ts";
import { scaled } from "../../src/ctc/scaled.ts";
import { Random } from "../../src/random/random.ts";
import { labellings, paths, randomLabels, randomScores } from "./brute-force.ts";

interface Found { loss: number; gradient: Float64Array }

/** By one kind of passes alone, or as they are used. */
function run(scores: readonly (readonly number[])[], labels: readonly number[], passes?: readonly Passes[], blank = 0): Found {
  const [steps, symbols] = [scores.length, scores[0].length];
  const data = Float64Array.from(scores.flat());
  const gradient = new Float64Array(steps * symbols);
  const loss = negativeLogLikelihoodOf(data, 0, steps, symbols, Float64Array.from(labels), 0, labels.length, blank, gradient, 0, passes);
  const alone = negativeLogLikelihoodOf(data, 0, steps, symbols, Float64Array.from(labels), 0, labels.length, blank, null, 0, passes);
  expect(alone).toBe(loss);
  return { loss, gradient };
}

const largestDifference = (a: Float64Array, b: Float64Array): number => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);

/** Each step rounds a few times, by 2⁻⁵³ of the numbers; the logarithms that make up the loss by 2⁻⁵³ of it. */
function expectSame(found: Found, expected: Found, steps: number): void {
  expect(Math.abs(found.loss - expected.loss)).toBeLessThan(2 ** -52 * (4 * steps + 4 * Math.abs(expected.loss)));
  expect(largestDifference(found.gradient, expected.gradient)).toBeLessThan(2 ** -52 * 8 * steps);
}

/** As a trained model has them: one symbol is almost certain at each step, and the labels come in their order, or nearly so. */
function peaked(random: Random, steps: number, symbols: number, labels: readonly number[], height: number): number[][] {
  const scores = randomScores(random, steps, symbols, 1);
  const places = new Map(labels.map((label, i) => [Math.floor(((i + 0.5) / labels.length) * steps), label]));
  scores.forEach((row, t) => { row[places.get(t) ?? 0] += height; });
  return scores;
}

const all = [["scaled", scaled], ["extended", extended]] as const;

describe.each(all)("%s passes", (_, passes) => {
  it("agree with a sum over all paths", () => {
    for (const [blank, steps] of [[0, 6], [1, 5], [2, 4], [0, 1]]) {
      const scores = randomScores(new Random(steps), steps, 3);
      const expected = labellings(scores, 3, blank);
      for (let length = 0; length <= steps; length++) {
        for (const labels of paths(3, length)) {
          if (labels.includes(blank)) continue;
          const likelihood = expected.get(labels.join())?.score;
          const { loss, gradient } = run(scores, labels, [passes], blank);
          // A few hundred paths, each a product and a sum that round.
          if (likelihood !== undefined) expect(loss).toBeCloseTo(-likelihood, 12);
          // Scaled passes cannot tell no path from one that they have lost.
          else if (passes === scaled) expect(loss).toBeNaN();
          else expect([loss, ...gradient.map(Math.abs)]).toEqual([Infinity, ...gradient.fill(0)]);
        }
      }
    }
  });

  it("have gradients that add up to nothing at each step", () => {
    const random = new Random(5);
    const scores = randomScores(random, 30, 6);
    const { gradient } = run(scores, randomLabels(random, 8, 6), [passes]);
    for (let t = 0; t < 30; t++) expect(Math.abs(gradient.subarray(6 * t, 6 * t + 6).reduce((a, b) => a + b))).toBeLessThan(1e-14);
    expect(Math.max(...gradient.map(Math.abs))).toBeGreaterThan(0.1);
  });
});

describe("both passes", () => {
  it("give the same for ordinary utterances, without a refusal", () => {
    const random = new Random(7);
    for (const [steps, count, symbols, blank] of [
      [1, 1, 2, 0], [1, 0, 2, 1], [20, 5, 6, 0], [20, 10, 3, 2], [9, 5, 12, 3], [100, 20, 40, 0], [150, 40, 28, 27], [300, 0, 5, 0],
    ]) {
      for (const size of [0.01, 1, 3, 10, 30]) {
        const scores = randomScores(random, steps, symbols, size);
        const labels = randomLabels(random, count, symbols, blank);
        const expected = run(scores, labels, [extended], blank);
        if (expected.loss === Infinity) continue;
        const found = run(scores, labels, [scaled], blank);
        expectSame(found, expected, steps);
        // These are what is used.
        expect(run(scores, labels, undefined, blank)).toEqual(found);
      }
    }
  });

  it("give the same for the scores of trained models, however long", () => {
    const random = new Random(8);
    for (const [steps, count, height] of [[100, 20, 5], [200, 30, 20], [1000, 100, 12], [3000, 300, 15]]) {
      const labels = randomLabels(random, count, 12);
      const scores = peaked(random, steps, 12, labels, height);
      expectSame(run(scores, labels, [scaled]), run(scores, labels, [extended]), steps);
      // Some labels missed, some wrong.
      labels.splice(3, 2, 1);
      expectSame(run(scores, labels, [scaled]), run(scores, labels, [extended]), steps);
    }
  });

  it("give the same, or the scaled ones refuse, whatever the scores are", () => {
    const random = new Random(9);
    const served = { yes: 0, no: 0 };
    for (let round = 0; round < 400; round++) {
      const [steps, symbols] = [random.integer(1, 80), random.integer(2, 8)];
      const labels = randomLabels(random, random.integer(0, 1 + Math.ceil(steps / 2)), symbols);
      const size = 10 ** random.uniform(-1, 3);
      // Some scores lie far from the others, some are −∞.
      const scores = randomScores(random, steps, symbols, size).map((row) => row.map((x) => {
        const which = random.uniform();
        return which < 0.02 ? x - 600 * random.uniform() : which < 0.03 && size > 100 ? -Infinity : x;
      }));
      if (scores.some((row) => row.every((x) => x === -Infinity))) continue;
      const expected = run(scores, labels, [extended]);
      const found = run(scores, labels, [scaled]);
      if (Number.isNaN(found.loss)) served.no++;
      else {
        served.yes++;
        expectSame(found, expected, steps);
      }
      expect(run(scores, labels)).toEqual(Number.isNaN(found.loss) ? expected : found);
    }
    // Both happen, so the comparison above was one.
    expect(served.yes).toBeGreaterThan(100);
    expect(served.no).toBeGreaterThan(50);
  });

  it("give the same where columns of the table are computed again", () => {
    const random = new Random(10);
    // 8000 columns of 2 · 80 + 4 numbers are more than 2²⁰.
    const labels = randomLabels(random, 80, 6);
    const scores = peaked(random, 8000, 6, labels, 8);
    expectSame(run(scores, labels, [scaled]), run(scores, labels, [extended]), 8000);
  });
});

describe("scaled passes refuse", () => {
  const refused = (scores: number[][], labels: number[]) => {
    const { loss } = run(scores, labels, [scaled]);
    expect(loss).toBeNaN();
    const [used, expected] = [run(scores, labels), run(scores, labels, [extended])];
    expect(used).toEqual(expected);
    return used.loss;
  };

  it("emissions that float64 hardly holds", () => {
    expect(refused([[0, -700], [0, -700]], [1])).toBeCloseTo(700 - Math.LN2, 10);
    expect(refused([[0, -Infinity], [0, 0]], [1])).toBeCloseTo(Math.LN2, 15);
    expect(refused([[0, -1e30], [0, -1e30]], [1])).toBe(1e30);
    // But not of symbols that are not the target's.
    expect(run([[0, 0, -Infinity], [0, 0, -1e9]], [1], [scaled]).loss).toBeCloseTo(Math.log(4 / 3), 14);
  });

  it("numbers that lose digits", () => {
    // The only path takes 2⁻⁷⁸⁰ twice, once from 2⁵⁰⁰: 2⁻¹⁰⁶⁰ has 14 digits left.
    const improbable = -780 * Math.LN2;
    expect(refused([[0, improbable, improbable], [0, improbable, improbable]], [1, 2])).toBe(-2 * improbable);
    // 2⁻⁹⁰⁰ has all of them.
    const less = -700 * Math.LN2;
    expect(run([[0, less, less], [0, less, less]], [1, 2], [scaled]).loss).toBeCloseTo(-2 * less, 12);
  });

  it("a beginning that the end makes improbable", () => {
    // Blanks are so probable at first that all else leaves the range, and then they are not.
    const labels = Array.from({ length: 100 }, (_, i) => 1 + (i % 3));
    const scores = Array.from({ length: 200 }, (_, t) => (t < 100 ? [30, 0, 0, 0] : [-30, 0, 0, 0]));
    expect(run(scores, labels, [scaled]).loss).not.toBeNaN(); // there is time for the labels afterwards
    expect(refused(scores.slice(0, 150), labels)).toBeGreaterThan(1000); // there is not
  });

  it("random scores of very many steps", () => {
    const random = new Random(11);
    refused(randomScores(random, 3000, 5, 10), randomLabels(random, 100, 5));
  });

  it("what no path spells", () => {
    expect(refused([[0, 0], [0, 0]], [1, 1])).toBe(Infinity);
  });
});

it("needs no passes for more labels than steps", () => {
  run(randomScores(new Random(12), 9, 4), [1, 2, 3, 1, 2, 3, 1]);
  const { loss, gradient } = run([[0, 0, 0, 0], [0, 0, 0, 0]], [1, 2, 3, 1, 2, 3, 1]);
  expect([loss, ...gradient]).toEqual([Infinity, 0, 0, 0, 0, 0, 0, 0, 0]);
});
