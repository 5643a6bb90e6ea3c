import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expand, stepsNeeded, trim } from "../../src/ctc/index.ts";

describe("expand", () => {
  it("puts the blank before, between and after labels", () => {
    expect(expand([2, 3, 3, 4], 1)).toEqual([1, 2, 1, 3, 1, 3, 1, 4, 1]);
    expect(expand([2])).toEqual([0, 2, 0]);
    expect(expand([])).toEqual([0]);
    expect(expand(Int32Array.of(5, 5), 7)).toEqual([7, 5, 7, 5, 7]);
  });
});

describe("trim", () => {
  it("merges equal neighbours, then drops blanks", () => {
    expect(trim([])).toEqual([]);
    expect(trim([1, 1], 1)).toEqual([]);
    expect(trim([2], 1)).toEqual([2]);
    expect(trim([1, 1, 2, 1], 1)).toEqual([2]);
    expect(trim([3, 4, 1, 2, 4, 1, 1, 3], 1)).toEqual([3, 4, 2, 4, 3]);
    expect(trim([2, 2, 0, 2], 0)).toEqual([2, 2]);
    expect(trim(Int32Array.of(1, 0, 0, 1, 1))).toEqual([1, 1]);
  });

  it("is the inverse of expand, whatever is repeated", () => {
    const labels = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 8 });
    fc.assert(fc.property(labels, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 17, maxLength: 17 }), (labels, times) => {
      const path = expand(labels).flatMap((symbol, i) => new Array<number>(times[i]).fill(symbol));
      expect(trim(path)).toEqual(labels);
    }));
  });
});

describe("stepsNeeded", () => {
  it("is one a label, and one between equal neighbours", () => {
    expect(stepsNeeded([])).toBe(0);
    expect(stepsNeeded([1])).toBe(1);
    expect(stepsNeeded([1, 2, 1])).toBe(3);
    expect(stepsNeeded([1, 1, 1])).toBe(5);
  });
});
