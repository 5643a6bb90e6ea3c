/** No operation may be forgotten: the table of specifications is compared with the registry and with the exports. */

import { describe, expect, it, vi } from "vitest";
import type { Operation } from "../../src/engine/operation.ts";
import * as flimsy from "../../src/index.ts";
import { operations } from "../../src/engine/operation.ts";
import { forAll, functionOf, reference, valuesOn } from "./harness.ts";
import { meanings } from "./meanings.ts";
import { specifications } from "./specifications.ts";

/** Exported functions that are not operations on Variables. */
const otherExports = [
  "arange", "eye", "full", "ones", "rand", "randn", "zeros", "input", "parameter", "seed",
  "evaluate", "grad", "gradients", "checkGradients", "debug", "memory", "setDevice", "threads", "elementwise", "operation",
];

const isClass = (value: object): boolean => /^class\b/.test(Function.prototype.toString.call(value));

describe("the table of specifications", () => {
  it.each([...operations.keys()])("tests %s, an operation of the registry", (name) => {
    expect(Object.keys(specifications)).toContain(name);
    const specification = specifications[name];
    const lower = vi.spyOn(operations.get(name) as Operation, "lower");
    try {
      forAll(20, 64, (draw) => { valuesOn(reference, functionOf(name, specification), specification.draw(draw), "input", specification.training); });
      expect(lower, `Drawing for "${name}" never applied the operation of that name.`).toHaveBeenCalled();
    } finally {
      lower.mockRestore();
    }
  });

  it("tests every exported operation", () => {
    const exported = Object.entries(flimsy).flatMap(([name, value]) => (typeof value === "function" && !isClass(value) ? [name] : []));
    expect(exported).toEqual(expect.arrayContaining(otherExports));
    const missing = exported.filter((name) => !otherExports.includes(name) && !Object.hasOwn(specifications, name));
    expect(missing, "These exports need an entry in specifications.ts, or in the list of other exports here.").toEqual([]);
  });

  it.each(Object.keys(specifications))("says what %s means in plain numbers", (name) => {
    expect(meanings[name], `${name} needs an entry in meanings.ts: a closed form or a loop, independent of src/.`).toBeTypeOf("function");
  });

  it("has no entry for what is not there", () => {
    expect(Object.keys(meanings).filter((name) => !Object.hasOwn(specifications, name))).toEqual([]);
    for (const [name, specification] of Object.entries(specifications)) expect(functionOf(name, specification), name).toBeTypeOf("function");
  });
});
