import { elementwise } from "../operations/elementwise.ts";
import { amount, optional, positive } from "../support/kinds.ts";
import type { Variable } from "../engine/variable.ts";
import { ElementwiseOptimizer, type OptimizerOptions } from "./optimizer.ts";
import type { Numbers, NumberKinds } from "./parameter-group.ts";
import { rate, type Schedule } from "./rate.ts";
import type { Updated } from "./updated.ts";

export interface AdagradOptions extends Partial<OptimizerOptions> {
  /** The learning rate of update t = 1, 2, … is η / (1 + (t − 1) · lrDecay); 0 unless given. */
  readonly lrDecay?: number | Schedule | undefined;
  /** What the sum of the squares of the gradients begins with; 0 unless given. */
  readonly initialAccumulatorValue?: number | Schedule | undefined;
  /** ε, added to the root of the sum; 10⁻¹⁰ unless given. Below 10⁻³⁸, where float32 ends, it is 2⁻¹²⁶. */
  readonly epsilon?: number | Schedule | undefined;
}

const accumulate = elementwise("sumOfSquares", (sum, gradient) => sum.add(gradient.mul(gradient)));
const descend = elementwise("adagrad", (value, gradient, sum, initial, rate, epsilon) =>
  value.sub(gradient.mul(rate).div(sum.add(initial).sqrt().add(epsilon))));

/**
 * Adagrad (J. Duchi, E. Hazan & Y. Singer: Adaptive Subgradient Methods for Online Learning and Stochastic Optimization, 2011; in the form
 * of PyTorch): s ← s + g², θ ← θ − η·g / (√s + ε). What is seldom met, as rare words, keeps its large steps. The learning rate is 0.01 unless given.
 * @example
 * const w = parameter([3, -100]);
 * const optimizer = new Adagrad(w, { learningRate: 0.1 });
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * // The first step is as long as the rate, whatever the gradient is.
 * w.toArray(); // [2.90, -99.90]
 */
export class Adagrad extends ElementwiseOptimizer<AdagradOptions> {
  static override get options(): NumberKinds<AdagradOptions> {
    return {
      learningRate: optional(rate, 0.01), lrDecay: optional(amount, 0), initialAccumulatorValue: optional(amount, 0), epsilon: optional(positive, 1e-10),
    };
  }

  protected readonly slots: readonly string[] = ["sumOfSquares"];

  protected rule(
    value: Variable, gradient: Variable, [sum]: readonly Variable[],
    { learningRate, count, lrDecay, initialAccumulatorValue, epsilon }: Numbers<AdagradOptions>,
  ): Updated {
    const next = accumulate(sum, gradient);
    const rate = learningRate / (1 + (count - 1) * lrDecay);
    return { value: descend(value, gradient, next, initialAccumulatorValue, rate, Math.max(epsilon, 2 ** -126)), slots: [next] };
  }
}
