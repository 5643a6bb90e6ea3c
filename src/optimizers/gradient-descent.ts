import { elementwise } from "../operations/elementwise.ts";
import type { Variable } from "../engine/variable.ts";
import { ElementwiseOptimizer } from "./optimizer.ts";
import type { Numbers } from "./parameter-group.ts";
import type { Updated } from "./updated.ts";

const descend = elementwise("gradientDescent", (value, gradient, rate) => value.sub(gradient.mul(rate)));

/**
 * Gradient descent: θ ← θ − η·g.
 * @example
 * const w = parameter([1, 2]);
 * const optimizer = new GradientDescent(w, { learningRate: 0.1 });
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * w.toArray(); // [0.8, 1.6]
 */
export class GradientDescent extends ElementwiseOptimizer {
  protected readonly slots: readonly string[] = [];
  protected override get keepsOthers(): boolean { return true; }

  protected rule(value: Variable, gradient: Variable, _: readonly Variable[], { learningRate }: Numbers): Updated {
    return { value: descend(value, gradient, learningRate), slots: [] };
  }
}
