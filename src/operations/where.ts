/** A choice, element by element. */

import { defineElementwise } from "./define-elementwise.ts";

/** a where the condition is not 0, else b. */
export const where = defineElementwise("where", (condition, a, b) => condition.where(a, b));
