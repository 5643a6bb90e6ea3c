import { argmax, cost, type Labels, softmax, type Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { LinearModel } from "./linear-model.ts";

/**
 * Softmax (multinomial logistic) regression: y given x is one of `outputs` classes with probabilities softmax(x·wᵀ + b).
 * @example
 * const θ = new SoftmaxRegression({ inputs: 4, outputs: 3 });
 * const x = randn([5, 4]);
 * grad(() => θ.cost(x, [0, 2, 1, 1, 0]));
 * θ.probs(x).shape; // [5, 3]
 * θ.predict(x).shape; // [5]
 */
export class SoftmaxRegression extends LinearModel {
  /** The most probable class: [..., inputs] → [...]. */
  predict(x: Variable): Variable {
    checkArguments("predict", arguments, 1);
    return argmax(this.score(x));
  }

  /** The probabilities of the classes: [..., inputs] → [..., outputs]. */
  probs(x: Variable): Variable {
    checkArguments("probs", arguments, 1);
    return softmax(this.score(x));
  }

  /**
   * The negative log likelihood of labels.
   * @param x [..., inputs]
   * @param y an integer from 0 to outputs − 1 for each sample, or a distribution over the outputs
   * @param options weights of samples and classes, smoothing, the reduction
   * @returns the sum, or the mean over the samples: []
   * @throws as `cost.categoricalCrossEntropyWithScores`
   */
  cost(x: Variable, y: Labels | cost.Numbers, options?: cost.CategoricalCostOptions): Variable;
  cost(x: Variable, y: Labels | cost.Numbers, options?: cost.CategoricalCostOptions, more?: unknown): Variable {
    if (more !== undefined) checkArguments("cost", [x, y, options, more], 3);
    return cost.categoricalCrossEntropyWithScores(this.score(x), y, options);
  }
}
