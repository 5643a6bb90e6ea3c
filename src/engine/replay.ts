/** Putting what one step has recorded into another, which is then the same but for its numbers: nothing is called or checked again. */

import type { Step } from "./step.ts";
import type { Variable } from "./variable.ts";

/** What a step has recorded. */
export interface Recording {
  /** Its structure, and how many nodes it has. */
  readonly words: Int32Array<ArrayBuffer>;
  readonly count: number;
  readonly arrays: readonly Variable[];
  /** The numbers that it was given, which may be others at the next replay. */
  readonly scalars: Float64Array;
}

/** What a step has recorded so far; nothing where it had to run some of it, as it would at every replay. */
export function recordingOf({ trace, arrays, ran }: Step): Recording | null {
  if (ran > 0) return null;
  return { words: trace.words.slice(0, trace.length), count: trace.count, arrays: arrays.slice(), scalars: trace.scalars.slice(0, trace.scalarCount) };
}

/** Forgets what a step has recorded. */
export function clear({ trace, arrays }: Step): void {
  trace.reset();
  for (const array of arrays) array.step = null;
  arrays.length = 0;
}

/** Puts a recording into a step in place of what is there. */
export function replay(step: Step, { words, count, arrays, scalars }: Recording): void {
  clear(step);
  const { trace } = step;
  if (words.length > trace.words.length) trace.words = words.slice();
  else trace.words.set(words);
  trace.addScalars(scalars);
  trace.scalarCount = scalars.length;
  trace.length = words.length;
  trace.count = count;
  for (const array of arrays) step.arrays.push(array);
  trace.arrayCount = step.arrays.length;
}
