import { type CostOptions, cost, type Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { LinearModel } from "./linear-model.ts";

/**
 * Linear regression: y given x is Gaussian around x·wᵀ + b with unit variance.
 *
 *     const θ = new LinearRegression({ inputs: 5, outputs: 1 });
 *     grad(() => θ.cost(x, y));
 */
export class LinearRegression extends LinearModel {
  /** The mean of y: [..., inputs] → [..., outputs]. */
  predict(x: Variable): Variable {
    checkArguments("predict", arguments, 1);
    return this.score(x);
  }

  /**
   * Half the sum of squared errors.
   * @param x [..., inputs]
   * @param y [..., outputs]
   * @param options weights of the samples, sum or mean
   */
  cost(x: Variable, y: cost.Numbers, options?: CostOptions): Variable {
    checkArguments("cost", arguments, 3);
    return cost.mse(this.score(x), y, options);
  }
}
