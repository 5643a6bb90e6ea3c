/** Numbers that updates go by: the same for all, or from a schedule. */

import { checkNumber } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import type { Kind } from "../support/kinds.ts";
import { inspected } from "../support/print.ts";

/**
 * A number for each update; that with the number 0 is the first. What a schedule remembers, as one that is told losses does, it has as
 * `state`, an object of numbers: that of a learning rate is part of the optimizer's snapshots and checkpoints.
 */
export interface Schedule {
  (step: number): number;
  state?: ScheduleState;
}
/** What a schedule remembers. */
export type ScheduleState = Readonly<Record<string, number | null>>;
/** A learning rate for all updates, or one for each. */
export type LearningRate = number | Schedule;

/** A learning rate that a user gave: a number of at least 0 or a function. */
export function checkRate(caller: string, given: LearningRate, name = "learningRate"): LearningRate {
  return typeof given === "function" ? given : checkNumber(caller, name, given, 0);
}

/** An option that is a learning rate. */
export const rate: Kind<number> = { read: (given, caller, name) => checkNumber(caller, name, given, 0) };

/** The rate at a step, whatever the schedule is. */
export function rateAt(caller: string, given: LearningRate, step: number): number {
  if (typeof given === "number") return given;
  const value = given(step);
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new ValueError(`The learning-rate schedule of ${caller} gave ${describe(value)} at step ${step}: a rate is a finite number of at least 0.`);
}

/** What is to be kept of a rate: a number, what a schedule remembers, or nothing. */
export const kept = (rate: LearningRate | null): number | ScheduleState | null => (typeof rate === "function" ? rate.state ?? null : rate);

/** The rate to go on with: the number that was kept, or the same schedule, which remembers what it did. The program decides which of both it is. */
export function resumed<T extends LearningRate | null>(rate: T, saved: number | ScheduleState | null): T | number {
  if (typeof rate !== "function") return typeof saved === "number" ? saved : rate;
  if (rate.state !== undefined && typeof saved === "object" && saved !== null) rate.state = saved;
  return rate;
}

/** A schedule that says what it is when it is printed. */
export function shown<F extends Schedule>(name: string, values: readonly unknown[], f: F): F {
  const text = (): string => `${name}(${values.map((value) => (typeof value === "object" ? JSON.stringify(value) : String(value))).join(", ")})`;
  return Object.defineProperties(f, { toString: { value: text }, [inspected]: { value: text } });
}
