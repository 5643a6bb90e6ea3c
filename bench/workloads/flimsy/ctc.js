// @ts-check
import { Component, cost, GradientDescent, parameter, zeros } from "flimsy-ml";
import { training } from "./training.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { steps, batch, symbols, labels, learningRate } = problem.sizes;
  // user code
  const targets = Array.from({ length: batch }, (_, i) => [...problem.data.y.values.slice(i * labels, (i + 1) * labels)]);
  const model = new (class extends Component { scores = parameter(zeros([batch, steps, symbols])); })();
  const optimizer = new GradientDescent(model, { learningRate });
  const costOf = () => cost.ctcWithScores(model.scores, targets);
  // end
  return training(problem, model, costOf, optimizer);
}
