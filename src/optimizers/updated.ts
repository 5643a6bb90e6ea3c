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
 * @param targets what is remembered, and the parameter
 */
export function checkUpdated(caller: string, targets: readonly Variable[], values: readonly Variable[]): void {
  if (values.length !== targets.length) throw new UsageError(`The rule of ${caller} must give a value and ${targets.length - 1} slots.`);
  for (let i = 0; i < values.length; i++) {
    const { shape, storage } = values[i];
    if (storage !== null) throw new UsageError("The rule of an optimizer must compute new values by operations.");
    const wanted = targets[i].shape;
    if (!sameShape(shape, wanted)) throw new UsageError(`The rule of ${caller} gave shape ${formatShape(shape)} for ${formatShape(wanted)}.`);
  }
}
