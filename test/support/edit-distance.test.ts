/** Distances by hand; those of words with characters of two units are tested with `editDistance` of the extras. */

import { expect, it } from "vitest";
import { closest, editDistance } from "../../src/support/edit-distance.ts";

it.each([
  ["", "", 0], ["abc", "", 3], ["", "ab", 2], ["kitten", "sitting", 3], ["ab", "ba", 2], ["flaw", "lawn", 2],
])("editDistance(%j, %j) is %i", (a, b, distance) => {
  expect([editDistance(a, b), editDistance([...b], [...a])]).toEqual([distance, distance]);
});

it("the nearest names come first, however they are written, and those with nothing in common not at all", () => {
  expect(closest("Reducton", ["mask", "reduction", "reductions"])).toEqual(["reduction", "reductions"]);
  expect(closest("average", ["weight", "mask", "reduction"])).toEqual([]);
  expect(closest("x", ["y", "z"])).toEqual([]);
  expect(closest("learningrate", ["learningRate"])).toEqual(["learningRate"]);
  expect(closest("x".repeat(1_000_000), ["mask"])).toEqual([]);
});
