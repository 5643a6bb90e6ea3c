/** What launches took, of what their dispatches did. */

import { record } from "./shader.ts";

/** Dispatches of a plan, five words each, and the records that they see. */
interface Dispatched {
  readonly dispatches: Int32Array;
  readonly records: Uint32Array;
}

/** Adds the milliseconds of dispatches, from one on, to those of their launches: launches of one dispatch share its time in proportion to their threads. */
export function addTimes(times: Float64Array, { dispatches, records }: Dispatched, from: number, taken: Float64Array): void {
  for (let k = 0; k < taken.length; k++) {
    const [, bytes, , , count] = dispatches.subarray(5 * (from + k), 5 * (from + k + 1));
    const first = bytes / 4;
    const places = Array.from({ length: count }, (_, launch) => first + 4 * launch * records[first + record.step]);
    const threads = places.reduce((sum, at) => sum + records[at + record.threads], 0);
    for (const at of places) times[records[at + record.launch]] += (taken[k] * records[at + record.threads]) / threads;
  }
}
