/** What an optimizer has to remember from one run of a program to the next, and whether it is that of another one. */

import { describe } from "../support/describe.ts";
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
 * @param caller the class
 * @param slots what its rule remembers for a parameter
 */
export function checkState(caller: string, saved: OptimizerState, shapes: readonly Shape[], groups: number, slots: readonly string[]): void {
  const { step, parameters, learningRates } = saved;
  if (!Number.isSafeInteger(step) || step < 0) throw new ValueError(`${caller}.restore got step ${describe(step)}, which is not an integer of at least 0.`);
  if (parameters.length !== shapes.length || learningRates.length !== groups + 1) {
    throw new ValueError(
      `${caller}.restore got the state of ${parameters.length} parameters in ${learningRates.length - 1} groups, ` +
        `but this optimizer trains ${shapes.length} in ${groups}. Groups that were added later must be added before.`,
    );
  }
  parameters.forEach((parameter, i) => { checkParameter(caller, parameter, i, shapes[i], slots); });
  for (const rate of learningRates) if (typeof rate === "number") checkRate(caller, rate);
}

function checkParameter(caller: string, { count, slots }: ParameterState, i: number, shape: Shape, expected: readonly string[]): void {
  const names = Object.keys(slots).sort();
  if (names.join() !== [...expected].sort().join()) {
    const [found, wanted] = [names.join(", ") || "nothing", expected.join(", ") || "nothing"];
    throw new ValueError(`${caller}.restore got ${found} for parameter ${i}, but ${caller} remembers ${wanted}.`);
  }
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new ValueError(`${caller}.restore got count ${describe(count)} for parameter ${i}, which is not an integer of at least 0.`);
  }
  for (const key of names) {
    if (!sameShape(slots[key].shape, shape)) {
      throw new ShapeError(`${caller}.restore got ${key} of shape ${formatShape(slots[key].shape)} for parameter ${i} of shape ${formatShape(shape)}.`);
    }
  }
}
