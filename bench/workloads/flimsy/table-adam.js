// @ts-check
import { Adam, Component, embed, input, mul, parameter, zeros } from "flimsy-ml";
import { training } from "./training.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { rows, width, batch, batches, learningRate } = problem.sizes;
  const x = Array.from({ length: batches }, (_, k) => problem.data.x.values.subarray(k * batch, (k + 1) * batch));
  // user code
  const y = input(problem.data.y.values, problem.data.y.shape);

  class Table extends Component {
    w = parameter(zeros([rows, width]));
    /** @param {number} k */
    cost(k) {
      const difference = embed(this.w, x[k % batches]).sub(y);
      return mul(difference, difference).sum();
    }
  }

  const model = new Table();
  const optimizer = new Adam(model, { learningRate, lazy: true });
  // end
  return training(problem, model, (k) => model.cost(k), optimizer);
}
