import { type CostOptions, cost, greater, sigmoid, type Variable } from "../index.ts";
import { refusal } from "../support/check.ts";
import { checkArguments } from "../support/options.ts";
import { LinearModel } from "./linear-model.ts";

/**
 * Sigmoid (logistic) regression: each of `outputs` answers is yes with probability σ(x·wᵀ + b), independently of the others.
 * @example
 * const θ = new SigmoidRegression({ inputs: 4, outputs: 2 });
 * grad(() => θ.cost(randn([3, 4]), [[0, 1], [1, 1], [0, 0]]));
 * θ.predict(randn([3, 4]), 0.9).shape; // [3, 2]
 */
export class SigmoidRegression extends LinearModel {
  /**
   * 1 where the probability of yes exceeds a threshold, else 0: [..., inputs] → [..., outputs].
   * @param threshold from 0 to 1, ½ unless given
   * @throws ValueError for another threshold
   */
  predict(x: Variable, threshold = 0.5): Variable {
    checkArguments("predict", arguments, 2);
    if (!(threshold >= 0 && threshold <= 1)) throw refusal(this.constructor.name, "a threshold from 0 to 1", threshold);
    return greater(this.score(x), Math.log(threshold / (1 - threshold)));
  }

  /** The probabilities of yes: [..., inputs] → [..., outputs]. */
  probs(x: Variable): Variable {
    checkArguments("probs", arguments, 1);
    return sigmoid(this.score(x));
  }

  /**
   * The negative log likelihood of answers.
   * @param x [..., inputs]
   * @param y [..., outputs] of 0 and 1, or probabilities
   * @param options weights of the samples, sum or mean
   * @returns the sum, or the mean over the samples: []
   * @throws as `cost.bernoulliCrossEntropyWithScores`
   */
  cost(x: Variable, y: cost.Numbers, options?: CostOptions): Variable {
    checkArguments("cost", arguments, 3);
    return cost.bernoulliCrossEntropyWithScores(this.score(x), y, options);
  }
}
