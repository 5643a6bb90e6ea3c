/** Averaging what steps give: each number by its name, every batch with the weight that it has. */

import { UsageError, Variable } from "../index.ts";
import { isList } from "../support/arrays.ts";
import { describe } from "../support/describe.ts";

export type Numbers = Record<string, number>;

/** Names that lines of metrics use for themselves. */
export const reserved: readonly string[] = ["event", "time", "run", "epoch", "step", "learningRate", "seconds", "steps", "samples"];

/**
 * The numbers in what a cost returned: a Variable or a number is the loss, an object has them by name.
 * @param needsLoss whether there has to be one with the name `loss`
 * @throws UsageError for anything else
 */
export function numbersOf(what: string, result: unknown, needsLoss: boolean): Numbers {
  if (typeof result === "number" || result instanceof Variable) return { loss: numberOf(what, "the loss", result) };
  const plain = typeof result === "object" && result !== null && !isList(result);
  const entries = plain ? Object.entries(result).filter(([, value]) => value !== undefined) : [];
  if (entries.length === 0 || (needsLoss && !entries.some(([name]) => name === "loss"))) {
    throw new UsageError(`${what} must return the loss, or an object with ${needsLoss ? "it as `loss`" : "numbers"}, but returned ${describe(result)}.`);
  }
  return Object.fromEntries(entries.map(([name, value]) => {
    if (reserved.includes(name)) throw new UsageError(`${what} returned a number named ${JSON.stringify(name)}, which fit uses itself. Give it another name.`);
    return [name, numberOf(what, JSON.stringify(name), value)];
  }));
}

function numberOf(what: string, name: string, value: unknown): number {
  if (typeof value === "number") return value;
  if (value instanceof Variable && value.size === 1) return value.item();
  throw new UsageError(`${what} must return single numbers, but ${name} is ${describe(value)}. Reduce it, for example with mean(), or leave it out.`);
}

/** What a cost gave for a batch: its numbers, and the weight that it said itself. */
export interface Measurement {
  readonly numbers: Numbers;
  readonly weight: number | null;
}

/**
 * As `numbersOf`, of the cost of a batch: `weight` is no number to be averaged, but says how much the others count.
 * @throws UsageError also for a weight that is none
 */
export function measurementOf(what: string, result: unknown, needsLoss: boolean): Measurement {
  const { weight, ...numbers } = numbersOf(what, result, needsLoss);
  if (Object.keys(numbers).length === 0) {
    throw new UsageError(`${what} returned a weight, but nothing that has it. Return the loss beside it, { loss, weight }.`);
  }
  return { numbers, weight: weight === undefined ? null : checkWeight(`${what} must return as weight`, weight) };
}

/** @throws UsageError unless it is a finite number of at least 0 */
export function checkWeight(what: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value < Infinity) return value;
  throw new UsageError(`${what} a finite number of at least 0, but got ${describe(value)}.`);
}

/** What is kept of means that are being taken. */
export type MeansState = readonly (readonly [name: string, sum: number, weight: number])[];

/** Σ wᵢvᵢ / Σ wᵢ of each number, over the batches that gave it. */
export class Means {
  private readonly sums = new Map<string, [sum: number, weight: number]>();

  add(numbers: Numbers, weight: number): void {
    for (const [name, value] of Object.entries(numbers)) {
      const entry = this.sums.get(name) ?? [0, 0];
      this.sums.set(name, [entry[0] + (weight === 0 ? 0 : weight * value), entry[1] + weight]);
    }
  }

  get values(): Numbers { return Object.fromEntries([...this.sums].map(([name, [sum, weight]]) => [name, sum / weight])); }

  get state(): MeansState { return [...this.sums].map(([name, entry]) => [name, ...entry]); }
  set state(state: MeansState) {
    this.sums.clear();
    for (const [name, sum, weight] of state) this.sums.set(name, [sum, weight]);
  }
}
