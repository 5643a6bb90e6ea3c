import { elementwise } from "../operations/elementwise.ts";
import { fraction, optional } from "../support/kinds.ts";
import type { Variable } from "../engine/variable.ts";
import { averagedSquare, besides } from "./average.ts";
import { ElementwiseOptimizer, type OptimizerOptions } from "./optimizer.ts";
import type { Numbers, NumberKinds } from "./parameter-group.ts";
import type { Schedule } from "./rate.ts";
import type { Updated } from "./updated.ts";

export interface RmsPropOptions extends OptimizerOptions {
  /** ρ: how much of the running mean square stays at each update; 0.9 unless given. */
  readonly decay?: number | Schedule | undefined;
}

const EPSILON = 1e-8;
const descend = elementwise("rmsProp", (value, gradient, square, rate) =>
  value.sub(gradient.mul(rate).div(square.add(EPSILON).sqrt())));

/**
 * RMSProp (T. Tieleman & G. Hinton, Coursera lecture 6.5, 2012): each entry is scaled by the running root mean square of its
 * gradient. s ← ρ·s + (1 − ρ)·g², θ ← θ − η·g / √(s + 10⁻⁸).
 * @example
 * const w = parameter([3, -100]);
 * const optimizer = new RmsProp(w, { learningRate: 0.1 });
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * // Less η / √(1 − ρ), whatever the gradient is
 * w.toArray(); // [2.6838, -99.6838]
 */
export class RmsProp extends ElementwiseOptimizer<RmsPropOptions> {
  static override get options(): NumberKinds<RmsPropOptions> { return { ...ElementwiseOptimizer.options, decay: optional(fraction, 0.9) }; }

  protected readonly slots: readonly string[] = ["meanSquare"];

  protected rule(
    value: Variable, gradient: Variable, [square]: readonly Variable[], { learningRate, decay }: Numbers<RmsPropOptions>,
  ): Updated {
    const next = averagedSquare(square, gradient, 1 - decay, besides(EPSILON));
    return { value: descend(value, gradient, next, learningRate), slots: [next] };
  }
}
