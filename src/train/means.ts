/** Averaging what steps give: each number by its name, every batch with the same weight. */

import { UsageError, Variable } from "../index.ts";
import { describe, formatShape } from "../shape.ts";

export type Numbers = Record<string, number>;

/** Names that lines of metrics use for themselves. */
export const reserved: readonly string[] = ["event", "time", "epoch", "step", "learningRate", "seconds", "steps", "samples"];

/**
 * The numbers in what a cost returned: a Variable or a number is the loss, an object has them by name.
 * @param needsLoss whether there has to be one with the name `loss`
 * @throws UsageError for anything else
 */
export function numbersOf(what: string, result: unknown, needsLoss: boolean): Numbers {
  if (typeof result === "number" || result instanceof Variable) return { loss: numberOf(what, "the loss", result) };
  const plain = typeof result === "object" && result !== null && !Array.isArray(result) && !ArrayBuffer.isView(result);
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
  const got = value instanceof Variable ? `a Variable of shape ${formatShape(value.shape)}` : describe(value);
  throw new UsageError(`${what} must return single numbers, but ${name} is ${got}. Reduce it, for example with mean(), or leave it out.`);
}

/** What is kept of means that are being taken. */
export type MeansState = Readonly<Record<string, readonly [sum: number, count: number]>>;

export class Means {
  private readonly sums = new Map<string, [sum: number, count: number]>();

  add(numbers: Numbers): void {
    for (const [name, value] of Object.entries(numbers)) {
      const entry = this.sums.get(name);
      if (entry === undefined) this.sums.set(name, [value, 1]);
      else {
        entry[0] += value;
        entry[1]++;
      }
    }
  }

  get values(): Numbers { return Object.fromEntries([...this.sums].map(([name, [sum, count]]) => [name, sum / count])); }

  get state(): MeansState { return Object.fromEntries([...this.sums].map(([name, [sum, count]]) => [name, [sum, count]])); }
  set state(state: MeansState) {
    this.sums.clear();
    for (const [name, [sum, count]] of Object.entries(state)) this.sums.set(name, [sum, count]);
  }
}
