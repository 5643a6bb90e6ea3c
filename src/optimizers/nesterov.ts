import { elementwise } from "../operations/elementwise.ts";
import { fraction, optional } from "../support/option.ts";
import type { Variable } from "../engine/variable.ts";
import { accelerate, type MomentumOptions } from "./momentum.ts";
import { ElementwiseOptimizer, type Updated } from "./optimizer.ts";
import type { Numbers, NumberKinds } from "./parameter-group.ts";

const move = /*#__PURE__*/ elementwise("nesterov", (value, before, velocity, momentum) =>
  value.add(velocity).add(velocity.sub(before).mul(momentum)));

/**
 * Nesterov's accelerated gradient, stated for the point at which the gradient is taken (Y. Bengio et al.: Advances in
 * optimizing recurrent networks, arXiv:1212.0901): v′ = μ·v − η·g, θ ← θ + v′ + μ·(v′ − v), v ← v′.
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
