import { nn, numpy as np } from "@jax-js/jax";
import { adam } from "./adam.js";
import { array, crossEntropy, labels, training, values, weights } from "./training.js";

export function create(problem) {
  const { classes, batch, learningRate } = problem.sizes;
  // user code
  const params = { "w.0": weights(problem, "w.0"), "b.0": values(problem, "b.0"), "w.1": weights(problem, "w.1"), "b.1": values(problem, "b.1") };
  const data = { x: array(problem.data.x), y: labels(problem, classes) };
  function cost(p, { x, y }) {
    const h = nn.relu(np.matmul(x, p["w.0"]).add(p["b.0"]));
    return crossEntropy(np.matmul(h, p["w.1"]).add(p["b.1"]), y).mul(1 / batch);
  }
  const optimizer = adam(learningRate);
  // end
  return training(params, data, cost, optimizer);
}
