/** Aids of debugging. */

import { UsageError } from "../support/errors.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { checkFlag } from "../support/check.ts";
import { Comparisons, calledOutside } from "./comparisons.ts";
import { nanError } from "./faults.ts";
import { openStep } from "./recording.ts";
import { switches } from "./switches.ts";

const options = ["checkNumerics", "checkComparisons", "eager"] as const;

/**
 * Debugging aids; steps are much slower meanwhile.
 * @param settings `checkNumerics`: stop at the first operation whose result has a NaN or an infinity, with a NanError that
 *   names it and the line that called it. `checkComparisons`: stop at the end of a step, or after a million operations, if the result
 *   of a comparison was neither used by another operation, nor looked at, nor returned, with a UsageError that names its line: most
 *   often it was taken for a condition, which a Variable cannot be. `eager`: run each operation as soon as it is called, so that a debugger that stops
 *   there finds the numbers; the gradients are still computed when the step ends.
 * @throws UsageError inside a step
 * @example
 * // Wrong: a Variable is no condition. where(x.less(0), x.neg(), x) is right.
 * const absolute = (x: Variable): Variable => (x.less(0) ? x.neg() : x);
 * debug({ checkComparisons: true });
 * try { evaluate(() => absolute(input([2]))); } catch (error) {
 *   error instanceof UsageError; // true
 * }
 * debug({ checkComparisons: false });
 */
export function debug(settings: { checkNumerics?: boolean; checkComparisons?: boolean; eager?: boolean }): void {
  checkArguments("debug", arguments, 1);
  checkOptions("debug", settings, options);
  if (openStep() !== null) throw new UsageError("debug was called inside grad or evaluate. Call it before the step.");
  for (const [name, value] of Object.entries(settings)) {
    checkFlag("debug", name, value);
    switches[name as (typeof options)[number]] = value;
  }
  switches.comparing = switches.checkComparisons ? { Comparisons, calledOutside } : null;
  switches.explainNan = nanError;
}
