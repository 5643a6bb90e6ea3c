import { elementwise } from "../operations/elementwise.ts";
import { fraction, optional, positive } from "../support/kinds.ts";
import { fromValues, type Variable } from "../engine/variable.ts";
import { averaged, averagedRoot, averagedRootOfAny, besides } from "./average.ts";
import { ElementwiseOptimizer, type OptimizerOptions } from "./optimizer.ts";
import type { Numbers, NumberKinds } from "./parameter-group.ts";
import { rate, type Schedule } from "./rate.ts";
import type { Updated } from "./updated.ts";

export interface AdamOptions extends Partial<OptimizerOptions> {
  /** β₁: how much of the mean of the gradients stays at each update; 0.9 unless given. */
  readonly beta1?: number | Schedule | undefined;
  /** β₂: how much of the mean of their squares stays; 0.999 unless given. */
  readonly beta2?: number | Schedule | undefined;
  /** ε, added to the root of the second mean; 10⁻⁸ unless given. Below 10⁻³⁸, where float32 ends, it is 2⁻¹²⁶. */
  readonly epsilon?: number | Schedule | undefined;
}

const descend = elementwise("adam", (value, first, root, rate, correction, epsilon) =>
  value.sub(first.mul(rate).div(root.mul(correction).add(epsilon))));

/** What Adam and AdamW remember: m and √v, as v itself is beyond float32 for gradients below 10⁻¹⁹, which count where ε is as small. */
export const adamSlots: readonly string[] = ["firstMoment", "rootSecondMoment"];

/** What earlier versions remembered, v, as its root. */
export function withRoot({ secondMoment, ...others }: Readonly<Record<string, Variable>>): Readonly<Record<string, Variable>> {
  return secondMoment === undefined ? others : { ...others, rootSecondMoment: fromValues(secondMoment.data.map(Math.sqrt), secondMoment.shape) };
}

/**
 * The next moments of Adam, and the numbers that correct their bias towards the zeros that they start from:
 * `rate` is η / (1 − β₁ᵗ) and `correction` √(1 / (1 − β₂ᵗ)).
 */
export function moments(gradient: Variable, [first, root]: readonly Variable[], numbers: Numbers<AdamOptions>) {
  const { learningRate, count, beta1, beta2 } = numbers;
  const epsilon = Math.max(numbers.epsilon, 2 ** -126); // which float32 has
  const nothing = besides(epsilon);
  return {
    first: averaged(first, gradient, 1 - beta1, nothing),
    // Beside most ε a square below 2⁻¹¹² is nothing, and may be forgotten.
    root: epsilon > 2 ** -32 ? averagedRoot(root, gradient, 1 - beta2) : averagedRootOfAny(root, gradient, 1 - beta2, nothing),
    rate: learningRate / (1 - beta1 ** count),
    correction: Math.sqrt(1 / (1 - beta2 ** count)),
    epsilon,
  };
}

/**
 * Adam (D. P. Kingma & J. Ba, arXiv:1412.6980): m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²,
 * θ ← θ − η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε), where t = 1, 2, … counts the updates of the parameter.
 * The learning rate is the paper's 0.001 unless given.
 * @example
 * const w = parameter([3, -100]);
 * const optimizer = new Adam(w, { learningRate: 0.1 });
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * // The first step is as long as the rate, whatever the gradient is.
 * w.toArray(); // [2.90, -99.90]
 */
export class Adam extends ElementwiseOptimizer<AdamOptions> {
  static override get options(): NumberKinds<AdamOptions> {
    return { learningRate: optional(rate, 1e-3), beta1: optional(fraction, 0.9), beta2: optional(fraction, 0.999), epsilon: optional(positive, 1e-8) };
  }

  protected readonly slots = adamSlots;

  protected rule(value: Variable, gradient: Variable, slots: readonly Variable[], numbers: Numbers<AdamOptions>): Updated {
    const { first, root, rate, correction, epsilon } = moments(gradient, slots, numbers);
    return { value: descend(value, first, root, rate, correction, epsilon), slots: [first, root] };
  }

  protected override upgraded(slots: Readonly<Record<string, Variable>>): Readonly<Record<string, Variable>> { return withRoot(slots); }
}
