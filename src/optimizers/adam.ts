import { elementwise } from "../operations/elementwise.ts";
import { checkArguments } from "../support/options.ts";
import type { Variable } from "../variable.ts";
import { averaged, averagedSquare } from "./average.ts";
import { Optimizer, type OptimizerOptions, type Updated } from "./optimizer.ts";
import type { Numbers, Target } from "./parameter-group.ts";
import { fraction, positive, withRate } from "./settings.ts";

export interface AdamOptions extends Partial<OptimizerOptions> {
  /** β₁: how much of the mean of the gradients stays at each update; 0.9 unless given. */
  readonly beta1?: number | undefined;
  /** β₂: how much of the mean of their squares stays; 0.999 unless given. */
  readonly beta2?: number | undefined;
  /** ε, added to the root of the second mean; 10⁻⁸ unless given. */
  readonly epsilon?: number | undefined;
}

export type AdamSetting = "beta1" | "beta2" | "epsilon";

/** The settings of Adam and AdamW. */
export const adamSettings = () => ({ beta1: fraction(0.9), beta2: fraction(0.999), epsilon: positive(1e-8) });

const descend = /*#__PURE__*/ elementwise("adam", (value, first, second, rate, correction, epsilon) =>
  value.sub(first.mul(rate).div(second.mul(correction).sqrt().add(epsilon))));

/**
 * The next moments of Adam, and the numbers that correct their bias towards the zeros that they start from:
 * `rate` is η / (1 − β₁ᵗ) and `correction` 1 / (1 − β₂ᵗ).
 */
export function moments(gradient: Variable, [first, second]: readonly Variable[], { learningRate, count, beta1, beta2 }: Numbers<AdamSetting>) {
  return {
    first: averaged(first, gradient, 1 - beta1),
    second: averagedSquare(second, gradient, 1 - beta2),
    rate: learningRate / (1 - beta1 ** count),
    correction: 1 / (1 - beta2 ** count),
  };
}

/**
 * Adam (D. P. Kingma & J. Ba, arXiv:1412.6980): m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²,
 * θ ← θ − η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε), where t = 1, 2, … counts the updates of the parameter.
 * The learning rate is the paper's 0.001 unless given.
 */
export class Adam extends Optimizer<AdamSetting> {
  protected readonly memory: readonly string[] = ["firstMoment", "secondMoment"];
  protected override readonly isRepeatable: boolean = this.rule === Adam.prototype.rule;

  constructor(target: Target<AdamOptions>, options: AdamOptions = {}) {
    checkArguments("Adam", arguments, 2);
    super(target, withRate(options, 1e-3), adamSettings());
  }

  protected rule(value: Variable, gradient: Variable, state: readonly Variable[], numbers: Numbers<AdamSetting>): Updated {
    const { first, second, rate, correction } = moments(gradient, state, numbers);
    return { value: descend(value, first, second, rate, correction, numbers.epsilon), state: [first, second] };
  }
}
