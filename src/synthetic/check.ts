/** The checks that the tasks share. */

import { checkOptions } from "../support/options.ts";
import { Random, ValueError } from "../index.ts";
import { checkInstance, checkInteger } from "../support/check.ts";

/** What every task takes. */
export interface TaskOptions {
  /** Where the task and its samples are drawn from; the default generator, which `seed` sets, unless given. */
  readonly random?: Random | undefined;
}

/** How long a sequence is: a number, or from the first number to the second, all equally likely. */
export type Length = number | readonly [least: number, greatest: number];

/** A length as a range of at least `least`. */
export function checkLength(task: string, what: string, length: Length, least: number): readonly [number, number] {
  const [low, high] = Array.isArray(length) && length.length === 2 ? (length as readonly [number, number]) : [length as number, length as number];
  checkInteger(task, what, low, least);
  checkInteger(task, what, high, least);
  if (low > high) throw new ValueError(`${task}: ${what} must be a number or [least, greatest], but got [${low}, ${high}].`);
  return [low, high];
}

export const drawLength = ([low, high]: readonly [number, number], random: Random): number => random.integer(low, high + 1);

/** The generator that a user gave, or the default one. `more`: options besides it. */
export function checkRandom(task: string, options: TaskOptions, more: readonly string[] = []): Random {
  checkOptions(task, options, ["random", ...more]);
  return checkInstance(task, "a generator made by new Random(seed)", options.random ?? Random.default, Random);
}
