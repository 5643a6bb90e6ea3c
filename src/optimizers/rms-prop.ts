import type { Component } from "../component.ts";
import { elementwise } from "../operations/elementwise.ts";
import { checkNumber } from "../shape.ts";
import type { Parameter, Variable } from "../variable.ts";
import { Optimizer, type OptimizerOptions } from "./optimizer.ts";

export interface RmsPropOptions extends OptimizerOptions {
  /** How much of the running mean square stays at each update; 0.9 unless given. */
  readonly decay?: number;
}

const average = /*#__PURE__*/ elementwise("meanSquare", (square, gradient, decay) =>
  square.mul(decay).add(gradient.mul(gradient).mul(decay.sub(1).neg())));
const descend = /*#__PURE__*/ elementwise("rmsProp", (value, gradient, square, rate) =>
  value.sub(gradient.mul(rate).div(square.add(1e-8).sqrt())));

/**
 * RMSProp (Tieleman & Hinton, Coursera lecture 6.5, 2012): each entry is scaled by the running root mean square of its gradient.
 * s ← ρ·s + (1 − ρ)·g², θ ← θ − η·g / √(s + 10⁻⁸).
 */
export class RmsProp extends Optimizer {
  protected readonly memory: readonly string[] = ["meanSquare"];
  readonly decay: number;

  constructor(target: Component | readonly Parameter[], options: RmsPropOptions) {
    super(target, options);
    this.decay = checkNumber("RmsProp", "decay", options.decay ?? 0.9, 0, 1);
  }

  protected rule(value: Variable, gradient: Variable, [square]: readonly Variable[]): { value: Variable; state: readonly Variable[] } {
    const next = average(square, gradient, this.decay);
    return { value: descend(value, gradient, next, this.learningRate), state: [next] };
  }
}
