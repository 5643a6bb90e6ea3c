/** Averages of the parameters in a training: they take their place wherever it is measured. */

import { type Component, type ParameterAverage, type State, UsageError } from "../index.ts";
import { read, type Values, valuesOf } from "./values.ts";

/** What is kept of averages. */
export interface AverageState {
  readonly weight: number;
  readonly values: Values;
}

export class Averaging {
  constructor(private readonly component: Component, private readonly average: ParameterAverage | undefined) {}

  update(): void { this.average?.update(); }

  /** What an update writes, and is read in the shortest time. */
  get weight(): State | undefined { return this.average?.weight; }

  /** Runs a part of the training with the averages as the values of the parameters. */
  async during<T>(part: () => Promise<T>): Promise<T> {
    if (this.average === undefined) return part();
    const parameters = this.component.parameters();
    const values = await read(parameters);
    try {
      this.average.copyTo();
      return await part();
    } finally {
      parameters.forEach((parameter, i) => { parameter.assign(values[i]); });
    }
  }

  private get arrays(): State[] { return [...(this.average?.averages.values() ?? [])]; }

  async state(): Promise<AverageState | undefined> {
    if (this.average === undefined) return undefined;
    const [[weight], ...values] = await read([this.average.weight, ...this.arrays]);
    return { weight, values };
  }

  /** @throws UsageError for averages of other parameters */
  check(saved: AverageState | undefined): void {
    if (this.average === undefined || saved === undefined) return;
    const { arrays } = this;
    if (saved.values.length === arrays.length && saved.values.every((values, i) => values.length === arrays[i].size)) return;
    throw new UsageError("The checkpoint has averages of other parameters than those that fit was given as ema. Give the average of the same ones.");
  }

  /** Goes on from averages that were kept; where there are none they begin as they are. */
  resume(saved: AverageState | undefined): void {
    if (this.average === undefined || saved === undefined) return;
    this.average.weight.assign(saved.weight);
    this.arrays.forEach((array, i) => { array.assign(saved.values[i]); });
  }

  /** The same; gives what the parameters are when they are measured, and state. */
  async restored(saved: AverageState | undefined): Promise<Values> {
    this.resume(saved);
    return this.during(() => valuesOf(this.component));
  }
}
