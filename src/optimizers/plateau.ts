import { checkChoice, checkFlag, checkInteger, checkNumber, refusal } from "../support/check.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { checkRate, type LearningRate, rateAt, type Schedule, type ScheduleState, shown } from "./rate.ts";

export interface PlateauOptions {
  /** By what the rate is multiplied when what is observed improves no longer; 0.1 unless given. */
  readonly factor?: number | undefined;
  /** How many observations in a row may bring no improvement; after one more the rate falls. 10 unless given. */
  readonly patience?: number | undefined;
  /** By how much a value must be better than the best one to count as better: 10⁻⁴ of it unless given. */
  readonly threshold?: number | undefined;
  /** Whether the threshold is a share of the best value, or a difference; "relative" unless given. */
  readonly thresholdMode?: "relative" | "absolute" | undefined;
  /** How many observations are passed over after the rate has fallen; 0 unless given. */
  readonly cooldown?: number | undefined;
  /** The rate falls no lower; 0 unless given. */
  readonly minimum?: number | undefined;
  /** Whether large values are good, such as accuracies, instead of small ones, such as costs. */
  readonly maximize?: boolean | undefined;
}

/** A schedule that falls when what it is told no longer improves. */
export interface Plateau extends Schedule {
  /** By what its rate is multiplied now. */
  readonly scale: number;
  /** Whether large values are good. */
  readonly maximize: boolean;
  /**
   * Takes another value, as the validation loss of an epoch. NaN is no improvement.
   * @returns whether the rate falls by it
   * @throws ValueError for what is no number
   */
  observe(value: number): boolean;
  /** What it remembers: the scale, the best value, how many values ago that was, and how many will be passed over. */
  state: PlateauState;
}

/** What a plateau remembers. */
export interface PlateauState extends ScheduleState {
  readonly scale: number;
  readonly best: number | null;
  readonly since: number;
  readonly pause: number;
}

/**
 * Falls when what is observed no longer improves, as ReduceLROnPlateau of PyTorch: the rate is multiplied by `factor` when more than
 * `patience` observations in a row have brought no improvement. Tell it by `observe`, most often the validation loss after each epoch;
 * `fit({ plateau })` does it. What it has seen is saved with the optimizer of which it is the learning rate, so give it other
 * schedules as its rate and not the other way round.
 * @throws ValueError for numbers out of their range
 * @example
 * const rate = schedule.plateau(0.5, { factor: 0.25, patience: 1 });
 * const optimizer = new Momentum(parameter([1, 2]), { learningRate: rate });
 * [3, 2, 2.5, 2].map((loss) => rate.observe(loss)); // [false, false, false, true]
 * optimizer.learningRate; // 0.125
 */
export function plateau(rate: LearningRate, options: PlateauOptions = {}): Plateau {
  const name = "schedule.plateau";
  checkArguments(name, arguments, 2);
  const { factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = "relative", cooldown = 0, minimum = 0, maximize = false } =
    checkOptions(name, options, ["factor", "patience", "threshold", "thresholdMode", "cooldown", "minimum", "maximize"]);
  checkRate(name, rate, "rate");
  if (!(factor < 1)) throw refusal(name, "a finite number from 0 to less than 1 as factor", factor);
  checkNumber(name, "factor", factor, 0);
  checkInteger(name, "patience", patience, 0);
  checkNumber(name, "threshold", threshold, 0);
  checkChoice(name, "thresholdMode", thresholdMode, ["relative", "absolute"]);
  checkInteger(name, "cooldown", cooldown, 0);
  checkNumber(name, "minimum", minimum, 0);
  checkFlag(name, "maximize", maximize);

  let state: PlateauState = { scale: 1, best: null, since: 0, pause: 0 };
  const isBetter = (value: number, best: number | null): boolean => {
    if (best === null) return Number.isFinite(value);
    const margin = thresholdMode === "relative" ? threshold * Math.abs(best) : threshold;
    return maximize ? value > best + margin : value < best - margin;
  };
  const observe = (value: number, ...more: unknown[]): boolean => {
    checkArguments("observe", [value, ...more], 1);
    if (typeof value !== "number") throw refusal(name, "a number", value, " Read a Variable with item(), or await read().");
    const { scale, best, pause } = state;
    const improves = isBetter(value, best);
    const since = improves || pause > 0 ? 0 : state.since + 1;
    const falls = since > patience;
    state = {
      scale: falls ? scale * factor : scale, best: improves ? value : best, since: falls ? 0 : since, pause: falls ? cooldown : Math.max(0, pause - 1),
    };
    return falls;
  };
  const schedule = (step: number): number => {
    const whole = rateAt(name, rate, step);
    return Math.max(whole * state.scale, Math.min(whole, minimum));
  };
  Object.defineProperties(schedule, {
    scale: { get: () => state.scale },
    maximize: { value: maximize },
    observe: { value: observe },
    state: {
      get: () => state,
      set: ({ scale, best, since, pause }: PlateauState) => {
        if (best !== null) checkNumber(name, "best", best);
        checkNumber(name, "scale", scale, 0);
        for (const [key, count] of Object.entries({ since, pause })) checkInteger(name, key, count, 0);
        state = { scale, best, since, pause };
      },
    },
  });
  return shown(name, [rate, { factor, patience, threshold, thresholdMode, cooldown, minimum, maximize }], schedule as Plateau);
}
