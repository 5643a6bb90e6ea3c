/** What a training leaves behind: plain data, which survives JSON. */

import type { Matrices, Numbers } from "./means.ts";

/** An epoch that was completed. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** How many steps there had been at its end, over all epochs. */
  readonly step: number;
  /** How many steps it had. */
  readonly steps: number;
  /** How many samples, where that is known; else null. */
  readonly samples: number | null;
  /** The mean of the losses of its steps, each batch with its weight and with the parameters of its moment. */
  readonly loss: number;
  /** The means of the further numbers that the cost returned, and what its metrics are over all samples. */
  readonly metrics: Readonly<Numbers>;
  /** What validation gave after it; null without one. */
  readonly validation: Readonly<Numbers> | null;
  /** Metrics that are matrices, as of confusions; those of validation have names such as `validation/confusions`. */
  readonly matrices: Readonly<Matrices>;
  /** The learning rate of its last update. */
  readonly learningRate: number;
  /** How long it took, without validation. */
  readonly seconds: number;
}

/**
 * Why a training ended: all epochs were done, the goal of `until`, early stopping, Ctrl-C, the AbortSignal, a callback that said so, or an error
 * (in the history that the error carries).
 */
export type Stopped = "finished" | "goal" | "patience" | "interrupted" | "aborted" | "callback" | "failed";

/** The losses of the steps, thinned out: each point is the mean of `every` steps up to its own. */
export interface LossCurve {
  readonly every: number;
  readonly step: readonly number[];
  readonly loss: readonly number[];
}

/** How a training went. */
export interface History {
  readonly epochs: readonly EpochRecord[];
  /** The training loss over the steps, at most 2048 points however long it was. */
  readonly curve: LossCurve;
  readonly stopped: Stopped;
  /** The epoch of which the monitored number was best; null before the first. */
  readonly best: { readonly epoch: number; readonly value: number; readonly name: string } | null;
  /** How many steps were made. */
  readonly step: number;
  /** How long it took in all, over interruptions. */
  readonly seconds: number;
  /** The number of parameters. */
  readonly parameters: number;
  /** The component as it prints itself. */
  readonly model: string;
}

/** What is kept of a curve. */
export interface CurveState extends LossCurve {
  readonly sum: number;
  readonly count: number;
}

/** Collects a curve in bounded memory: when there are too many points, two become one. */
export class Curve {
  private every = 1;
  private readonly step: number[] = [];
  private readonly loss: number[] = [];
  private sum = 0;
  private count = 0;

  /** @param limit the most points, an even number */
  constructor(private readonly limit = 2048) {}

  add(step: number, loss: number): void {
    this.sum += loss;
    if (++this.count < this.every) return;
    this.step.push(step);
    this.loss.push(this.sum / this.count);
    this.sum = this.count = 0;
    if (this.step.length < this.limit) return;
    const half = this.limit / 2;
    for (let i = 0; i < half; i++) {
      this.step[i] = this.step[2 * i + 1];
      this.loss[i] = (this.loss[2 * i] + this.loss[2 * i + 1]) / 2;
    }
    this.step.length = this.loss.length = half;
    this.every *= 2;
  }

  /** The points so far; the last may stand for fewer steps than the others. */
  points(last: number): LossCurve {
    const rest = this.count > 0;
    return {
      every: this.every,
      step: rest ? [...this.step, last] : [...this.step],
      loss: rest ? [...this.loss, this.sum / this.count] : [...this.loss],
    };
  }

  get state(): CurveState {
    return { every: this.every, step: [...this.step], loss: [...this.loss], sum: this.sum, count: this.count };
  }

  set state(state: CurveState) {
    this.step.length = this.loss.length = 0;
    for (const step of state.step) this.step.push(step);
    for (const loss of state.loss) this.loss.push(loss);
    this.every = state.every;
    this.sum = state.sum;
    this.count = state.count;
  }
}
