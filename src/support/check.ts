/**
 * What a user gives is checked in one way: the name of the function, the name of the field, the value, what it may be. Each check
 * returns the value.
 */

import { describe } from "./describe.ts";
import { ValueError } from "./errors.ts";

/**
 * The error for what a function does not take.
 * @param wanted what it takes, and as which of its fields
 */
export function refusal(caller: string, wanted: string, value: unknown, advice = ""): ValueError {
  return new ValueError(`${caller} takes ${wanted}, but got ${describe(value)}.${advice}`);
}

const bounds = (least: number, most: number): string =>
  most < Infinity ? ` from ${least} to ${most}` : least > -Infinity ? ` of at least ${least}` : "";

/** A finite number. */
export function checkNumber(caller: string, name: string, value: number, least = -Infinity, most = Infinity): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw refusal(caller, `a finite number${bounds(least, most)} as ${name}`, value);
}

/** An integer that a double holds exactly. */
export function checkInteger(caller: string, name: string, value: number, least = -Infinity, most = Infinity): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw refusal(caller, `an integer${bounds(least, most)} as ${name}`, value);
}

export function checkFlag(caller: string, name: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw refusal(caller, `true or false as ${name}`, value);
}

/** One of some words. */
export function checkChoice<T extends string>(caller: string, name: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value;
  const words = choices.map((choice) => JSON.stringify(choice));
  throw refusal(caller, `${[words.slice(0, -1).join(", "), ...words.slice(-1)].filter(Boolean).join(" or ")} as ${name}`, value);
}

/** @param form how it is called, such as "(batch) => loss" */
export function checkFunction<T>(caller: string, name: string, value: T, form = ""): T {
  if (typeof value === "function") return value;
  throw refusal(caller, form === "" ? `a function as ${name}` : `as ${name} a function ${form}`, value);
}

/** An object of a class. @param wanted how messages call one: "a Variable" */
export function checkInstance<T>(caller: string, wanted: string, value: T, type: abstract new (...args: never[]) => T): T {
  if (value instanceof type) return value;
  throw refusal(caller, wanted, value);
}
