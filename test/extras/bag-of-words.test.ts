import { expect, it } from "vitest";
import { bagOfWords } from "../../src/extras/index.ts";
import { ValueError } from "../../src/index.ts";

it("says which words are there, once", () => {
  expect(bagOfWords([3, 0, 3], 5).toArray()).toEqual([1, 0, 0, 1, 0]);
  expect(bagOfWords(Int32Array.of(1), 2).toArray()).toEqual([0, 1]);
  expect(bagOfWords([], 3).toArray()).toEqual([0, 0, 0]);
});

it("takes a list of texts, some of them empty", () => {
  expect(bagOfWords([[1, 1], [], [0, 2]], 3).toArray()).toEqual([[0, 1, 0], [0, 0, 0], [1, 0, 1]]);
  expect(bagOfWords([Int32Array.of(0), [1]], 2).toArray()).toEqual([[1, 0], [0, 1]]);
});

it("counts if asked to", () => {
  expect(bagOfWords([[1, 1, 0], [2]], 3, { counts: true }).toArray()).toEqual([[1, 2, 0], [0, 0, 1]]);
});

it.each<[string, () => unknown]>([
  ["an index that is too large", () => bagOfWords([3], 3)],
  ["a negative index", () => bagOfWords([[0], [-1]], 3)],
  ["half an index", () => bagOfWords([0.5], 3)],
  ["text", () => bagOfWords("words" as unknown as number[], 3)],
  ["a mixture", () => bagOfWords([1, [2]] as unknown as number[], 3)],
  ["no words", () => bagOfWords([], 0)],
])("refuses %s", (_, f) => { expect(f).toThrow(ValueError); });
