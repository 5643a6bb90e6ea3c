/** Nested lists: what `input` and the costs say of them is tested there. */

import { expect, it } from "vitest";
import { readNested } from "../../src/support/nested.ts";

const read = (nested: unknown) =>
  readNested(nested, (entry) => typeof entry === "number", (entry, place, expected) =>
    new RangeError(`${JSON.stringify(entry)} at [${place}] for ${expected}`));

it.each<[unknown, number[], number[]]>([
  [3, [3], []], [[], [], [0]], [[1, 2], [1, 2], [2]], [[[1, 2, 3], [4, 5, 6]], [1, 2, 3, 4, 5, 6], [2, 3]], [[[], []], [], [2, 0]],
  [[Float32Array.of(0.5), [1]], [0.5, 1], [2, 1]], [[BigInt64Array.of(7n)], [7], [1, 1]], [[[[1]], [[2]]], [1, 2], [2, 1, 1]],
])("lists are read: %#", (nested, values, shape) => { expect(read(nested)).toEqual({ values: Float64Array.from(values), shape }); });

it.each([
  ["1", '"1" at [] for null'], [[1, "2"], '"2" at [1] for null'], [[1, [2]], "[2] at [1] for null"], [[[1], 2], "2 at [1] for 1"],
  [[[1, 2], [3]], "[3] at [1] for 2"], [[[[1], [2]], [[3], [4, 5]]], "[4,5] at [1,1] for 1"], [[[1], new DataView(new ArrayBuffer(1))], "{} at [1] for 1"],
])("what is wrong is told with its place: %#", (nested, message) => { expect(() => read(nested)).toThrow(new RangeError(message)); });
