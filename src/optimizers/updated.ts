/** What the rule of an optimizer gives. */

import { UsageError } from "../support/errors.ts";
import { formatShape, sameShape } from "../support/shape.ts";
import type { Variable } from "../engine/variable.ts";

/** The new values of a parameter and of what is remembered for it, made by operations. */
export interface Updated {
  readonly value: Variable;
  readonly slots: readonly Variable[];
}

/**
 * A rule must give a new value for each array that it owns.
 * @param values the new ones, of slots and then the parameter
 */
export function checkUpdated(caller: string, { value, slots }: Updated, values: readonly Variable[]): void {
  if (values.length !== slots.length + 1) throw new UsageError(`The rule of ${caller} must give a value and ${slots.length} slots.`);
  for (let i = 0; i < values.length; i++) {
    const { shape, storage } = values[i];
    if (storage !== null) throw new UsageError("The rule of an optimizer must compute new values by operations.");
    const wanted = (slots[i] ?? value).shape;
    if (!sameShape(shape, wanted)) throw new UsageError(`The rule of ${caller} gave shape ${formatShape(shape)} for ${formatShape(wanted)}.`);
  }
}
