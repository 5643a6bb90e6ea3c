/** The table of special values in docs/operations.md, tried on every device. The numbers there are PyTorch 1.13's or C's, or explained. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as flimsy from "../../src/index.ts";
import { gradients, input, type NestedArray, sum, type Variable } from "../../src/index.ts";
import { isOnGpu } from "../device.ts";
import { devices, on } from "./harness.ts";

const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
const numbers: Record<string, number> = { NaN: Number.NaN, "∞": Infinity, "-∞": -Infinity, "-0": -0 };

/** Numbers in brackets, as the table has them. */
function parsed(text: string): NestedArray[] {
  const json = text.replaceAll("−", "-").replace(/NaN|-?∞|-0(?![.\d])/g, (name) => `"${name}"`);
  return JSON.parse(`[${json}]`, (_, value) => (typeof value === "string" ? numbers[value] : value)) as NestedArray[];
}

const rows = [...page.matchAll(/^\| `([\w.]+)\((.*)\)` \| (.*?) \| (.*?) \|/gm)].map(([, name, args, value, gradient]) => ({
  name, args: parsed(args), value: parsed(value).flat() as number[], gradient: gradient.split(";").flatMap((part) => parsed(part)) as number[],
  text: `${name}(${args})`,
}));

const apply = (name: string): ((...x: Variable[]) => Variable) =>
  name.split(".").reduce((parent, key) => (parent as Record<string, unknown>)[key], flimsy as unknown) as (...x: Variable[]) => Variable;

/** To six digits, as the table has them. A −0 there must be one; what is 0 there may be a rounding of numbers that float32 can hardly hold. */
const agree = (a: number, b: number): boolean => Object.is(a, b) || (!Object.is(b, -0) && Math.abs(a - b) <= Math.max(1e-6 * Math.abs(b), 1e-30));

function expectNumbers(found: ArrayLike<number>, expected: readonly number[], about: string): void {
  expect(found.length, about).toBe(expected.length);
  expect(expected.map((value, i) => (agree(found[i], value) ? value : found[i])), about).toEqual(expected);
}

describe.each(devices)("on %s", (_, device) => {
  it("there are rows", () => expect(rows.length).toBeGreaterThan(80));

  const isHeld = ({ args }: (typeof rows)[number]): boolean => !isOnGpu || args.flat(9).every((x) => x === 0 || !(Math.abs(x as number) < 2 ** -126));
  it.each(rows.filter(isHeld).map((row) => [row.text, row] as const))("%s", (text, { name, args, value, gradient }) => on(device, () => {
    const operands = args.map((arg) => input(arg));
    expectNumbers(apply(name)(...operands).data, value, text);
    const found = gradients(() => sum(apply(name)(...operands)), operands).flatMap(({ data }) => [...data]);
    expectNumbers(found, gradient, `the gradient of ${text}`);
  }));
});
