/** The numbers that a rule has besides its learning rate: what they may be, and what they are unless given. */

import { ValueError } from "../support/errors.ts";
import { describe } from "../support/shape.ts";
import { isPlainObject } from "../support/options.ts";
import type { LearningRate } from "./rate.ts";

export interface Setting {
  /** What it is unless given. */
  readonly initial: number;
  readonly allows: (value: number) => boolean;
  /** What is allowed, in words. */
  readonly range: string;
}

/** How much stays at each update: at least 0 and less than 1. */
export const fraction = (initial: number): Setting => ({ initial, allows: (value) => value >= 0 && value < 1, range: "from 0 to less than 1" });
/** More than 0. */
export const positive = (initial: number): Setting => ({ initial, allows: (value) => value > 0, range: "of more than 0" });
/** At least 0. */
export const amount = (initial: number): Setting => ({ initial, allows: (value) => value >= 0, range: "of at least 0" });

/** The settings among some options, those of `fallback` where they are not given. */
export function settingsFrom<S extends string>(
  caller: string, settings: Readonly<Record<S, Setting>>, options: object, fallback: Readonly<Record<S, number>> | null,
): Readonly<Record<S, number>> {
  const found = {} as Record<S, number>;
  for (const name of Object.keys(settings) as S[]) {
    const { initial, allows, range } = settings[name];
    const value = (options as Partial<Record<S, unknown>>)[name] ?? fallback?.[name] ?? initial;
    if (typeof value !== "number" || !Number.isFinite(value) || !allows(value)) {
      throw new ValueError(`${caller} takes a finite number ${range} as ${name}, but got ${describe(value)}.`);
    }
    found[name] = value;
  }
  return found;
}

/** Options with a learning rate where they give none. What is no options at all stays as it is, to be refused. */
export const withRate = <O extends object>(options: O, learningRate: number): O & { readonly learningRate: LearningRate } =>
  (isPlainObject(options) ? { learningRate, ...options } : options) as O & { readonly learningRate: LearningRate };
