/** Putting what one step has recorded into another, which is then the same but for its numbers: nothing is called or checked again. */

import { Trace } from "../plan/trace.ts";
import type { Step } from "./step.ts";
import type { Variable } from "./variable.ts";

/** What a step has recorded. The numbers that it was given are `trace.scalars`; they may be others at the next replay. */
export interface Recording {
  readonly trace: Trace;
  /** How many of its words were recorded, not appended when it ran. */
  readonly length: number;
  readonly arrays: readonly Variable[];
  readonly assigned: Step["assigned"];
}

/** Lets the arrays of a step be those of no step. */
function forgetArrays({ arrays }: Step): void {
  for (let k = 0; k < arrays.length; k++) arrays[k].step = null;
  arrays.length = 0;
}

/** What `body` records in a step that is not watched, into a trace of its own; what is there already is forgotten. */
export function recordApart(step: Step, body: () => void): Recording {
  forgetArrays(step);
  const trace = new Trace();
  step.trace = trace;
  body();
  const { arrays, assigned } = step;
  return { trace, length: trace.length, arrays: arrays.slice(), assigned };
}

/** Puts a recording into a step in place of what is there. */
export function replay(step: Step, { trace, length, arrays, assigned }: Recording): void {
  forgetArrays(step);
  for (let k = 0; k < arrays.length; k++) step.arrays.push(arrays[k]);
  trace.length = length;
  step.trace = trace;
  step.assigned = assigned;
}
