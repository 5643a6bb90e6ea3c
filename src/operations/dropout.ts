/** Dropout. */

import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import { isDropping } from "../engine/state.ts";
import { chooseRandom, type Random } from "../random/random.ts";
import type { Variable } from "../engine/variable.ts";
import { checkCall } from "./check.ts";
import { defineElementwise } from "./define-elementwise.ts";
import { identity } from "./layout.ts";
import { uniform } from "./uniform.ts";

const drop = defineElementwise("dropout", (x, u, p) => u.less(p).where(0, x.div(p.sub(1).neg())));

/**
 * Inverted dropout (Srivastava et al. 2014): inside `grad` each element is 0 with probability p, and the others are
 * divided by 1 − p, and likewise inside `evaluate(f, { dropout: true })`; anywhere else it is the identity.
 * @param p from 0 to less than 1
 * @param generator the default one, set by `seed`, unless given
 * @throws ValueError for another p
 * @example
 * dropout(ones([3]), 0.5).toArray(); // [1, 1, 1]
 * const w = parameter(ones([8]));
 * const { y } = grad(() => {
 *   const y = dropout(w, 0.5);
 *   return { loss: y.sum(), y };
 * });
 * y.toArray<number[]>().every((value) => value === 0 || value === 2); // true
 */
export function dropout(x: Variable, p: number, generator?: Random): Variable {
  checkCall("dropout", arguments, 3);
  if (!(typeof p === "number" && p >= 0 && p <= 1 - 2 ** -24)) {
    throw new ValueError(`dropout takes the share that is dropped, from 0 to less than 1, but got ${describe(p)}${p === 1 ? ": nothing would be left" : ""}.`);
  }
  const random = chooseRandom("dropout", generator);
  if (p === 0 || !isDropping()) return identity(x);
  // The same number on every device, so that all drop the same elements.
  return drop(x, uniform(x.shape, random), Math.fround(p));
}
