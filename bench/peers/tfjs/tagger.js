import * as tf from "@tensorflow/tfjs";
import { recurrent } from "./cells.js";
import { tensor, training, values, weights } from "./training.js";

export function tagger(problem, cell, variant) {
  const { classes, learningRate, decay, clip } = problem.sizes;
  const { run, variables, x } = recurrent(problem, cell, variant);
  const [w, b] = [weights(problem, "readout.w"), values(problem, "readout.b")];
  // user code
  const y = tf.oneHot(tensor(problem.data.y), classes);
  const cost = () => tf.losses.softmaxCrossEntropy(y, tf.add(tf.matMul(tf.concat(run(x), 0), w), b), 1, 0, tf.Reduction.SUM);
  const optimizer = tf.train.rmsprop(learningRate, decay);
  // end
  return training([...variables, w, b], cost, optimizer, { clip });
}
