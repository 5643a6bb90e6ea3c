/** What every operation checks first. */

import { ValueError } from "../errors.ts";
import { describe } from "../shape.ts";
import { Variable } from "../variable.ts";

/** An error for what is not a Variable, before anything asks it for its shape. */
export function checkVariable(operation: string, x: unknown): void {
  if (x instanceof Variable) return;
  throw new ValueError(`${operation} takes a Variable, but got ${describe(x)}. Wrap numbers and arrays with input(…).`);
}

/** An error for what is not a list of at least one Variable. */
export function checkVariables(operation: string, xs: unknown): void {
  if (!Array.isArray(xs) || xs.length === 0) {
    throw new ValueError(`${operation} takes a list of at least one Variable, but got ${Array.isArray(xs) ? "an empty list" : describe(xs)}.`);
  }
  for (const x of xs) checkVariable(operation, x);
}
