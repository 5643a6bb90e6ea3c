import { elementwise } from "../operations/elementwise.ts";
import type { Variable } from "../engine/variable.ts";
import { ElementwiseOptimizer, type Updated } from "./optimizer.ts";
import type { Numbers } from "./parameter-group.ts";

const descend = /*#__PURE__*/ elementwise("gradientDescent", (value, gradient, rate) => value.sub(gradient.mul(rate)));

/** Gradient descent: θ ← θ − η·g. */
export class GradientDescent extends ElementwiseOptimizer {
  protected readonly slots: readonly string[] = [];

  protected rule(value: Variable, gradient: Variable, _: readonly Variable[], { learningRate }: Numbers): Updated {
    return { value: descend(value, gradient, learningRate), slots: [] };
  }
}
