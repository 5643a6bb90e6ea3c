import { describe, expect, it } from "vitest";
import { minibatches } from "../../src/data/index.ts";
import { randn } from "../../src/index.ts";
import { samplesOf } from "../../src/train/batches.ts";

describe("the number of samples of a batch", () => {
  it.each<[string, unknown, number | null]>([
    ["a table", { x: randn([5, 2]), y: [0, 1, 0, 1, 1], z: new Int32Array(5) }, 5],
    ["an array of samples", [{ x: [1] }, { x: [2] }], 2],
    ["columns of different lengths", { x: randn([5, 2]), y: [0, 1] }, null],
    ["a table with something else", { x: randn([5, 2]), name: "a" }, null],
    ["a pair of Variables", [randn([5, 2]), randn([5])], null],
    ["a Variable", randn([5, 2]), null],
    ["a number", 3, null],
    ["nothing", null, null],
  ])("%s", (_, batch, count) => { expect(samplesOf(batch)).toBe(count); });

  it("is that of minibatches", () => {
    expect([...minibatches({ x: randn([5, 2]), y: [0, 1, 2, 3, 4] }, 3)].map(samplesOf)).toEqual([3, 2]);
  });
});
