import { type CostOptions, cost, type Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { LinearModel } from "./linear-model.ts";

/**
 * Linear regression: y given x is Gaussian around x·wᵀ + b with unit variance.
 * @example
 * const θ = new LinearRegression({ inputs: 5, outputs: 1 });
 * const [x, y] = [randn([20, 5]), randn([20, 1])];
 * grad(() => θ.cost(x, y));
 * θ.predict(x).shape; // [20, 1]
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
   * @returns the sum, or the mean over the samples: []
   * @throws as `cost.mse`
   */
  cost(x: Variable, y: cost.Numbers, options?: CostOptions): Variable {
    checkArguments("cost", arguments, 3);
    return cost.mse(this.score(x), y, options);
  }
}
