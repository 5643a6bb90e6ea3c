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
  /** What is assigned, in the same order. */
  readonly nodes: readonly number[];
}

/** What `body` records in a step that is not watched, into a trace of its own. */
export function recordApart(step: Step, body: () => void): Recording {
  const trace = new Trace();
  step.trace = trace;
  body();
  const { arrays, assigned } = step;
  return { trace, length: trace.length, arrays: arrays.slice(), assigned, nodes: Array.from(assigned.keys(), ({ index }) => index) };
}

/** Puts a recording into a step in place of what is there. */
export function replay(step: Step, { trace, length, arrays, assigned, nodes }: Recording): void {
  for (const array of step.arrays) array.step = null;
  step.arrays.length = 0;
  for (const array of arrays) step.arrays.push(array);
  trace.length = length;
  step.trace = trace;
  step.assigned = assigned;
  let at = 0;
  for (const target of assigned.keys()) target.index = nodes[at++];
}
