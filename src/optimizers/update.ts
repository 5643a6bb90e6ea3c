/** What an update records: new values of parameters, and of what is remembered for them. */

import type { State } from "../engine/state.ts";
import type { Step } from "../engine/step.ts";
import { byRowsOf, type Parameter, type RowGradient, type Variable } from "../engine/variable.ts";
import { type Clip, clipped } from "./clip.ts";
import type { GradientNoise } from "./gradient-noise.ts";
import type { ParameterGroup } from "./parameter-group.ts";
import type { Updated } from "./updated.ts";

/** A parameter that is trained. */
export interface Trained<O extends object> {
  readonly parameter: Parameter;
  readonly group: ParameterGroup<O>;
  /** How many updates it has had. */
  count: number;
  /** What is remembered for it. */
  readonly slots: readonly State[];
}

/** What a rule is asked for: a parameter and what goes with it, or the same rows of all. */
export interface Own extends Updated {
  readonly gradient: Variable;
}

/** An optimizer, as updates see it. */
export interface Updating<O extends object> {
  readonly clip: Clip | null;
  readonly noise: GradientNoise | null;
  /** How many updates have been made. */
  readonly step: number;
  /** Is its rule the same for every entry? */
  readonly isElementwise: boolean;
  /** The gradient by rows of a parameter that only changes there; null where all of it is taken. */
  rowsOf(each: Trained<O>): RowGradient | null;
  /** The next values, of slots and then the parameter. */
  ask(each: Trained<O>, own: Own): readonly Variable[];
}

function gradientOf<O extends object>(optimizer: Updating<O>, each: Trained<O>): Variable {
  const rows = byRowsOf(each.parameter);
  return optimizer.rowsOf(each)?.ofRows() ?? rows?.wholeOf(rows) ?? (each.parameter.grad as Variable);
}

/** @param gradient its gradient, or what that has been made to */
export function ownOf<O extends object>(step: Step, optimizer: Updating<O>, each: Trained<O>, gradient = gradientOf(optimizer, each)): Own {
  const rows = optimizer.rowsOf(each);
  const { parameter: value, slots } = each;
  if (rows !== null) return { gradient, value: rows.take(value), slots: slots.map((slot) => rows.take(slot)) };
  // Entered now, so that what the rule records is a piece of its own.
  step.node(gradient);
  step.node(value);
  for (const slot of slots) step.node(slot);
  return { gradient, value, slots };
}

/** Records an update of all these. @param ask as the optimizer does */
export function record<O extends object>(
  step: Step, optimizer: Updating<O>, reached: readonly Trained<O>[], ask = (each: Trained<O>, own: Own) => optimizer.ask(each, own),
): void {
  const { clip, noise } = optimizer;
  let gradients = clipped(clip, reached.map((each) => gradientOf(optimizer, each)));
  if (noise !== null) gradients = noise.disturbed(gradients, optimizer.step);
  const updated = reached.map((each, i) => ask(each, ownOf(step, optimizer, each, gradients[i])));
  reached.forEach((each, i) => {
    const rows = optimizer.rowsOf(each);
    [...each.slots, each.parameter].forEach((target, k) => { step.assign(target, rows === null ? updated[i][k] : rows.put(target, updated[i][k])); });
  });
}
