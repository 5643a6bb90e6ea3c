import { describe, expect, it } from "vitest";
import { expand } from "../../src/ctc/index.ts";
import { Lattice } from "../../src/ctc/lattice.ts";
import { Random } from "../../src/random/random.ts";
import { logSoftmax, randomLabels, randomScores } from "./brute-force.ts";

const latticeOf = (labels: readonly number[], blank: number, symbols: number, lattice = new Lattice()): Lattice => {
  lattice.setTarget(Float64Array.from([9, ...labels]), 1, labels.length, blank, symbols);
  return lattice;
};

describe("Lattice", () => {
  it("gives the states of a target slots, and says where a path may leave out a blank", () => {
    const { count, distinct, symbolOf, slots, skips } = latticeOf([3, 1, 1, 3], 2, 4);
    expect([count, distinct]).toEqual([4, 3]);
    expect([...symbolOf.subarray(0, 3)]).toEqual([2, 3, 1]);
    expect([...slots]).toEqual([0, 1, 0, 2, 0, 2, 0, 1, 0, 3]);
    expect([...skips]).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]);
  });

  it("has nothing left of the target before", () => {
    const lattice = new Lattice();
    const random = new Random(2);
    for (const [count, symbols, blank] of [[30, 9, 0], [2, 3, 1], [0, 2, 1], [5, 40, 7]]) {
      const labels = randomLabels(random, count, symbols, blank);
      latticeOf(labels, blank, symbols, lattice);
      const states = expand(labels, blank);
      expect(states.map((_, s) => lattice.symbolOf[lattice.slots[s]])).toEqual(states);
      expect(lattice.distinct).toBe(new Set(states).size);
      expect(lattice.slots[2 * count + 1]).toBe(lattice.distinct);
      for (let s = 0; s < 2 * count + 4; s++) expect(lattice.skips[s]).toBe(s % 2 === 1 && s > 1 && s < 2 * count && states[s] !== states[s - 2] ? 1 : 0);
    }
  });

  it("takes the softmax, wherever the scores lie", () => {
    const lattice = latticeOf([4, 1], 0, 5);
    const scores = randomScores(new Random(3), 7, 5);
    // Up and down by more than an exponential can take.
    const shifts = [0, 0.5, 1000, 990, -1e6, -1e6, 10];
    const moved = Float64Array.from([7, ...scores.flatMap((row, t) => row.map((x) => x + shifts[t]))]);
    const gradient = new Float64Array(2 + 35).fill(7);
    expect(lattice.setScores(moved, 1, 7, gradient, 2)).toBe(true);
    let least = 1;
    scores.forEach((row, t) => {
      const p = logSoftmax(row).map(Math.exp);
      // Sums with 10⁶ round scores to 10⁻¹⁰.
      p.forEach((x, k) => { expect(gradient[2 + t * 5 + k]).toBeCloseTo(x, 9); });
      [0, 4, 1].forEach((k, u) => { expect(lattice.probabilities[t * 4 + u]).toBe(gradient[2 + t * 5 + k]); });
      expect(lattice.probabilities[t * 4 + 3]).toBe(0);
      least = Math.min(least, ...lattice.probabilities.subarray(t * 4, t * 4 + 3));
      for (const k of [0, 4, 1]) expect(Math.exp(moved[1 + t * 5 + k] - lattice.shifts[t]) / lattice.sums[t]).toBeCloseTo(p[k], 9);
    });
    expect([...gradient.subarray(0, 2)]).toEqual([7, 7]);
    expect(lattice.least).toBe(least);
    const probabilities = [...lattice.probabilities];
    // The same where others were before, and without a gradient.
    latticeOf([3, 2, 0], 1, 5, lattice).setScores(new Float64Array(60), 0, 12, null, 0);
    latticeOf([4, 1], 0, 5, lattice);
    expect(lattice.setScores(moved, 1, 7, null, 0)).toBe(true);
    expect([...lattice.probabilities.subarray(0, 28)]).toEqual(probabilities);
    expect(lattice.least).toBe(least);
  });

  it("writes the gradient of the slots' symbols", () => {
    const lattice = latticeOf([3, 1], 2, 4);
    const gradient = new Float64Array(9).fill(7);
    lattice.setScores(Float64Array.of(0, 0, 0, 0, Math.log(4), Math.log(3), Math.log(2), 0), 0, 2, gradient, 1);
    lattice.occupancies.set([2, 1, 5]); // of 2, 3 and 1
    lattice.writeGradient(1, 8, gradient, 5);
    [7, 0.25, 0.25, 0.25, 0.25, 0.4, 0.3 - 5 / 8, 0.2 - 2 / 8, 0.1 - 1 / 8].forEach((x, k) => { expect(gradient[k]).toBeCloseTo(x, 14); });
  });

  it("tells what is no distribution", () => {
    const lattice = latticeOf([1], 0, 3);
    for (const bad of [[Number.NaN, 0, 0], [0, 0, Number.NaN], [0, Infinity, 0], [-Infinity, -Infinity, -Infinity]]) {
      expect(lattice.setScores(Float64Array.from(bad), 0, 1, null, 0)).toBe(false);
      expect(lattice.setScores(Float64Array.from([0, 1, 2, ...bad]), 0, 2, null, 0)).toBe(false);
    }
    expect(lattice.setScores(Float64Array.of(-Infinity, 0, 0), 0, 1, null, 0)).toBe(true);
    expect([...lattice.probabilities.subarray(0, 3)]).toEqual([0, 0.5, 0]);
    expect(lattice.least).toBe(0);
    expect(lattice.setScores(new Float64Array(0), 0, 0, null, 0)).toBe(true);
  });
});
