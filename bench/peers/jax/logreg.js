import { numpy as np } from "@jax-js/jax";
import { rmsProp } from "./rms-prop.js";
import { array, crossEntropy, labels, training, values, weights } from "./training.js";

export function create(problem) {
  const { classes, learningRate, decay } = problem.sizes;
  // user code
  const params = { w: weights(problem, "w"), b: values(problem, "b") };
  const data = { x: array(problem.data.x), y: labels(problem, classes) };
  const cost = ({ w, b }, { x, y }) => crossEntropy(np.matmul(x, w).add(b), y);
  const optimizer = rmsProp(learningRate, decay);
  // end
  return training(params, data, cost, optimizer);
}
