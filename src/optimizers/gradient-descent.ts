import type { Component } from "../component.ts";
import { elementwise } from "../operations/elementwise.ts";
import type { Parameter, Variable } from "../variable.ts";
import { Optimizer, type OptimizerOptions } from "./optimizer.ts";

const descend = /*#__PURE__*/ elementwise("gradientDescent", (value, gradient, rate) => value.sub(gradient.mul(rate)));

/** Gradient descent: θ ← θ − η·g. */
export class GradientDescent extends Optimizer {
  protected readonly memory: readonly string[] = [];

  constructor(target: Component | readonly Parameter[], options: OptimizerOptions) {
    super(target, options);
  }

  protected rule(value: Variable, gradient: Variable): { value: Variable; state: readonly Variable[] } {
    return { value: descend(value, gradient, this.learningRate), state: [] };
  }
}
