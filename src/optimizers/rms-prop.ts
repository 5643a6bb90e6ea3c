import { elementwise } from "../operations/elementwise.ts";
import { checkArguments } from "../support/options.ts";
import type { Variable } from "../engine/variable.ts";
import { averagedSquare, besides } from "./average.ts";
import { Optimizer, type OptimizerOptions, type Updated } from "./optimizer.ts";
import type { Numbers, Target } from "./parameter-group.ts";
import { fraction } from "./settings.ts";

export interface RmsPropOptions extends OptimizerOptions {
  /** ρ: how much of the running mean square stays at each update; 0.9 unless given. */
  readonly decay?: number | undefined;
}

const EPSILON = 1e-8;
const descend = /*#__PURE__*/ elementwise("rmsProp", (value, gradient, square, rate) =>
  value.sub(gradient.mul(rate).div(square.add(EPSILON).sqrt())));

/**
 * RMSProp (T. Tieleman & G. Hinton, Coursera lecture 6.5, 2012): each entry is scaled by the running root mean square of its
 * gradient. s ← ρ·s + (1 − ρ)·g², θ ← θ − η·g / √(s + 10⁻⁸).
 * @example
 * const w = parameter([3, -100]);
 * const optimizer = new RmsProp(w, { learningRate: 0.1 });
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * // Less η / √(1 − ρ), whatever the gradient is
 * w.toArray(); // [2.6838, -99.6838]
 */
export class RmsProp extends Optimizer<"decay"> {
  protected readonly slots: readonly string[] = ["meanSquare"];
  protected override readonly isRepeatable: boolean = this.rule === RmsProp.prototype.rule;

  constructor(target: Target<RmsPropOptions>, options: RmsPropOptions) {
    checkArguments("RmsProp", arguments, 2);
    super(target, options, { decay: fraction(0.9) });
  }

  protected rule(
    value: Variable, gradient: Variable, [square]: readonly Variable[], { learningRate, decay }: Numbers<"decay">,
  ): Updated {
    const next = averagedSquare(square, gradient, 1 - decay, besides(EPSILON));
    return { value: descend(value, gradient, next, learningRate), slots: [next] };
  }
}
