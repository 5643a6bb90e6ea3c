import { elementwise } from "../operations/elementwise.ts";
import { fraction, optional, positive } from "../support/kinds.ts";
import type { Variable } from "../engine/variable.ts";
import { averagedSquare, besides } from "./average.ts";
import { ElementwiseOptimizer, type OptimizerOptions } from "./optimizer.ts";
import type { Numbers, NumberKinds } from "./parameter-group.ts";
import { rate, type Schedule } from "./rate.ts";
import type { Updated } from "./updated.ts";

export interface AdaDeltaOptions extends Partial<OptimizerOptions> {
  /** ρ: how much of the averages stays at each update; 0.95 unless given. */
  readonly decay?: number | Schedule | undefined;
  /** ε, added to both averages; 10⁻⁶ unless given. */
  readonly epsilon?: number | Schedule | undefined;
}

const change = elementwise("adaDeltaChange", (gradient, meanSquare, meanChange, epsilon) =>
  meanChange.add(epsilon).div(meanSquare.add(epsilon)).sqrt().mul(gradient));
const move = elementwise("adaDelta", (value, change, rate) => value.sub(change.mul(rate)));

/**
 * AdaDelta (M. D. Zeiler, arXiv:1212.5701): s ← ρ·s + (1 − ρ)·g², Δ = −√((d + ε) / (s + ε))·g, d ← ρ·d + (1 − ρ)·Δ²,
 * θ ← θ + η·Δ. The paper has no learning rate: η is 1 unless given.
 * @example
 * const w = parameter([3, -100]);
 * const optimizer = new AdaDelta(w);
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * // The first step is √(ε / (1 − ρ)), whatever the gradient is.
 * w.toArray(); // [2.99553, -99.99553]
 */
export class AdaDelta extends ElementwiseOptimizer<AdaDeltaOptions> {
  static override get options(): NumberKinds<AdaDeltaOptions> {
    return { learningRate: optional(rate, 1), decay: optional(fraction, 0.95), epsilon: optional(positive, 1e-6) };
  }

  protected readonly slots: readonly string[] = ["meanSquare", "meanSquareChange"];

  protected rule(
    value: Variable, gradient: Variable, [square, squareChange]: readonly Variable[],
    { learningRate, decay, epsilon }: Numbers<AdaDeltaOptions>,
  ): Updated {
    const nothing = besides(epsilon);
    const nextSquare = averagedSquare(square, gradient, 1 - decay, nothing);
    const step = change(gradient, nextSquare, squareChange, epsilon);
    return { value: move(value, step, learningRate), slots: [nextSquare, averagedSquare(squareChange, step, 1 - decay, nothing)] };
  }
}
