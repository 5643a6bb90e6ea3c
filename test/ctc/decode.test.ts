import { describe, expect, it } from "vitest";
import { beamSearch, greedy, trim } from "../../src/ctc/index.ts";
import { ShapeError, ValueError } from "../../src/support/errors.ts";
import { input, log } from "../../src/index.ts";
import { Random } from "../../src/random/random.ts";
import { labellings, logSumExp, randomScores } from "./brute-force.ts";

/** Two steps with blank .6, a .4: the best path is all blanks (.36), but "a" has three paths (.64). */
const spread = [[0.6, 0.4], [0.6, 0.4]].map((row) => row.map(Math.log));

describe("greedy", () => {
  it("follows the largest scores", () => {
    const [{ labels, score }] = greedy(spread);
    expect(labels).toEqual([]);
    expect(score).toBeCloseTo(Math.log(0.36), 12);
    expect(greedy(log(input([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])))[0].labels).toEqual([1, 1, 2]);
    expect(greedy([[9, 0], [0, 9]], { blank: 1 })[0].labels).toEqual([0]);
  });

  it("takes batches with lengths of their own, and no steps", () => {
    const high = (k: number): number[] => [0, 0, 0].map((_, i) => (i === k ? 9 : 0));
    const scores = [[1, 0, 1, 2].map(high), [2, 2, 1, 1].map(high)];
    scores[1][2] = scores[1][3] = [NaN, NaN, NaN];
    expect(greedy(scores, { inputLengths: Int32Array.of(4, 2) }).map(({ labels }) => labels)).toEqual([[1, 1, 2], [2]]);
    expect(greedy(input([], [0, 3]))).toEqual([{ labels: [], score: 0 }]);
    expect(greedy(input([], [0, 5, 3]))).toEqual([]);
  });

  it("refuses what is no distribution", () => {
    for (const bad of [NaN, Infinity]) expect(() => greedy([[0, 0], [bad, 0]])).toThrow(/greedy got scores of utterance 0 at step 1/);
    expect(() => greedy([[-Infinity, -Infinity]])).toThrow(ValueError);
    expect(() => greedy([1, 2])).toThrow(ShapeError);
    expect(() => greedy([[1, 2]], { blank: 2 })).toThrow(/greedy got blank 2 for scores of shape \[1, 2\]/);
    expect(() => greedy([[1, 2]], { inputLengths: 2 })).toThrow(/greedy got 2 in inputLengths for utterance 0: .* 0 to 1/);
    expect(() => greedy([[1, 2]], { inputLengths: [1, 1] })).toThrow(ShapeError);
  });
});

describe("beamSearch", () => {
  it("adds up the paths of labels", () => {
    const [[{ labels, score }]] = beamSearch(spread);
    expect(labels).toEqual([1]);
    expect(score).toBeCloseTo(Math.log(0.64), 12);
  });

  it.each([[0, 5, 1], [1, 5, 3], [2, 4, 10]])("is exact with a wide beam: blank %i, %i steps, scores to %i", (blank, steps, size) => {
    const scores = randomScores(new Random(steps + size), steps, 3, size);
    const expected = [...labellings(scores, 3, blank)].map(([key, { score }]) => ({ labels: key === "" ? [] : key.split(",").map(Number), score }))
      .sort((a, b) => b.score - a.score);
    const [found] = beamSearch(scores, { blank, width: 1000, top: 1000 });
    expect(found).toHaveLength(expected.length);
    found.forEach(({ labels, score }, i) => {
      expect(labels).toEqual(expected[i].labels);
      expect(score).toBeCloseTo(expected[i].score, 11);
    });
    expect(logSumExp(found.map(({ score }) => score))).toBeCloseTo(0, 12);
  });

  it("follows fewer prefixes in a narrow beam, with scores that are at most exact", () => {
    const random = new Random(7);
    for (let i = 0; i < 20; i++) {
      const scores = randomScores(random, 6, 3);
      const exact = labellings(scores, 3, 0);
      let before = -Infinity;
      for (const width of [1, 2, 4, 8, 500]) {
        const hypotheses = beamSearch(scores, { width, top: width })[0];
        expect(hypotheses.length).toBeLessThanOrEqual(width);
        expect(new Set(hypotheses.map(({ labels }) => labels.join())).size).toBe(hypotheses.length);
        for (const { labels, score } of hypotheses) expect(score).toBeLessThanOrEqual((exact.get(labels.join())?.score ?? NaN) + 1e-12);
        if (width === 500) expect(hypotheses[0].score).toBeGreaterThanOrEqual(before - 1e-12);
        before = Math.max(before, hypotheses[0].score);
      }
    }
  });

  it("counts nothing twice of a prefix that was dropped and comes back", () => {
    const random = new Random(17);
    for (let i = 0; i < 100; i++) {
      const scores = randomScores(random, 7, 3, 2);
      const exact = labellings(scores, 3, 0);
      for (const width of [2, 3, 4]) {
        for (const { labels, score } of beamSearch(scores, { width, top: width })[0]) {
          expect(score).toBeLessThanOrEqual((exact.get(labels.join())?.score ?? NaN) + 1e-12);
        }
      }
    }
  });

  it("adds what a language model says once for each label", () => {
    const random = new Random(8);
    const scores = randomScores(random, 5, 3);
    const bonus = [[0, 0.3, -0.7], [0, -0.2, 0.9], [0, 0.4, 0.1]]; // by the label before (0 at the start) and the next
    const model = (prefix: readonly number[], label: number) => bonus[prefix.at(-1) ?? 0][label];
    const expected = new Map([...labellings(scores, 3, 0)].map(([key, { score }]) => {
      const labels = key === "" ? [] : key.split(",").map(Number);
      return [key, score + labels.reduce((sum, label, i) => sum + model(labels.slice(0, i), label), 0)];
    }));
    const [found] = beamSearch(scores, { width: 1000, top: 1000, languageModel: model });
    expect(found).toHaveLength(expected.size);
    for (const { labels, score } of found) expect(score).toBeCloseTo(expected.get(labels.join()) ?? NaN, 11);
  });

  it("asks a language model once for each prefix and label, or for all labels of a prefix", () => {
    const scores = randomScores(new Random(9), 12, 4);
    const weight = (prefix: readonly number[], label: number) => Math.sin(7 * label + prefix.reduce((sum, each, i) => sum + each * (i + 1), 0));
    const asked: string[] = [];
    const one = beamSearch(scores, { width: 40, top: 3, languageModel: (prefix, label) => {
      asked.push(`${prefix.join()} > ${label}`);
      return weight(prefix, label);
    } });
    // What has fallen out of the beam and comes back is asked again: here nothing much.
    expect(asked.length).toBeLessThan(1.1 * new Set(asked).size);
    let rows = 0;
    const all = beamSearch(scores, { width: 40, top: 3, languageModel: (prefix) => {
      rows++;
      return Float64Array.from({ length: 4 }, (_, label) => (label === 0 ? NaN : weight(prefix, label)));
    } });
    expect(all).toEqual(one);
    expect(rows).toBeLessThan(asked.length / 2); // three labels each; one that is repeated is not asked before there is a blank
    expect(() => beamSearch(spread, { languageModel: () => [1] })).toThrow("must return one number, or one for each of 2 symbols, but returned 1 after [].");
    expect(() => beamSearch(spread, { languageModel: () => [0, Infinity] })).toThrow(/returned Infinity for 1 after \[\]/);
    expect(() => beamSearch(spread, { languageModel: () => "1" as never })).toThrow(ValueError);
  });

  it("does not go where the language model forbids it", () => {
    const [found] = beamSearch(randomScores(new Random(1), 5, 3), { width: 100, top: 100, languageModel: (_, label) => (label === 2 ? -Infinity : 0) });
    expect(found.map(({ labels }) => labels).every((labels) => !labels.includes(2))).toBe(true);
    expect(() => beamSearch(spread, { languageModel: () => NaN })).toThrow(/languageModel .* returned NaN for 1 after \[\]/);
  });

  it("takes symbols that cannot be, batches, lengths, no steps", () => {
    const scores = [[[0, -Infinity, 0], [0, -Infinity, 1]], [[-Infinity, 0, -Infinity], [NaN, 0, 0]]];
    const found = beamSearch(scores, { width: 50, top: 50, inputLengths: [2, 1] });
    expect(found[0].map(({ labels }) => labels.join()).sort()).toEqual(["", "2"]);
    expect(found[1]).toEqual([{ labels: [1], score: 0 }]);
    expect(beamSearch(input([], [0, 3]))).toEqual([[{ labels: [], score: 0 }]]);
  });

  it("refuses a beam that cannot be", () => {
    expect(() => beamSearch(spread, { width: 0 })).toThrow(/width, but got 0/);
    expect(() => beamSearch(spread, { top: 1.5 })).toThrow(ValueError);
    expect(() => beamSearch(spread, { width: 2, top: 3 })).toThrow(/3 hypotheses from a beam of 2/);
  });

  it("takes 2000 steps", () => {
    const [[{ labels, score }]] = beamSearch(randomScores(new Random(3), 2000, 6), { width: 8 });
    expect(trim(labels).length).toBeGreaterThan(0);
    expect(Number.isFinite(score)).toBe(true);
  });
});
