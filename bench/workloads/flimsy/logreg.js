// @ts-check
import { affine, Component, cost, input, parameter, RmsProp, zeros } from "flimsy-ml";
import { training } from "./training.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { features, classes, learningRate, decay } = problem.sizes;
  // user code
  const x = input(problem.data.x.values, problem.data.x.shape);
  const y = /** @type {Int32Array} */ (problem.data.y.values);

  class LogisticRegression extends Component {
    w = parameter(zeros([classes, features]));
    b = parameter(zeros([classes]));
    cost() { return cost.categoricalCrossEntropyWithScores(affine(this.w, x, this.b), y); }
  }

  const model = new LogisticRegression();
  const optimizer = new RmsProp(model, { learningRate, decay });
  // end
  return training(problem, model, () => model.cost(), optimizer);
}
