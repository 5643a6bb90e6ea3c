/** Going on when numbers are there: at once, without a promise, where a step has ended when it returns. */

import { ready, Variable } from "../index.ts";
import { Metric } from "./running.ts";

/** Gives a value to a function when the numbers of the Variables in it are there. */
export function whenReady<T, R>(value: T, then: (value: T) => R | Promise<R>): R | Promise<R> {
  return isReady(value) ? then(value) : ready(value).then(then);
}

/** Of what a cost may give: a Variable, a metric, or an object of them. */
function isReady(value: unknown): boolean {
  if (value instanceof Variable) return value.isKnown;
  if (value instanceof Metric) return value.values.isKnown;
  return typeof value !== "object" || value === null || Object.values(value).every((part) => typeof part === "number" || isReady(part));
}
