/** What launches took, of what their dispatches did. */

import { record } from "./shader.ts";

/** Dispatches of a plan, five words each, and the records that they see. */
interface Dispatched {
  readonly dispatches: Int32Array;
  readonly records: Uint32Array;
}

/** Where the records are of a dispatch of so many chains, of which the first begins at `first`. */
function placesOf(records: Uint32Array, first: number, chains: number): number[] {
  const places: number[] = [];
  for (let chain = 0; chain < chains; chain++) {
    let at = first + 4 * chain * records[first + record.step];
    places.push(at);
    for (; records[at + record.link] > 0; places.push(at)) at += 4 * records[at + record.link];
  }
  return places;
}

/** Adds the milliseconds of dispatches, from one on, to those of their launches: launches of one dispatch share its time in proportion to their threads. */
export function addTimes(times: Float64Array, { dispatches, records }: Dispatched, from: number, taken: Float64Array): void {
  for (let k = 0; k < taken.length; k++) {
    const at = 5 * (from + k);
    const places = placesOf(records, dispatches[at + 1] / 4, dispatches[at + 4]);
    const threads = places.reduce((sum, at) => sum + records[at + record.threads], 0);
    for (const at of places) times[records[at + record.launch]] += (taken[k] * records[at + record.threads]) / threads;
  }
}
