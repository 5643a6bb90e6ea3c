/** No operation may be forgotten: the tables are compared with the operations that there are, with the exports and with the test files. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { operations } from "../../src/engine/operation.ts";
import * as flimsy from "../../src/index.ts";
import { functionOf } from "./harness.ts";
import { entries, tables } from "./table/index.ts";

/** Exported functions that are not operations on Variables. */
const otherExports = [
  "arange", "eye", "full", "ones", "rand", "randn", "zeros", "input", "parameter", "seed", "state", "isTraining",
  "evaluate", "grad", "gradients", "evaluateAsync", "gradAsync", "gradientsAsync", "minimizeAsync", "withParameters", "summary",
  "checkpoint", "hessian", "jacobian", "jvp", "vjp", "customGradient",
  "checkGradients", "checkGradientsAsync", "debug", "memory", "ready", "setDevice", "threads", "elementwise", "operation",
];

const isClass = (value: object): boolean => /^class\b/.test(Function.prototype.toString.call(value));

describe("the tables", () => {
  it("have an entry for every operation", () => {
    expect([...operations.keys()].filter((name) => !Object.hasOwn(entries, name)), "These operations need an entry in a file of table/.").toEqual([]);
  });

  it("have an entry for every exported operation", () => {
    const exported = Object.entries(flimsy).flatMap(([name, value]) => (typeof value === "function" && !isClass(value) ? [name] : []));
    expect(exported).toEqual(expect.arrayContaining(otherExports));
    const missing = exported.filter((name) => !otherExports.includes(name) && !Object.hasOwn(entries, name));
    expect(missing, "These exports need an entry in a file of table/, or in the list of other exports here.").toEqual([]);
  });

  it("are of operations that the guide names", () => {
    const guide = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
    const names = Object.keys(entries).filter((name) => Object.hasOwn(flimsy, name));
    expect(names.filter((name) => !new RegExp(`^\\|.*\`${name}[\`(].*\\|`, "m").test(guide))).toEqual([]);
  });

  it("have no entry for what is not there", () => {
    for (const [name, entry] of Object.entries(entries)) expect(functionOf(name, entry), name).toBeTypeOf("function");
  });

  it.each(Object.keys(tables))("%s is tested by the test file of this name", (name) => {
    const files = ["operations", "cost", "optimizers"].map((room) => new URL(`../${room}/${name}.test.ts`, import.meta.url));
    const file = files.find((url) => existsSync(url));
    const text = file === undefined ? "" : readFileSync(file, "utf8");
    expect(text).toContain("testOperations(entries)");
    expect(text).toContain(`/table/${name}.ts"`);
  });
});
