/** Learning rates: a number or a schedule. */

import { checkNumber } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import type { Kind } from "../support/kinds.ts";

/** The learning rate of the update with this number; 0 is the first. */
export type Schedule = (step: number) => number;
/** A learning rate for all updates, or one for each. */
export type LearningRate = number | Schedule;

/** A learning rate that a user gave: a number of at least 0 or a function. */
export function checkRate(caller: string, given: LearningRate, name = "learningRate"): LearningRate {
  return typeof given === "function" ? given : checkNumber(caller, name, given, 0);
}

/** An option that is a learning rate. */
export const rate: Kind<LearningRate> = { read: (given, caller, name) => checkRate(caller, given, name) };

/** The rate at a step, whatever the schedule is. */
export function rateAt(caller: string, given: LearningRate, step: number): number {
  if (typeof given === "number") return given;
  const value = given(step);
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new ValueError(`The learning-rate schedule of ${caller} gave ${describe(value)} at step ${step}: a rate is a finite number of at least 0.`);
}
