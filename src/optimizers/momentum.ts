import { elementwise } from "../operations/elementwise.ts";
import { fraction, optional } from "../support/kinds.ts";
import type { Variable } from "../engine/variable.ts";
import { settled } from "./average.ts";
import { ElementwiseOptimizer, type OptimizerOptions } from "./optimizer.ts";
import type { Numbers, NumberKinds } from "./parameter-group.ts";
import type { Schedule } from "./rate.ts";
import type { Updated } from "./updated.ts";

export interface MomentumOptions extends OptimizerOptions {
  /** μ: how much of the velocity stays at each update; 0.9 unless given. */
  readonly momentum?: number | Schedule | undefined;
}

/** The next velocity, of Momentum and Nesterov. */
export const accelerate = elementwise("velocity", (velocity, gradient, momentum, rate) =>
  settled(velocity.mul(momentum).sub(gradient.mul(rate))));
const move = elementwise("momentum", (value, velocity) => value.add(velocity));

/**
 * Gradient descent with momentum (B. T. Polyak 1964; in this form I. Sutskever et al.: On the importance of
 * initialization and momentum in deep learning, 2013): v ← μ·v − η·g, θ ← θ + v.
 * @example
 * const w = parameter([0, 0]);
 * const optimizer = new Momentum(w, { learningRate: 0.1 });
 * for (let i = 0; i < 2; i++) {
 *   grad(() => w.sum());
 *   optimizer.update(); // −0.1, then −0.09 − 0.1
 * }
 * w.toArray(); // [-0.29, -0.29]
 */
export class Momentum extends ElementwiseOptimizer<MomentumOptions> {
  static override get options(): NumberKinds<MomentumOptions> { return { ...ElementwiseOptimizer.options, momentum: optional(fraction, 0.9) }; }

  protected readonly slots: readonly string[] = ["velocity"];

  protected rule(
    value: Variable, gradient: Variable, [velocity]: readonly Variable[], { learningRate, momentum }: Numbers<MomentumOptions>,
  ): Updated {
    const next = accelerate(velocity, gradient, momentum, learningRate);
    return { value: move(value, next), slots: [next] };
  }
}
