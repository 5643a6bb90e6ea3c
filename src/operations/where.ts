/** A choice, element by element. */

import { defineElementwise } from "./define-elementwise.ts";

/**
 * a where the condition is not 0, else b.
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * const x = input([4, -1]);
 * // The root that is not chosen is NaN, and does no harm.
 * where(greater(x, 0), sqrt(x), 0).toArray(); // [2, 0]
 */
export const where = defineElementwise("where", (condition, a, b) => condition.where(a, b));
