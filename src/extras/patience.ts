import { checkArguments, checkOptions } from "../support/options.ts";
import { checkInteger, checkNumber, refusal } from "../support/check.ts";

/** When a `Patience` is over. */
export interface PatienceOptions {
  /** Whether large values are good, such as accuracies, instead of small ones, such as costs. */
  readonly maximize?: boolean | undefined;
  /** By how much a value must be better than the best one to count as better; 0 unless given: any improvement counts. */
  readonly tolerance?: number | undefined;
}

/**
 * Early stopping: says when a value, such as the cost on validation data, has not improved for too long, and when it was best.
 * @example
 * const patience = new Patience(1);
 * for (const cost of [5, 3, 4, 3.5, 2]) { // on validation data, after each epoch
 *   if (patience.observe(cost)) break;
 *   if (patience.improved) console.log("keep the parameters");
 * }
 * [patience.epoch, patience.bestEpoch, patience.best]; // [4, 2, 3]
 */
export class Patience {
  readonly maximize: boolean;
  readonly tolerance: number;
  /** How many epochs have been observed. */
  epoch = 0;
  /** How many epochs ago the last improvement was. */
  frustration = 0;
  /** Whether the last epoch was the best so far. */
  improved = false;
  /** The best value so far, null before the first. */
  best: number | null = null;
  /** The epoch of the best value, counting from 1; 0 before the first. */
  bestEpoch = 0;

  /**
   * @param patience how many epochs in a row may pass without an improvement; one more is too long. 0 stops at the first.
   * @throws ValueError unless it is an integer of at least 0 and the tolerance a finite number of at least 0
   */
  constructor(readonly patience = 1, options: PatienceOptions = {}) {
    checkArguments("Patience", arguments, 2);
    checkOptions("Patience", options, ["maximize", "tolerance"]);
    checkInteger("Patience", "patience", patience, 0);
    this.maximize = options.maximize ?? false;
    this.tolerance = checkNumber("Patience", "tolerance", options.tolerance ?? 0, 0);
  }

  /**
   * Takes the value of another epoch.
   * @param value a number; NaN, as of a run that has diverged, is no improvement
   * @returns whether to stop: more than `patience` epochs in a row have brought no improvement
   * @throws ValueError for what is no number
   */
  observe(value: number): boolean {
    checkArguments("observe", arguments, 1);
    if (typeof value !== "number") throw refusal("Patience", "a number", value, " Read a Variable with item(), or await read().");
    this.epoch++;
    const gain = this.best === null ? Infinity : this.maximize ? value - this.best : this.best - value;
    this.improved = !Number.isNaN(value) && gain > (this.best === null ? 0 : this.tolerance);
    if (this.improved) {
      this.best = value;
      this.bestEpoch = this.epoch;
      this.frustration = 0;
    } else {
      this.frustration++;
    }
    return this.shouldStop;
  }

  /** What the last `observe` returned. */
  get shouldStop(): boolean { return this.frustration > this.patience; }
}
