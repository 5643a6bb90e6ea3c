import { describe, expect, it } from "vitest";
import { editDistance, errorRate, errorRateAsync, tokenErrorRate } from "../../src/extras/index.ts";
import { argmax, DeviceError, input, Random, ShapeError, ValueError } from "../../src/index.ts";
import { onBoth, unwaited } from "../devices/unwaited.ts";

describe("errorRate", () => {
  it("is the share of wrong answers", () => {
    expect(errorRate([1, 0, 2, 2], [1, 1, 2, 0])).toBe(0.5);
    expect(errorRate(argmax(input([[0, 1], [1, 0], [0, 1]])), Int32Array.of(1, 1, 1))).toBe(1 / 3);
    expect(errorRate(input([[1, 0], [0, 1]]), [[1, 1], [0, 1]])).toBe(0.25);
    expect(errorRate(3, input(3))).toBe(0);
    expect(errorRate([NaN, 1], [0, 1])).toBe(0.5);
  });

  it("counts all labels of sequences of different lengths alike", () => {
    expect(errorRate([[1, 0, 1], input([1]), Int32Array.of()], [[1, 1, 1], [0], []])).toBe(0.5);
  });

  it("refuses what does not fit, and says where", () => {
    expect(() => errorRate([1, 2], [1])).toThrow(new ShapeError("errorRate got 2 predictions for 1 labels: there must be one for each."));
    expect(() => errorRate([[1], [[1], [2, 3]]], [[1], [[1], [2]]])).toThrow("errorRate got 2 predictions for 1 labels at 1, 1: there must be one for each.");
    expect(() => errorRate([[1], [2]], [1, 2])).toThrow(ShapeError);
    expect(() => errorRate(input([[1], [2]]), [1, 2])).toThrow("got a list as prediction where the label is a number at 0");
    expect(() => errorRate([], [])).toThrow(ValueError);
    for (const bad of ["1", null, undefined, [1, "2"], [true, false], new DataView(new ArrayBuffer(2)), { length: 0 }]) {
      expect(() => errorRate(bad as never, [1, 2])).toThrow(ValueError);
      expect(() => errorRate([1, 2], bad as never)).toThrow(ValueError);
    }
  });
});

describe("editDistance", () => {
  it("is that of known examples", () => {
    expect(editDistance("kitten", "sitting")).toBe(3);
    expect(editDistance("saturday", "sunday")).toBe(3);
    expect(editDistance("", "abc")).toBe(3);
    expect(editDistance([1, 2, 3], Int32Array.of())).toBe(3);
    expect(editDistance([1, 2, 3], [2, 3, 1])).toBe(2);
    expect(editDistance("a😀", "a😂")).toBe(1);
  });

  it("is what trying everything finds", () => {
    const tried = (a: number[], b: number[]): number => {
      if (a.length === 0 || b.length === 0) return a.length + b.length;
      const [, ...x] = a;
      const [, ...y] = b;
      return Math.min(tried(x, b) + 1, tried(a, y) + 1, tried(x, y) + (a[0] === b[0] ? 0 : 1));
    };
    const random = new Random(1);
    const word = () => Array.from({ length: random.integer(0, 6) }, () => random.integer(0, 3));
    for (let i = 0; i < 200; i++) {
      const [a, b] = [word(), word()];
      expect(editDistance(a, b)).toBe(tried(a, b));
      expect(editDistance(b, a)).toBe(tried(a, b));
    }
  });

  it("refuses what is no sequence", () => {
    expect(() => editDistance(3 as never, [3])).toThrow(ValueError);
    expect(() => editDistance([3], input([3]) as never)).toThrow("Read a Variable with .data");
  });
});

describe("tokenErrorRate", () => {
  it("divides all edit distances by the tokens of the references", () => {
    expect(tokenErrorRate([["the", "cat"], ["a"]], [["the", "cat", "sat"], ["a"]])).toBe(0.25);
    expect(tokenErrorRate([[1, 1, 1], []], [[2], []])).toBe(3);
    expect(tokenErrorRate(["kitten"], ["sitting"])).toBe(3 / 7);
  });

  it("refuses what does not fit", () => {
    expect(() => tokenErrorRate([[1]], [[1], [2]])).toThrow(ShapeError);
    expect(() => tokenErrorRate([[]], [[]])).toThrow("of none there is no share");
    expect(() => tokenErrorRate("a" as never, ["a"])).toThrow(ValueError);
    expect(() => tokenErrorRate([1] as never, [[1]])).toThrow(ValueError);
    expect(() => tokenErrorRate([[1]], [null] as never)).toThrow(ValueError);
  });
});

describe("errorRateAsync", () => {
  it("waits for the answers", async () => {
    expect(await onBoth(async () => {
      const scores = input([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]);
      return [await errorRateAsync(argmax(scores), [1, 0, 0]), await errorRateAsync([argmax(scores), [1]], [[1, 0, 1], argmax(scores.slice([1, 2]))])];
    })).toEqual([1 / 3, 1 / 4]);
    await expect(errorRateAsync([1], [1, 2])).rejects.toThrow(ShapeError);
    unwaited();
    expect(() => errorRate(argmax(input([1, 2])), 1)).toThrow(DeviceError);
  });
});
