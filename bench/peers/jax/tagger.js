import { numpy as np } from "@jax-js/jax";
import { recurrent } from "./cells.js";
import { rmsProp } from "./rms-prop.js";
import { array, crossEntropy, labels, lengths, training, values, weights } from "./training.js";

export function tagger(problem, cell) {
  const { classes, learningRate, decay, clip } = problem.sizes;
  const { params: rnn, parts, run } = recurrent(problem, cell);
  // user code
  const params = { ...rnn, v: weights(problem, "readout.w"), d: values(problem, "readout.b") };
  const data = { x: array(problem.data.x), y: labels(problem, classes) };
  const cost = ({ v, d, ...rnn }, { x, y }) => crossEntropy(np.matmul(np.concatenate(run(rnn, x), 0), v).add(d), y);
  const optimizer = rmsProp(learningRate, decay, clip);
  // end
  return training(params, data, cost, optimizer, { ...parts, v: lengths("readout.w"), d: lengths("readout.b") });
}
