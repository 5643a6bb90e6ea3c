/**
 * Schedules, of learning rates and other numbers of optimizers: plain functions of the step, the number of updates made so far. Any function
 * from a step to a number is one; these are the usual ones, and each takes a number or another schedule as its rate.
 *
 *     const rate = schedule.warmUp(100, schedule.cosine(1e-3, { steps: 10_000 }));
 *     const optimizer = new Adam(θ, { learningRate: rate });
 */

import { checkArguments, checkOptions } from "../support/options.ts";
import { checkChoice, checkFlag, checkInteger, checkNumber, refusal } from "../support/check.ts";
import { checkRate, type LearningRate, rateAt, type Schedule, shown } from "./rate.ts";

export { plateau } from "./plateau.ts";

const checkSteps = (caller: string, name: string, value: number): number => checkInteger(caller, name, value, 1);

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
  return shown(name, [rate, { steps, minimum }], (step) => between(rateAt(name, rate, step), minimum, Math.min(step / steps, 1), "cosine"));
}

/**
 * Falls by the same factor at each step: rate · factor^(step / every).
 * @param options.factor more than 0, at most 1
 * @param options.every in how many steps it falls by the factor; 1 unless given
 * @throws ValueError for other numbers
 * @example
 * const rate = schedule.exponential(1, { factor: 0.25, every: 10 });
 * [0, 5, 10, 20].map(rate); // [1, 0.5, 0.25, 0.0625]
 */
export function exponential(rate: LearningRate, options: { readonly factor: number; readonly every?: number }): Schedule {
  const name = "schedule.exponential";
  checkArguments(name, arguments, 2);
  const { factor, every = 1 } = checkOptions(name, options, ["factor", "every"]);
  checkRate(name, rate, "rate");
  if (!(factor > 0)) throw refusal(name, "a number of more than 0 as factor", factor);
  checkNumber(name, "factor", factor, 0, 1);
  checkSteps(name, "every", every);
  return shown(name, [rate, { factor, every }], (step) => rateAt(name, rate, step) * factor ** (step / every));
}

/**
 * Falls along a cosine as `cosine` does, and begins anew, again and again (I. Loshchilov & F. Hutter: SGDR, arXiv:1608.03983, equation 5).
 * @param options.steps how long the first fall takes, at least 1
 * @param options.multiplier how many times as long as the one before each other fall takes: an integer, 1 unless given
 * @param options.minimum 0 unless given
 * @throws ValueError for other numbers
 * @example
 * const rate = schedule.cosineRestarts(1, { steps: 2, multiplier: 2 });
 * [0, 1, 2, 4, 6, 10].map(rate); // [1, 0.5, 1, 0.5, 1, 0.5]
 */
export function cosineRestarts(
  rate: LearningRate, options: { readonly steps: number; readonly multiplier?: number; readonly minimum?: number },
): Schedule {
  const name = "schedule.cosineRestarts";
  checkArguments(name, arguments, 2);
  const { steps, multiplier = 1, minimum = 0 } = checkOptions(name, options, ["steps", "multiplier", "minimum"]);
  checkRate(name, rate, "rate");
  checkSteps(name, "steps", steps);
  checkInteger(name, "multiplier", multiplier, 1);
  checkNumber(name, "minimum", minimum, 0);
  return shown(name, [rate, { steps, multiplier, minimum }], (step) => {
    let [since, length] = [multiplier === 1 ? step % steps : step, steps];
    for (; since >= length; length *= multiplier) since -= length;
    return between(rateAt(name, rate, step), minimum, since / length, "cosine");
  });
}

/** From `first` to `last`, of which `share` is done. */
const between = (first: number, last: number, share: number, anneal: "cosine" | "linear"): number =>
  first + (last - first) * (anneal === "linear" ? share : 0.5 * (1 - Math.cos(Math.PI * share)));

export interface OneCycleOptions {
  /** How many updates there are. */
  readonly steps: number;
  /** Which share of them the rise takes; 0.3 unless given. */
  readonly pctStart?: number | undefined;
  /** It begins at the rate divided by this; 25 unless given. */
  readonly divFactor?: number | undefined;
  /** It ends at where it began divided by this; 10⁴ unless given. */
  readonly finalDivFactor?: number | undefined;
  /** Along which line it rises and falls; "cosine" unless given. */
  readonly anneal?: "cosine" | "linear" | undefined;
  /** Falls first to where it began, in as many steps as it rose, then further; false unless given. */
  readonly threePhase?: boolean | undefined;
}

/**
 * Rises to the rate, then falls far below where it began, and stays there (L. N. Smith & N. Topin: Super-Convergence, arXiv:1708.07120; as OneCycleLR
 * of PyTorch). The momentum is often to go the other way: a rate of 0.85 with `divFactor` 0.85 / 0.95 and `finalDivFactor` 1 falls from 0.95 and rises again.
 * @throws ValueError for numbers out of their range
 * @example
 * const options = { steps: 11, pctStart: 0.5, anneal: "linear" } as const;
 * const optimizer = new Momentum(parameter([1, 2]), {
 *   learningRate: schedule.oneCycle(1, options),
 *   momentum: schedule.oneCycle(0.85, { ...options, divFactor: 0.85 / 0.95, finalDivFactor: 1 }),
 * });
 * optimizer.learningRate; // 0.04
 */
export function oneCycle(rate: LearningRate, options: OneCycleOptions): Schedule {
  const name = "schedule.oneCycle";
  checkArguments(name, arguments, 2);
  const { steps, pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4, anneal = "cosine", threePhase = false } =
    checkOptions(name, options, ["steps", "pctStart", "divFactor", "finalDivFactor", "anneal", "threePhase"]);
  checkRate(name, rate, "rate");
  checkSteps(name, "steps", steps);
  checkNumber(name, "pctStart", pctStart, 0, 1);
  for (const [key, value] of Object.entries({ divFactor, finalDivFactor })) {
    if (!(Number.isFinite(value) && value > 0)) throw refusal(name, `a finite number of more than 0 as ${key}`, value);
  }
  checkChoice(name, "anneal", anneal, ["cosine", "linear"]);
  checkFlag(name, "threePhase", threePhase);
  const [first, last] = [1 / divFactor, 1 / divFactor / finalDivFactor];
  const top = Math.max(0, pctStart * steps - 1);
  /** Where each phase ends, and at which share of the rate. */
  const phases: (readonly [end: number, share: number])[] = threePhase
    ? [[top, 1], [2 * top, first], [steps - 1, last]]
    : [[top, 1], [steps - 1, last]];
  const shareAt = (step: number): number => {
    let [begin, from] = [0, first];
    for (const [end, to] of phases) {
      if (step <= end && begin < end) return between(from, to, (step - begin) / (end - begin), anneal);
      [begin, from] = [end, to];
    }
    return last;
  };
  return shown(name, [rate, { steps, pctStart, divFactor, finalDivFactor, anneal, threePhase }], (step) => rateAt(name, rate, step) * shareAt(step));
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
