/** Averaging what steps give: each number by its name, every batch with the weight that it has. Metrics know themselves how they go on. */

import { UsageError, Variable } from "../index.ts";
import { isList } from "../support/arrays.ts";
import { describe } from "../support/describe.ts";
import type { Matrix, Result } from "./metric-results.ts";
import { Metric, Running, type RunningState } from "./running.ts";

export type Numbers = Record<string, number>;
export type Matrices = Record<string, Matrix>;
/** What a cost gave, by name. */
export type Measures = Record<string, number | Metric<Result>>;

/** Names that lines of metrics use for themselves. */
export const reserved: readonly string[] = ["event", "time", "run", "epoch", "step", "learningRate", "seconds", "steps", "samples"];

/**
 * The numbers in what a cost returned: a Variable or a number is the loss, an object has them by name, and metrics.
 * @param needsLoss whether there has to be one with the name `loss`
 * @throws UsageError for anything else
 */
export function measuresOf(what: string, result: unknown, needsLoss: boolean): Measures {
  if (typeof result === "number" || result instanceof Variable) return { loss: numberOf(what, "the loss", result) };
  const plain = typeof result === "object" && result !== null && !isList(result);
  const entries = plain ? Object.entries(result).filter(([, value]) => value !== undefined) : [];
  if (entries.length === 0 || (needsLoss && !entries.some(([name]) => name === "loss"))) {
    throw new UsageError(`${what} must return the loss, or an object with ${needsLoss ? "it as `loss`" : "numbers"}, but returned ${describe(result)}.`);
  }
  return Object.fromEntries(entries.map(([name, value]) => {
    if (reserved.includes(name)) throw new UsageError(`${what} returned a number named ${JSON.stringify(name)}, which fit uses itself. Give it another name.`);
    return [name, value instanceof Metric ? value : numberOf(what, JSON.stringify(name), value)];
  }));
}

function numberOf(what: string, name: string, value: unknown): number {
  if (typeof value === "number") return value;
  if (value instanceof Variable && value.size === 1) return value.item();
  throw new UsageError(`${what} must return single numbers, but ${name} is ${describe(value)}. Reduce it, for example with mean(), or leave it out.`);
}

/** What a cost gave for a batch, and the weight that it said itself. */
export interface Measurement {
  readonly measures: Measures;
  readonly weight: number | null;
}

/**
 * As `measuresOf`, of the cost of a batch: `weight` is no number to be averaged, but says how much the others count.
 * @throws UsageError also for a weight that is none
 */
export function measurementOf(what: string, result: unknown, needsLoss: boolean): Measurement {
  const { weight, ...measures } = measuresOf(what, result, needsLoss);
  if (Object.keys(measures).length === 0) {
    throw new UsageError(`${what} returned a weight, but nothing that has it. Return the loss beside it, { loss, weight }.`);
  }
  return { measures, weight: weight === undefined ? null : checkWeight(`${what} must return as weight`, weight) };
}

/** @throws UsageError unless it is a finite number of at least 0 */
export function checkWeight(what: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value < Infinity) return value;
  throw new UsageError(`${what} a finite number of at least 0, but got ${describe(value)}.`);
}

/** Σ wᵢvᵢ / Σ wᵢ */
class Mean {
  constructor(private sum = 0, private weight = 0) {}

  add(value: number, weight: number): void {
    this.sum += weight === 0 ? 0 : weight * value;
    this.weight += weight;
  }

  result(): number { return this.sum / this.weight; }

  get state(): readonly [sum: number, weight: number] { return [this.sum, this.weight]; }
}

/** What is kept of means that are being taken, and of metrics. */
export type MeansState = readonly (readonly [name: string, ...state: Mean["state"] | RunningState])[];

/** The mean of each number, over the batches that gave it; of metrics the result over all. */
export class Means {
  private readonly parts = new Map<string, Mean | Running<Result>>();

  /**
   * A measurement that can be added, before anything is done with it.
   * @throws UsageError for a number where a metric was, or the other way round, or for another metric
   */
  checked(measurement: Measurement): Measurement {
    for (const [name, value] of Object.entries(measurement.measures)) {
      const part = this.parts.get(name);
      if (part instanceof Running && value instanceof Metric) part.check(value);
      else if (part !== undefined && part instanceof Running !== value instanceof Metric) {
        throw new UsageError(`The cost returned ${JSON.stringify(name)} once as a number, once as a metric: return the same of all batches.`);
      }
    }
    return measurement;
  }

  add(measures: Measures, weight: number): void {
    this.checked({ measures, weight });
    for (const [name, value] of Object.entries(measures)) {
      const part = this.parts.get(name) ?? (value instanceof Metric ? new Running<Result>() : new Mean());
      this.parts.set(name, part);
      if (part instanceof Running) part.add(value as Metric<Result>);
      else part.add(value as number, weight);
    }
  }

  private get results(): [string, number | Matrix][] { return [...this.parts].map(([name, part]) => [name, part.result()]); }

  get values(): Numbers { return Object.fromEntries(this.results.filter((entry): entry is [string, number] => typeof entry[1] === "number")); }

  get matrices(): Matrices { return Object.fromEntries(this.results.filter((entry): entry is [string, Matrix] => typeof entry[1] !== "number")); }

  get state(): MeansState { return [...this.parts].map(([name, { state }]) => [name, ...(state as Mean["state"] | RunningState)] as const); }
  set state(state: MeansState) {
    this.parts.clear();
    for (const [name, first, second] of state) {
      this.parts.set(name, typeof first === "number" ? new Mean(first, second as number) : running([first, second as Float64Array]));
    }
  }
}

function running(state: RunningState): Running<Result> {
  const found = new Running<Result>();
  found.state = state;
  return found;
}

/** The numbers of one batch. */
export function numbersOfBatch(measures: Measures): Numbers {
  const means = new Means();
  means.add(measures, 1);
  return means.values;
}
