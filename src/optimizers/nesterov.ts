import { elementwise } from "../operations/elementwise.ts";
import { fraction, optional } from "../support/kinds.ts";
import type { Variable } from "../engine/variable.ts";
import { accelerate, type MomentumOptions } from "./momentum.ts";
import { ElementwiseOptimizer } from "./optimizer.ts";
import type { Numbers, NumberKinds } from "./parameter-group.ts";
import type { Updated } from "./updated.ts";

const move = elementwise("nesterov", (value, before, velocity, momentum) =>
  value.add(velocity).add(velocity.sub(before).mul(momentum)));

/**
 * Nesterov's accelerated gradient, stated for the point at which the gradient is taken (Y. Bengio et al.: Advances in
 * optimizing recurrent networks, arXiv:1212.0901): v′ = μ·v − η·g, θ ← θ + v′ + μ·(v′ − v), v ← v′.
 * @example
 * const w = parameter([0, 0]);
 * const optimizer = new Nesterov(w, { learningRate: 0.1 });
 * for (let i = 0; i < 2; i++) {
 *   grad(() => w.sum());
 *   optimizer.update(); // −0.1 − 0.09, then −0.19 − 0.081
 * }
 * w.toArray(); // [-0.461, -0.461]
 */
export class Nesterov extends ElementwiseOptimizer<MomentumOptions> {
  static override get options(): NumberKinds<MomentumOptions> { return { ...ElementwiseOptimizer.options, momentum: optional(fraction, 0.9) }; }

  protected readonly slots: readonly string[] = ["velocity"];

  protected rule(
    value: Variable, gradient: Variable, [velocity]: readonly Variable[], { learningRate, momentum }: Numbers<MomentumOptions>,
  ): Updated {
    const next = accelerate(velocity, gradient, momentum, learningRate);
    return { value: move(value, velocity, next, momentum), slots: [next] };
  }
}
