import { describe, expect, it } from "vitest";
import { align, trim } from "../../src/ctc/index.ts";
import { ShapeError, ValueError } from "../../src/support/errors.ts";
import { input } from "../../src/index.ts";
import { Random } from "../../src/random/random.ts";
import { labellings, pathScore, randomLabels, randomScores } from "./brute-force.ts";

describe("align", () => {
  it.each([0, 1, 2])("finds the best of all paths that spell the labels, blank %i", (blank) => {
    const scores = randomScores(new Random(blank), 6, 3);
    for (const [key, { best }] of labellings(scores, 3, blank)) {
      const labels = key === "" ? [] : key.split(",").map(Number);
      const [{ path, spans, score }] = align(scores, labels, { blank });
      expect(trim(path, blank)).toEqual(labels);
      expect(score).toBeCloseTo(best, 12);
      expect(pathScore(scores, path)).toBeCloseTo(best, 12);
      // The spans say the same as the path.
      const rebuilt = new Array<number>(6).fill(blank);
      spans.forEach(([start, end], i) => { rebuilt.fill(labels[i], start, end); });
      expect(rebuilt).toEqual(path);
      expect(spans).toHaveLength(labels.length);
      spans.forEach(([start, end], i) => { expect(start).toBeGreaterThanOrEqual(i === 0 ? 0 : spans[i - 1][1]); expect(end).toBeGreaterThan(start); });
    }
  });

  it("shows where labels are", () => {
    const high = (k: number) => [0, 0, 0].map((_, i) => (i === k ? 9 : 0));
    const [{ path, spans }] = align([0, 1, 1, 0, 1, 2].map(high), [1, 1, 2]);
    expect(path).toEqual([0, 1, 1, 0, 1, 2]);
    expect(spans).toEqual([[1, 3], [4, 5], [5, 6]]);
  });

  it("takes batches with lengths of their own", () => {
    const random = new Random(9);
    const utterances = [4, 7, 0, 1].map((steps) => randomScores(random, steps, 4));
    const targets = [2, 3, 0, 1].map((length) => randomLabels(random, length, 4));
    const padded = utterances.map((scores) => [...scores, ...Array.from({ length: 7 - scores.length }, () => [NaN, NaN, NaN, NaN])]);
    const found = align(padded, targets, { inputLengths: [4, 7, 0, 1] });
    expect(found).toHaveLength(4);
    utterances.forEach((scores, i) => { if (scores.length > 0) expect(found[i]).toEqual(align(scores, targets[i])[0]); });
    expect(found[2]).toEqual({ path: [], spans: [], score: 0 });
  });

  it("refuses what no path spells, or says so", () => {
    expect(() => align([[0, 0], [0, 0]], [1, 1])).toThrow(ValueError);
    expect(() => align([[0, 0], [0, 0]], [1, 1])).toThrow(/align got a target of 2 labels for utterance 0, which needs 3 steps .* has 2/);
    expect(align([[0, 0], [0, 0]], [1, 1], { infeasible: "infinity" })).toEqual([{ path: [], spans: [], score: -Infinity }]);
    expect(align([[0, -Infinity]], [1])).toEqual([{ path: [], spans: [], score: -Infinity }]);
    expect(() => align(input([[0, 0]]), [[1]])).toThrow(ShapeError);
  });

  it("takes 10,000 steps", () => {
    const random = new Random(2);
    const labels = randomLabels(random, 100, 5);
    const [{ path, score }] = align(randomScores(random, 10_000, 5), labels);
    expect(trim(path)).toEqual(labels);
    expect(Number.isFinite(score)).toBe(true);
  });
});
