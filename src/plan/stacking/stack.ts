/**
 * Stacking: the like operations of a step, such as those for the nodes of trees or for the sequences of a batch, become one operation
 * over arrays with one more axis, that of the members. It happens before anything is differentiated, so everything that
 * follows, from the reverse rules to the launches, is done once for all members: a structure that never repeats costs little more
 * than recording it.
 */

import { Alike } from "./alike.ts";
import { countLeft, levelsOf } from "./levels.ts";
import { Role, roleOf } from "../role.ts";
import { Stacked } from "./stacked.ts";
import type { Trace } from "../trace.ts";

/** Fewer products and look-ups than this are not worth trying. */
const FEW = 16;
/** What is left must be at most this part of the operations. */
const WORTH = 0.5;

/**
 * The trace with like operations stacked, or null where that is not worth it. It is valid until the next call.
 * @param roots nodes whose values are needed
 */
export function stack(trace: Trace, roots: readonly number[]): Stacked | null {
  let candidates = 0;
  for (let node = 0; node < trace.count && candidates < FEW; node++) {
    const role = roleOf(trace, node);
    if (role === Role.product || role === Role.gather) candidates++;
  }
  if (candidates < FEW) return null;
  const alike = new Alike(trace, roots);
  const levels = levelsOf(alike);
  return countLeft(alike, levels) <= WORTH * levels.order.length ? new Stacked(alike, levels, roots) : null;
}
