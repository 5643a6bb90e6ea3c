import { seed } from "flimsy-ml";
import { describe, expect, test } from "vitest";
import { batches, errorRates, spoken, symbols, words } from "../../examples/cmudict.ts";

const { train, test: heldOut } = words(Infinity, 2000);

describe("words", () => {
  test("have letters and phonemes in range", () => {
    const right = (phonemes: readonly number[]) => phonemes.length > 0 && phonemes.every((k) => Number.isInteger(k) && k > 0 && k < symbols);
    const wrong = [...train, ...heldOut].filter(({ spelling, letters, pronunciations }) =>
      String.fromCharCode(...letters.map((k) => k + 97)) !== spelling || pronunciations.length === 0 || !pronunciations.every(right));
    expect(wrong).toEqual([]);
  });

  test("of the test are not trained on", () => {
    const known = new Set(train.map(({ spelling }) => spelling));
    expect(known.size).toBe(train.length);
    expect(heldOut.filter(({ spelling }) => known.has(spelling))).toEqual([]);
    expect(heldOut).toHaveLength(2000);
    expect(train.length).toBeGreaterThan(100_000);
  });

  test("are the same at every call, and fewer of them are the first of more", () => {
    seed(5);
    const again = words(100, 2000);
    expect(again.test).toEqual(heldOut);
    expect(again.train).toEqual(train.slice(0, 100));
  });

  test("come with all pronunciations, without stress marks", () => {
    const found = new Map([...train, ...heldOut].map((word) => [word.spelling, word.pronunciations.map(spoken)]));
    expect(found.get("speech")).toEqual(["S P IY CH"]);
    expect(found.get("read")).toEqual(["R EH D", "R IY D"]);
    expect(found.get("aalborg")).toEqual(["AO L B AO R G", "AA L B AO R G"]); // the first has a remark
    expect(found.has("aaa")).toBe(false); // triple a
  });
});

describe("batches", () => {
  test("hold each word at most once, full, and all nearly equally long", () => {
    seed(1);
    const found = [...batches(train.slice(0, 5000), 32)];
    const all = found.flat();
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(4000);
    for (const batch of found) {
      expect(batch).toHaveLength(32);
      for (const lengths of [batch.map(({ letters }) => letters.length), batch.map(({ pronunciations }) => pronunciations[0].length)]) {
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }
    }
    expect([...batches(train.slice(0, 5000), 32)]).not.toEqual(found); // another order at each pass
  });
});

describe("error rates", () => {
  test("count the nearest pronunciation", () => {
    const word = (...pronunciations: number[][]) => ({ spelling: "", letters: [], pronunciations });
    const test = [word([1, 2, 3], [1, 2, 4, 5]), word([7, 8])];
    // One of four phonemes of the first word is missing; of the second, one of two is wrong.
    expect(errorRates(test, [[1, 2, 4], [7, 9]])).toEqual({ phonemes: 2 / 5, words: 1 });
    expect(errorRates(test, [[1, 2, 4, 5], [7, 8]])).toEqual({ phonemes: 0, words: 0 });
  });
});
