import { elementwise } from "../operations/elementwise.ts";
import { fraction, optional, positive } from "../support/kinds.ts";
import type { Variable } from "../engine/variable.ts";
import { averaged, besides, settled } from "./average.ts";
import { ElementwiseOptimizer, type OptimizerOptions } from "./optimizer.ts";
import type { Numbers, NumberKinds } from "./parameter-group.ts";
import { rate, type Schedule } from "./rate.ts";
import type { Updated } from "./updated.ts";

export interface GravesOptions extends Partial<OptimizerOptions> {
  /** How much of the averages stays at each update; 0.95 unless given. */
  readonly decay?: number | Schedule | undefined;
  /** How much of the velocity stays at each update; 0.9 unless given. */
  readonly momentum?: number | Schedule | undefined;
  /** Added to the variance; 10⁻⁴ unless given. */
  readonly epsilon?: number | Schedule | undefined;
}

/** n − m² of the next averages, from n − m² and m of these; no difference of large numbers, so it cannot become negative. */
const spread = elementwise("variance", (variance, mean, gradient, decay, share, nothing) => {
  const difference = gradient.sub(mean);
  return settled(variance.add(difference.mul(difference).mul(share)).mul(decay), nothing);
});
const accelerate = elementwise("gravesVelocity", (velocity, gradient, variance, momentum, rate, epsilon) =>
  settled(velocity.mul(momentum).sub(gradient.mul(rate).div(variance.add(epsilon).sqrt()))));
const move = elementwise("graves", (value, velocity) => value.add(velocity));

/**
 * RMSProp with momentum, where each entry is scaled by the running standard deviation of its gradient
 * (A. Graves: Generating Sequences With Recurrent Neural Networks, arXiv:1308.0850, equations 38 to 45):
 * n ← ρ·n + (1 − ρ)·g², m ← ρ·m + (1 − ρ)·g, v ← μ·v − η·g / √(n − m² + ε), θ ← θ + v.
 * It keeps n − m², the variance, instead of n. The learning rate is the paper's 10⁻⁴ unless given.
 * @example
 * const w = parameter([3, -100]);
 * const optimizer = new Graves(w, { learningRate: 0.1 });
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * // Less η / √(ρ · (1 − ρ)), whatever the gradient is
 * w.toArray(); // [2.541, -99.541]
 */
export class Graves extends ElementwiseOptimizer<GravesOptions> {
  static override get options(): NumberKinds<GravesOptions> {
    return { learningRate: optional(rate, 1e-4), decay: optional(fraction, 0.95), momentum: optional(fraction, 0.9), epsilon: optional(positive, 1e-4) };
  }

  protected readonly slots: readonly string[] = ["mean", "variance", "velocity"];

  protected rule(
    value: Variable, gradient: Variable, [mean, variance, velocity]: readonly Variable[],
    { learningRate, decay, momentum, epsilon }: Numbers<GravesOptions>,
  ): Updated {
    const nothing = besides(epsilon);
    const nextVariance = spread(variance, mean, gradient, decay, 1 - decay, nothing);
    const nextMean = averaged(mean, gradient, 1 - decay, nothing);
    const nextVelocity = accelerate(velocity, gradient, nextVariance, momentum, learningRate, epsilon);
    return { value: move(value, nextVelocity), slots: [nextMean, nextVariance, nextVelocity] };
  }
}
