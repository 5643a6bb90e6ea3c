/** The batches of an epoch that were done before it was interrupted. */

import type { RandomState } from "../index.ts";
import type { Batches } from "./batches.ts";
import type { Faults } from "./faults.ts";
import type { Generators } from "./generators.ts";
import { type StopRequest, stopped } from "./stop-request.ts";
import type { Jump } from "./training-state.ts";

/**
 * Draws so many batches as they were drawn then, from generators that are where they were when the epoch began.
 * @param before how many the epoch had then, as far as was known
 * @param jumps where generators were before a batch was drawn, for batches whose drawing followed drawing by the model
 */
export async function passOver(
  batches: Batches<unknown>, before: number | null, count: number, jumps: readonly Jump[], epoch: number, generators: Generators, faults: Faults,
  stop: StopRequest,
): Promise<readonly RandomState[] | null> {
  const { total } = batches;
  if (count > 0 && total !== null && before !== null && total !== before) {
    throw faults.error(`The data have ${total} batches an epoch, but had ${before} when the checkpoint was written in the middle of one. ` +
      "To resume, the data must be the same.");
  }
  const places = new Map(jumps);
  for (let i = 0; i < count && stop.reason === null; i++) {
    const states = places.get(i);
    if (states !== undefined) generators.states = states;
    const next = await faults.during("The data failed before they had come to", () => batches.next(stop));
    if (next !== stopped && next.done) {
      throw faults.error(`The data of epoch ${epoch} ended after ${i} batches, but ${count} had been done when the checkpoint was ` +
        "written. To resume, the data must be the same.");
    }
    await stop.breathe();
  }
  return count === 0 ? null : generators.states;
}
