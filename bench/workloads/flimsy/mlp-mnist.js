// @ts-check
import { Adam, cost, input } from "flimsy-ml";
import { FeedForward } from "flimsy-ml/components";
import { training } from "./training.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { inputs, hidden, classes, learningRate } = problem.sizes;
  // user code
  const x = input(problem.data.x.values, problem.data.x.shape);
  const y = /** @type {Int32Array} */ (problem.data.y.values);
  const model = new FeedForward({ inputs, hidden: [hidden], outputs: classes });
  const optimizer = new Adam(model, { learningRate });
  const costOf = () => cost.categoricalCrossEntropyWithScores(model.forward(x), y, { reduction: "mean" });
  // end
  return training(problem, model, costOf, optimizer);
}
