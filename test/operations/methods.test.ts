/** What is a method too does what the function does. */

import { describe, expect, it } from "vitest";
import * as flimsy from "../../src/index.ts";
import { Variable } from "../../src/index.ts";
import { Tensor } from "./draw.ts";
import { forAll, functionOf, on, reference, tensorsIn, withVariables } from "./harness.ts";
import { asInput, specifications } from "./specifications.ts";

const methods = Object.getOwnPropertyNames(Variable.prototype).filter((name) => Object.hasOwn(specifications, name));

/** A list, or what it has most to do with, is no method of one Variable. */
const functionsOnly = ["where", "linear", "affine", "embed", "scatterAdd", "oneHot", "concat", "stack", "conv2d", "maxPool2d", "layerNorm", "maskedSoftmax"];

describe("the methods of a Variable", () => {
  it("are all operations that take a Variable first", () => {
    const exported = Object.keys(specifications).filter((name) => Object.hasOwn(flimsy, name));
    expect(exported.filter((name) => !methods.includes(name)).sort()).toEqual([...functionsOnly].sort());
  });

  it.each(methods)("%s does what the function of this name does", (name) => {
    forAll(8, 24, (draw) => {
      const args = specifications[name].draw(draw);
      if (!(args[0] instanceof Tensor)) return; // a number has no methods
      on(reference, () => {
        const variables = withVariables(args, new Map(tensorsIn(args).map((tensor) => [tensor, asInput(tensor)])));
        const [first, ...rest] = variables as [Record<string, (...x: unknown[]) => Variable | Variable[]>, ...unknown[]];
        // The specification of dropout has the seed of its generator; outside of training it is the identity.
        if (name === "dropout") rest[1] = new flimsy.Random(rest[1] as number);
        const both = [first[name](...rest), functionOf(name, specifications[name])(...variables)];
        const [byMethod, byFunction] = both.map((result) => [result].flat().map((v) => [v.shape, v.data]));
        expect(byMethod).toEqual(byFunction);
      });
    });
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
