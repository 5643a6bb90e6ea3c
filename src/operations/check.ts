/** What every operation checks first. */

import { ValueError } from "../support/errors.ts";
import { describe } from "../support/shape.ts";
import { checkArguments } from "../support/options.ts";
import { Variable } from "../engine/variable.ts";

/** Of the arguments of an operation: errors for more than `most`, and where the first `variables` are no Variables. */
export function checkCall(operation: string, args: ArrayLike<unknown>, most: number, variables = 1): void {
  checkArguments(operation, args, most);
  for (let i = 0; i < variables; i++) checkVariable(operation, args[i]);
}

/** Of the arguments of a reduction, `(x, axes, keepdims)`. */
export function checkReduction(operation: string, args: ArrayLike<unknown>): void {
  checkCall(operation, args, 3);
  const keepdims = args[2];
  if (keepdims === undefined || typeof keepdims === "boolean") return;
  throw new ValueError(
    `${operation} takes true or false as keepdims, but got ${describe(keepdims)}. ` +
      `Several axes are one list, [0, 1]; as a callback, write (x) => ${operation}(x).`,
  );
}

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
