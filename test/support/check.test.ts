/** The words with which values are refused, and described. */

import { describe as group, expect, it } from "vitest";
import { input, Random, ValueError, Variable } from "../../src/index.ts";
import { checkChoice, checkFlag, checkFunction, checkInstance, checkInteger, checkNumber, refusal } from "../../src/support/check.ts";
import { describe, listed, messageOf } from "../../src/support/describe.ts";

group("a value that fits", () => {
  it("is given back", () => {
    const f = (): void => {};
    const x = input([1]);
    expect([checkNumber("f", "x", -0.5), checkNumber("f", "x", 1, 1), checkNumber("f", "x", 1, 0, 1)]).toEqual([-0.5, 1, 1]);
    expect([checkInteger("f", "x", -3), checkInteger("f", "x", 0, 0), checkInteger("f", "x", 4, 0, 4)]).toEqual([-3, 0, 4]);
    expect([checkFlag("f", "x", false), checkChoice("f", "x", "b", ["a", "b"])]).toEqual([false, "b"]);
    expect([checkFunction("f", "x", f), checkInstance("f", "a Variable", x, Variable)]).toEqual([f, x]);
  });
});

group("a value that does not", () => {
  it.each([
    [() => checkNumber("f", "x", Infinity), "f takes a finite number as x, but got Infinity."],
    [() => checkNumber("f", "x", "1" as never), 'f takes a finite number as x, but got "1".'],
    [() => checkNumber("f", "x", -1, 0), "f takes a finite number of at least 0 as x, but got -1."],
    [() => checkNumber("f", "x", 2, 0, 1), "f takes a finite number from 0 to 1 as x, but got 2."],
    [() => checkInteger("f", "x", 1.5), "f takes an integer as x, but got 1.5."],
    [() => checkInteger("f", "x", 2 ** 53, 0), "f takes an integer of at least 0 as x, but got 9007199254740992."],
    [() => checkInteger("f", "x", 0, 1, 3), "f takes an integer from 1 to 3 as x, but got 0."],
    [() => checkFlag("f", "x", 1 as never), "f takes true or false as x, but got 1."],
    [() => checkChoice("f", "x", "c" as string, ["a", "b"]), 'f takes "a" or "b" as x, but got "c".'],
    [() => checkChoice("f", "x", null as never, ["a", "b", "c"]), 'f takes "a", "b" or "c" as x, but got null.'],
    [() => checkFunction("f", "x", 1), "f takes a function as x, but got 1."],
    [() => checkFunction("f", "x", {}, "(y) => z"), "f takes as x a function (y) => z, but got an object."],
    [() => checkInstance("f", "a Variable", [1] as never, Variable), "f takes a Variable, but got an array of 1."],
    [() => { throw refusal("f", "a number", undefined, " Give one."); }, "f takes a number, but got undefined. Give one."],
  ])("is refused by name: %#", (check, message) => { expect(check).toThrow(new ValueError(message)); });
});

group("describe", () => {
  it.each([
    [null, "null"], [undefined, "undefined"], [-1.5, "-1.5"], [true, "true"], [3n, "3n"], ["a\n", '"a\\n"'], ["x".repeat(41), `"${"x".repeat(40)}…"`],
    [() => 1, "a function"], [[], "an empty list"], [[1, 2], "an array of 2"], [Float32Array.of(1), "an array of 1"], [{}, "an object"],
    [Object.create(null), "an object"], [new Map(), "a value of type Map"], [new Random(1), "a value of type Random"],
    [Promise.resolve(1), "a promise: await it first"],
    [input([[1, 2]]), "a Variable [1, 2]"], [input(1), "a Variable []"], [Symbol("s"), "Symbol(s)"],
  ])("%#", (value, text) => { expect(describe(value)).toBe(text); });
});

it("long lists are cut, and whatever was thrown has a message", () => {
  expect([listed(["a", "b"]), listed(["a", "b", "c"], 2, "; ")]).toEqual(["a, b", "a; b; and 1 more"]);
  expect([messageOf(new RangeError("far")), messageOf("text"), messageOf(null), messageOf({})]).toEqual(["far", "text", "null", "[object Object]"]);
});
