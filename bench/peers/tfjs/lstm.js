import * as tf from "@tensorflow/tfjs";
import { recurrent } from "./cells.js";
import { product } from "./product.js";
import { tensor, training, values, weights } from "./training.js";

export function create(problem, variant) {
  const { classes, learningRate } = problem.sizes;
  const { run, variables, x } = recurrent(problem, "lstm", variant);
  const [w, b] = [weights(problem, "readout.w"), values(problem, "readout.b")];
  const matMul = product(variant);
  // user code
  const y = tf.oneHot(tensor(problem.data.y), classes);
  const cost = () => tf.losses.softmaxCrossEntropy(y, tf.add(matMul(run(x).at(-1), w), b), 1, 0, tf.Reduction.SUM);
  const optimizer = tf.train.sgd(learningRate);
  // end
  return training([...variables, w, b], cost, optimizer);
}
