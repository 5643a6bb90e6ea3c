import * as tf from "@tensorflow/tfjs";
import { tensor, training, values, weights } from "./training.js";

export function create(problem) {
  const { classes, learningRate, decay } = problem.sizes;
  const [w, b] = [weights(problem, "w"), values(problem, "b")];
  // user code
  const x = tensor(problem.data.x);
  const y = tf.oneHot(tensor(problem.data.y), classes);
  const cost = () => tf.losses.softmaxCrossEntropy(y, tf.add(tf.matMul(x, w), b), 1, 0, tf.Reduction.SUM);
  const optimizer = tf.train.rmsprop(learningRate, decay);
  // end
  return training([w, b], cost, optimizer);
}
