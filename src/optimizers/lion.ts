import { elementwise } from "../operations/elementwise.ts";
import { amount, fraction, optional } from "../support/kinds.ts";
import type { Variable } from "../engine/variable.ts";
import { averaged, NOTHING } from "./average.ts";
import { ElementwiseOptimizer, type OptimizerOptions } from "./optimizer.ts";
import type { Numbers, NumberKinds } from "./parameter-group.ts";
import { rate, type Schedule } from "./rate.ts";
import type { Updated } from "./updated.ts";

export interface LionOptions extends Partial<OptimizerOptions> {
  /** β₁: how much of the mean of the gradients counts beside the new one for the direction; 0.9 unless given. */
  readonly beta1?: number | Schedule | undefined;
  /** β₂: how much of the mean stays at each update; 0.99 unless given. */
  readonly beta2?: number | Schedule | undefined;
  /** λ: each update takes η·λ of every parameter away; 0 unless given. As η is smaller than for AdamW, λ is as many times larger. */
  readonly weightDecay?: number | Schedule | undefined;
}

const descend = elementwise("lion", (value, mean, gradient, beta, share, rate, decay) =>
  value.sub(mean.mul(beta).add(gradient.mul(share)).sign().mul(rate)).sub(value.mul(decay)));

/**
 * Lion, found by a search over programs (X. Chen et al.: Symbolic Discovery of Optimization Algorithms, arXiv:2302.06675, algorithm 2):
 * θ ← θ − η · (sign(β₁·m + (1 − β₁)·g) + λ·θ), m ← β₂·m + (1 − β₂)·g. All steps have the same size, so the learning rate is to be
 * 3 to 10 times smaller than that of AdamW; 10⁻⁴ unless given.
 * @example
 * const w = parameter([3, -100]);
 * const optimizer = new Lion(w, { learningRate: 0.125, weightDecay: 0.5 });
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * // Less an eighth, and a sixteenth of what was there
 * w.toArray(); // [2.6875, -93.625]
 */
export class Lion extends ElementwiseOptimizer<LionOptions> {
  static override get options(): NumberKinds<LionOptions> {
    return { learningRate: optional(rate, 1e-4), beta1: optional(fraction, 0.9), beta2: optional(fraction, 0.99), weightDecay: optional(amount, 0) };
  }

  protected readonly slots: readonly string[] = ["mean"];

  protected rule(
    value: Variable, gradient: Variable, [mean]: readonly Variable[], { learningRate, beta1, beta2, weightDecay }: Numbers<LionOptions>,
  ): Updated {
    return {
      value: descend(value, mean, gradient, beta1, 1 - beta1, learningRate, learningRate * weightDecay),
      slots: [averaged(mean, gradient, 1 - beta2, NOTHING)],
    };
  }
}
