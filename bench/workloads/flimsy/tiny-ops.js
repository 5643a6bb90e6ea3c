// @ts-check
import { add, Component, GradientDescent, input, mul, parameter, tanh } from "flimsy-ml";
import { training } from "./training.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { operations, learningRate, width } = problem.sizes;
  // user code
  const shift = input(problem.data.shift.values);
  const factor = input(problem.data.factor.values);

  class Chain extends Component {
    start = parameter(new Float32Array(width));
    cost() {
      /** @type {import("flimsy-ml").Variable} */
      let x = this.start;
      for (let i = 0; i < operations; i++) {
        if (i % 3 === 0) x = add(x, shift);
        else if (i % 3 === 1) x = mul(x, factor);
        else x = tanh(x);
      }
      return x.mul(x).sum();
    }
  }

  const model = new Chain();
  const optimizer = new GradientDescent(model, { learningRate });
  // end
  return training(problem, model, () => model.cost(), optimizer);
}
