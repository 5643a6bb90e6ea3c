/** Metrics as they grow, batch by batch. */

import { ready, ShapeError, UsageError, type Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { checkInstance } from "../support/check.ts";
import { type Kind, type Result, resultOf } from "./metric-results.ts";

/**
 * What a function of `metric` gives for some samples: sums and counts, or what else it takes to go on with further samples. A cost for `fit` returns it by a
 * name, beside the loss. It is made of operations, so that a step computes it without a look.
 *
 * @example
 * const right = metric.accuracy(input([[2, 1], [0, 3], [1, 0]]), [0, 1, 1]);
 * right.result(); // 0.6667
 */
export class Metric<R extends Result = number> {
  /**
   * @internal Use a function of `metric`.
   * @param values what is added up over batches, or put one after another
   */
  constructor(readonly kind: Kind, readonly values: Variable) {}

  /** What it is of these samples alone: a number, or the matrix of `confusionMatrix`. */
  result(): R {
    checkArguments("result", arguments, 0);
    return new Running<R>().add(this).result();
  }

  /** The same, when its numbers are there: on every device. */
  async resultAsync(): Promise<R> {
    checkArguments("resultAsync", arguments, 0);
    return (await ready(this)).result();
  }
}

/** What is kept of a metric that is going on. */
export type RunningState = readonly [kind: Kind, values: Float64Array];

/**
 * A metric over batches, for loops of one's own: `fit` does the same with what a cost returns. Of matrices it is a `Running<Matrix>`.
 *
 * @example
 * const f1 = new metric.Running();
 * for (const [scores, labels] of [[[[2, 1], [0, 3]], [0, 1]], [[[1, 0], [0, 1]], [1, 1]]] as const) {
 *   f1.add(metric.f1(input(scores), labels));
 * }
 * f1.result(); // 0.8
 */
export class Running<R extends Result = number> {
  private kind: Kind | null = null;
  /** One array of sums, or arrays that are put one after another. */
  private parts: Float64Array[] = [];

  constructor() { checkArguments("Running", arguments, 0); }

  /**
   * Adds samples.
   * @throws UsageError for a metric of another kind; ShapeError for one of another number of classes
   */
  add(more: Metric<R>): this {
    checkArguments("add", arguments, 1);
    const { kind, values: { data } } = this.check(checkInstance("add", "what a function of metric gives", more, Metric));
    const [sums] = this.parts;
    if (sums === undefined || collects(kind)) this.parts.push(Float64Array.from(data));
    else for (let i = 0; i < sums.length; i++) sums[i] += data[i];
    this.kind = kind;
    return this;
  }

  /**
   * The same, when its numbers are there: on every device.
   * @throws as `add`
   * @example
   * const running = new metric.Running();
   * await running.addAsync(metric.accuracy(input([[2, 1], [0, 3]]), [0, 0]));
   * running.result(); // 0.5
   */
  async addAsync(more: Metric<R>): Promise<this> {
    checkArguments("addAsync", arguments, 1);
    return this.add(await ready(more));
  }

  /** @internal What can be added, as it is. */
  check(more: Metric<R>): Metric<R> {
    const { kind, values: { size } } = more;
    if (this.kind === null) return more;
    if (kind.name !== this.kind.name || kind.average !== this.kind.average) {
      throw new UsageError(`add got ${textOf(kind)}, but what it goes on with is ${textOf(this.kind)}: make a Running for each.`);
    }
    const [{ length }] = this.parts;
    if (collects(kind) || length === size) return more;
    throw new ShapeError(`add got ${kind.name} with ${size} numbers after ${length}: that is another number of classes.`);
  }

  /** What it is of all samples so far; NaN before the first. */
  result(): R {
    checkArguments("result", arguments, 0);
    const { state } = this;
    return (state === null ? NaN : resultOf(...state)) as R;
  }

  /** Forgets all samples. */
  reset(): void {
    checkArguments("reset", arguments, 0);
    this.kind = null;
    this.parts = [];
  }

  get state(): RunningState | null {
    const { kind, parts } = this;
    if (kind === null) return null;
    if (parts.length > 1) {
      const whole = new Float64Array(parts.reduce((size, part) => size + part.length, 0));
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      this.parts = [whole];
    }
    return [kind, this.parts[0]];
  }

  set state(state: RunningState | null) {
    this.kind = state?.[0] ?? null;
    this.parts = state === null ? [] : [state[1].slice()];
  }
}

/** Whether it needs all samples until the end. */
const collects = ({ name }: Kind): boolean => name === "auc";

const textOf = ({ name, average }: Kind): string => (average === undefined ? name : `${name} ("${average}")`);
