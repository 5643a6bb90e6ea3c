/**
 * Learning-rate schedules: plain functions of the step, the number of updates made so far. Any function from a step to
 * a rate is a schedule; these are the usual ones, and each takes a number or another schedule as its rate.
 *
 *     const rate = schedule.warmUp(100, schedule.cosine(1e-3, { steps: 10_000 }));
 *     const optimizer = new Adam(θ, { learningRate: rate });
 */

import { checkArguments, checkOptions } from "../support/options.ts";
import { inspected } from "../support/print.ts";
import { checkInteger, checkNumber } from "../support/check.ts";
import { checkRate, type LearningRate, rateAt, type Schedule } from "./rate.ts";

export type { LearningRate, Schedule };

const checkSteps = (caller: string, name: string, value: number): number => checkInteger(caller, name, value, 1);

/** A schedule that says what it is when it is printed. */
function shown(name: string, values: readonly unknown[], f: Schedule): Schedule {
  const text = (): string => `${name}(${values.map((value) => (typeof value === "object" ? JSON.stringify(value) : String(value))).join(", ")})`;
  return Object.defineProperties(f, { toString: { value: text }, [inspected]: { value: text } });
}

/**
 * The rate itself, at every step.
 * @throws ValueError unless the rate is a finite number of at least 0
 * @example
 * schedule.constant(0.1)(1000); // 0.1
 */
export function constant(rate: number): Schedule {
  checkArguments("schedule.constant", arguments, 1);
  checkNumber("schedule.constant", "rate", rate, 0);
  return shown("schedule.constant", [rate], () => rate);
}

/**
 * Falls in stairs: the rate is multiplied by `factor` after each `every` steps.
 * @param options.every steps, at least 1
 * @param options.factor 0.1 unless given
 * @throws ValueError for other numbers
 * @example
 * const rate = schedule.step(1, { every: 10 });
 * [0, 9, 10, 20].map(rate); // [1, 1, 0.1, 0.01]
 */
export function step(rate: LearningRate, options: { readonly every: number; readonly factor?: number }): Schedule {
  const name = "schedule.step";
  checkArguments(name, arguments, 2);
  const { every, factor = 0.1 } = checkOptions(name, options, ["every", "factor"]);
  checkRate(name, rate, "rate");
  checkSteps(name, "every", every);
  checkNumber(name, "factor", factor, 0);
  return shown(name, [rate, { every, factor }], (step) => rateAt(name, rate, step) * factor ** Math.floor(step / every));
}

/**
 * Falls from the rate to `minimum` along half a period of the cosine, and stays there
 * (I. Loshchilov & F. Hutter, arXiv:1608.03983, without restarts):
 * minimum + ½ · (rate − minimum) · (1 + cos(π · step / steps)).
 * @param options.steps how long it takes, at least 1
 * @param options.minimum 0 unless given
 * @throws ValueError for other numbers
 * @example
 * const rate = schedule.cosine(1, { steps: 100, minimum: 0.2 });
 * [0, 50, 100, 1000].map(rate); // [1, 0.6, 0.2, 0.2]
 */
export function cosine(rate: LearningRate, options: { readonly steps: number; readonly minimum?: number }): Schedule {
  const name = "schedule.cosine";
  checkArguments(name, arguments, 2);
  const { steps, minimum = 0 } = checkOptions(name, options, ["steps", "minimum"]);
  checkRate(name, rate, "rate");
  checkSteps(name, "steps", steps);
  checkNumber(name, "minimum", minimum, 0);
  return shown(name, [rate, { steps, minimum }], (step) => {
    const share = 0.5 * (1 + Math.cos(Math.PI * Math.min(step / steps, 1)));
    return minimum + (rateAt(name, rate, step) - minimum) * share;
  });
}

/**
 * Rises linearly over the first `steps` updates, the first of them at 1/steps of the rate, and goes on with `rate`, whose
 * own steps count from the end of the rise.
 * @throws ValueError unless steps is an integer of at least 1
 * @example
 * const rate = schedule.warmUp(4, 0.1);
 * [0, 1, 3, 1000].map(rate); // [0.025, 0.05, 0.1, 0.1]
 */
export function warmUp(steps: number, rate: LearningRate): Schedule {
  const name = "schedule.warmUp";
  checkArguments(name, arguments, 2);
  checkSteps(name, "steps", steps);
  checkRate(name, rate, "rate");
  return shown(name, [steps, rate], (step) => step < steps ? rateAt(name, rate, 0) * ((step + 1) / steps) : rateAt(name, rate, step - steps));
}

/**
 * One after another: `first` for `steps` updates, then `second`, whose own steps count from there.
 * @throws ValueError unless steps is an integer of at least 1
 * @example
 * const rate = schedule.sequence(0.1, 100, schedule.cosine(0.1, { steps: 50 }));
 * [99, 100, 125, 150].map(rate); // [0.1, 0.1, 0.05, 0]
 */
export function sequence(first: LearningRate, steps: number, second: LearningRate): Schedule {
  const name = "schedule.sequence";
  checkArguments(name, arguments, 3);
  checkRate(name, first, "first");
  checkSteps(name, "steps", steps);
  checkRate(name, second, "second");
  return shown(name, [first, steps, second], (step) => step < steps ? rateAt(name, first, step) : rateAt(name, second, step - steps));
}
