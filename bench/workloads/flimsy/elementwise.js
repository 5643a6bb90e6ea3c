// @ts-check
import { Component, parameter, sigmoid, tanh, zeros } from "flimsy-ml";
import { training } from "./training.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { length } = problem.sizes;
  // user code
  class Chain extends Component {
    a = parameter(zeros([length]));
    b = parameter(zeros([length]));
    c = parameter(zeros([length]));
    d = parameter(zeros([length]));
    cost() { return tanh(this.a.mul(this.b).add(this.c)).mul(sigmoid(this.d)).sum(); }
  }

  const model = new Chain();
  // end
  return training(problem, model, () => model.cost(), null);
}
