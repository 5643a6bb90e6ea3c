/** Putting what one step has recorded into another, which is then the same but for its numbers: nothing is called or checked again. */

import { Mark, type Recordable } from "../plan/trace.ts";
import type { Shape } from "../support/shape.ts";
import type { Step } from "./step.ts";
import type { Variable } from "./variable.ts";

/** What a step has recorded. */
export interface Recording {
  readonly words: Int32Array<ArrayBuffer>;
  readonly arrays: readonly Variable[];
  readonly assigned: Step["assigned"];
  /** The numbers that it was given, which may be others at the next replay. */
  readonly scalars: Float64Array;
  // What the words alone do not say, and only planning needs.
  readonly start: Int32Array<ArrayBuffer>;
  readonly operations: readonly Recordable[];
  readonly shapes: readonly Shape[];
}

/** What a step has recorded so far; nothing where it had to run some of it, as it would at every replay. */
export function recordingOf({ trace, arrays, assigned, ran }: Step): Recording | null {
  if (ran > 0) return null;
  const { count } = trace;
  return {
    words: trace.words.slice(0, trace.length), arrays: arrays.slice(), assigned, scalars: trace.scalars.slice(0, trace.scalarCount),
    start: trace.start.slice(0, count), operations: trace.operations.slice(0, count), shapes: trace.shapes.slice(0, count),
  };
}

/** Forgets what a step has recorded. */
export function clear({ trace, arrays }: Step): void {
  for (const array of arrays) array.step = null;
  arrays.length = 0;
  trace.reset(trace.serial);
}

/** Puts a recording into a step in place of what is there. */
export function replay(step: Step, { words, start, arrays, assigned, scalars }: Recording): void {
  const { trace } = step;
  clear(step);
  if (words.length > trace.words.length) trace.words = words.slice();
  else trace.words.set(words);
  trace.addScalars(scalars);
  trace.scalarCount = scalars.length;
  trace.length = words.length;
  trace.count = start.length;
  for (const array of arrays) step.arrays.push(array);
  trace.arrayCount = step.arrays.length;
  step.assigned = assigned;
}

/**
 * Runs a step of which only what it assigns is wanted.
 * @param recording what has been put into it, if it has not been recorded itself
 */
export function finish(step: Step, recording: Recording | null): void {
  step.finish(Mark.evaluate, [], () => {
    // The plan is gone, or another one is wanted for a report.
    if (recording !== null) complete(step, recording);
    return { roots: [] };
  }, true);
}

function complete({ trace }: Step, { start, operations, shapes }: Recording): void {
  if (start.length > trace.start.length) trace.start = start.slice();
  else trace.start.set(start);
  for (let node = 0; node < start.length; node++) {
    trace.operations[node] = operations[node];
    trace.shapes[node] = shapes[node];
  }
}
