/** An update again: the same but for its numbers, so that it need not be recorded. */

import { pieceOf } from "../engine/piece.ts";
import { type Recording, recordApart, replay } from "../engine/replay.ts";
import type { Step } from "../engine/step.ts";
import { Mark } from "../plan/trace.ts";
import { byRowsOf, type Parameter, type Variable } from "../engine/variable.ts";
import { sameShape } from "../support/shape.ts";
import { boundOf } from "./clip.ts";
import { type Own, ownOf, record, type Trained, type Updating } from "./update.ts";

/** An update: another one of the same parameters is the same but for its numbers. */
export interface Recorded<O extends object> {
  readonly reached: readonly Trained<O>[];
  /** How many rows the gradient of each has. */
  readonly rows: readonly number[];
  /** The bound on the gradients. */
  readonly bound: number | null;
  /** What is needed to repeat it: at its second time, as other parameters may be reached at each. */
  repeatable: Repeatable<O> | null;
}

interface Repeatable<O extends object> {
  readonly recording: Recording;
  readonly asked: readonly Asked<O>[];
  /** What asking them has recorded, since the first time: all of it, as that is compared sooner. */
  words: Int32Array | null;
}

/** A parameter that is asked for itself and others. */
interface Asked<O extends object> {
  readonly each: Trained<O>;
  /** What the rule has recorded. */
  readonly piece: readonly number[];
  readonly scalars: readonly number[];
  /** Where the numbers of all of them begin. */
  readonly scalarsAt: number[];
}

/** How many rows its gradient has, −1 where that is not by rows. */
const rowCountOf = ({ parameter }: { readonly parameter: Parameter }): number => byRowsOf(parameter)?.count ?? -1;

/** Records an update, or repeats the last one. @returns what the next one may repeat */
export function makeUpdate<O extends object>(
  step: Step, optimizer: Updating<O>, reached: readonly Trained<O>[], last: Recorded<O> | null,
): Recorded<O> {
  const bound = boundOf(optimizer.clip);
  const isSame = last !== null && last.bound === bound && last.reached.length === reached.length &&
    reached.every((each, i) => each === last.reached[i] && rowCountOf(each) === last.rows[i]);
  if (!isSame || optimizer.noise !== null || step.isWatched) {
    record(step, optimizer, reached);
    return { reached, rows: reached.map(rowCountOf), bound, repeatable: null };
  }
  if (last.repeatable === null || !repeat(step, optimizer, last.repeatable)) last.repeatable = recordToRepeat(step, optimizer, reached);
  return last;
}

const pieceFrom = (step: Step, from: number, { gradient, value, slots }: Own, values: readonly Variable[]): readonly number[] | null =>
  pieceOf(step, from, [gradient, value, ...slots], values);

/** Records an update and remembers what was recorded, if it can be repeated. */
function recordToRepeat<O extends object>(step: Step, optimizer: Updating<O>, reached: readonly Trained<O>[]): Repeatable<O> | null {
  if (step.ran > 0) { // The rule has looked at numbers.
    record(step, optimizer, reached);
    return null;
  }
  const asked: Asked<O>[] = [];
  let isWhole = true;
  const ask = (each: Trained<O>, own: Own): readonly Variable[] => {
    const { trace } = step;
    const { count, scalarCount } = trace;
    const values = optimizer.ask(each, own);
    const piece = pieceFrom(step, count, own, values);
    if (piece === null) {
      isWhole = false;
      return values;
    }
    const scalars = Array.from(trace.scalars.subarray(scalarCount, trace.scalarCount));
    // Is the rule given the same numbers for another one, and does it make the same of them?
    const other = asked.find((one) => optimizer.isElementwise && one.each.group === each.group && one.each.count === each.count &&
      sameShape(one.piece, piece) && sameShape(one.scalars, scalars));
    if (other === undefined) asked.push({ each, piece: piece.slice(), scalars, scalarsAt: [scalarCount] });
    else other.scalarsAt.push(scalarCount);
    return values;
  };
  const recording = recordApart(step, () => { record(step, optimizer, reached, ask); });
  return step.ran === 0 && isWhole ? { recording, asked, words: null } : null;
}

/**
 * Puts what an update has recorded into the step, with the numbers of this one, for which the rule is asked.
 * Not where it records something else than before, or looks at numbers.
 */
function repeat<O extends object>(step: Step, optimizer: Updating<O>, last: Repeatable<O>): boolean {
  const { trace } = step;
  const { asked, recording } = last;
  const given: number[] = [];
  for (const { each, piece, scalarsAt } of asked) {
    const own = ownOf(step, optimizer, each);
    const { count, scalarCount } = trace;
    const values = optimizer.ask(each, own);
    if (step.ran > 0 || (last.words === null && !sameShape(piece, pieceFrom(step, count, own, values) ?? []))) return false;
    for (const value of values) given.push(step.node(value));
    for (const at of scalarsAt) for (let k = scalarCount; k < trace.scalarCount; k++) recording.trace.scalars[at + k - scalarCount] = trace.scalars[k];
  }
  trace.mark(Mark.evaluate, given);
  last.words ??= trace.words.slice(0, trace.length);
  const { words } = last;
  if (words.length !== trace.length) return false;
  for (let k = 0; k < words.length; k++) if (words[k] !== trace.words[k]) return false;
  replay(step, recording);
  return true;
}
