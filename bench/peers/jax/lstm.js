import { numpy as np } from "@jax-js/jax";
import { recurrent } from "./cells.js";
import { sgd } from "./sgd.js";
import { array, crossEntropy, labels, lengths, training, values, weights } from "./training.js";

export function create(problem) {
  const { classes, learningRate } = problem.sizes;
  const { params: rnn, parts, run } = recurrent(problem, "lstm");
  // user code
  const params = { ...rnn, v: weights(problem, "readout.w"), d: values(problem, "readout.b") };
  const data = { x: array(problem.data.x), y: labels(problem, classes) };
  function cost({ v, d, ...rnn }, { x, y }) {
    const states = run(rnn, x);
    const last = states.pop();
    for (const h of states) h.dispose();
    return crossEntropy(np.matmul(last, v).add(d), y);
  }
  const optimizer = sgd(learningRate);
  // end
  return training(params, data, cost, optimizer, { ...parts, v: lengths("readout.w"), d: lengths("readout.b") });
}
