/** What an optimizer has to remember from one run of a program to the next, and whether it is that of another one. */

import { checkInteger } from "../support/check.ts";
import { ShapeError, ValueError } from "../support/errors.ts";
import { formatShape, type Shape, sameShape } from "../support/shape.ts";
import type { Variable } from "../engine/variable.ts";
import type { RandomState } from "../random/random.ts";
import { checkRate, type ScheduleState } from "./rate.ts";

/** What the rule remembers for a parameter: how many updates it has had, and arrays by name, in its shape. */
export interface ParameterState {
  readonly count: number;
  readonly slots: Readonly<Record<string, Variable>>;
}

/** All that an optimizer has to remember from one run of a program to the next. */
export interface OptimizerState {
  /** How many updates have been made. */
  readonly step: number;
  /** The learning rate of the optimizer, then of each of its groups: a number, or what a schedule remembers, if it does; else null. */
  readonly learningRates: readonly (number | ScheduleState | null)[];
  /** Where the generator of the noise is, if it has one of its own. */
  readonly random: RandomState | null;
  /** For each of `optimizer.parameters`. */
  readonly parameters: readonly ParameterState[];
}

/**
 * Refuses the state of another kind of optimizer, or of one of other parameters.
 * @param name of the class
 * @param slots what its rule remembers for a parameter
 */
export function checkState(name: string, saved: OptimizerState, shapes: readonly Shape[], groups: number, slots: readonly string[]): void {
  const caller = `${name}.restore`;
  const { step, parameters, learningRates } = saved;
  checkInteger(caller, "step", step, 0);
  if (parameters.length !== shapes.length || learningRates.length !== groups + 1) {
    throw new ValueError(
      `${caller} got the state of ${parameters.length} parameters in ${learningRates.length - 1} groups, but this optimizer trains ${shapes.length} in ` +
        `${groups}. Groups that were added later must be added before.`,
    );
  }
  const wanted = [...slots].sort().join(", ");
  parameters.forEach((parameter, i) => {
    checkInteger(caller, `count of parameter ${i}`, parameter.count, 0);
    const found = Object.keys(parameter.slots).sort().join(", ");
    if (found !== wanted) throw new ValueError(`${caller} got ${found || "nothing"} for parameter ${i}, but ${name} remembers ${wanted || "nothing"}.`);
    for (const [key, { shape }] of Object.entries(parameter.slots)) {
      if (sameShape(shape, shapes[i])) continue;
      throw new ShapeError(`${caller} got ${key} of shape ${formatShape(shape)} for parameter ${i} of shape ${formatShape(shapes[i])}.`);
    }
  });
  for (const rate of learningRates) if (typeof rate === "number") checkRate(name, rate);
}
