import { elementwise } from "../operations/elementwise.ts";
import { checkArguments } from "../support/options.ts";
import type { Variable } from "../engine/variable.ts";
import { Optimizer, type OptimizerOptions, type Updated } from "./optimizer.ts";
import type { Numbers, Target } from "./parameter-group.ts";

const descend = /*#__PURE__*/ elementwise("gradientDescent", (value, gradient, rate) => value.sub(gradient.mul(rate)));

/**
 * Gradient descent: θ ← θ − η·g.
 * @example
 * const w = parameter([1, 2]);
 * const optimizer = new GradientDescent(w, { learningRate: 0.1 });
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * w.toArray(); // [0.8, 1.6]
 */
export class GradientDescent extends Optimizer {
  protected readonly slots: readonly string[] = [];
  protected override readonly isRepeatable: boolean = this.rule === GradientDescent.prototype.rule;

  constructor(target: Target<OptimizerOptions>, options: OptimizerOptions) {
    checkArguments("GradientDescent", arguments, 2);
    super(target, options);
  }

  protected rule(value: Variable, gradient: Variable, _: readonly Variable[], { learningRate }: Numbers): Updated {
    return { value: descend(value, gradient, learningRate), slots: [] };
  }
}
