/** Which operations are methods of a Variable. That a method does what the function does is tested with each. */

import { describe, expect, it } from "vitest";
import * as flimsy from "../../src/index.ts";
import { Variable } from "../../src/index.ts";
import { entries } from "./table/index.ts";

const methods = Object.getOwnPropertyNames(Variable.prototype).filter((name) => Object.hasOwn(entries, name));

/** A list, or what it has most to do with, is no method of one Variable. */
const functionsOnly = ["where", "linear", "affine", "embed", "scatterAdd", "oneHot", "concat", "stack", "conv2d", "maxPool2d", "layerNorm", "maskedSoftmax"];

describe("the methods of a Variable", () => {
  it("are all operations that take a Variable first", () => {
    const exported = Object.keys(entries).filter((name) => Object.hasOwn(flimsy, name));
    expect(exported.filter((name) => !methods.includes(name)).sort()).toEqual([...functionsOnly].sort());
  });

  it("chain", () => {
    const x = flimsy.input([[1, 2], [3, 4]]);
    expect(x.mul(2).add(1).sum(0).toArray()).toEqual([10, 14]);
    expect(x.transpose().slice(0).max().item()).toBe(3);
    expect(x.softmax(0).sum().item()).toBeCloseTo(2, 6);
    expect(x.decat().map((row) => row.sum().item())).toEqual([3, 7]);
  });

  it("are not enumerable, so that a Variable prints as what it is", () => {
    expect(Object.keys(Variable.prototype)).toEqual([]);
  });
});
