/** There is no CTC in TensorFlow.js: the forward recursion in log space, differentiated by the library. */

import * as tf from "@tensorflow/tfjs";
import { oneHot, training, values } from "./training.js";

export function create(problem) {
  const { batch, steps, symbols, labels, learningRate } = problem.sizes;
  const scores = values(problem, "scores");
  const y = problem.data.y.values;
  // user code
  const never = -1e30;
  const states = 2 * labels + 1;
  const symbolOf = (i, s) => (s % 2 === 1 ? y[i * labels + (s - 1) / 2] : 0);
  const table = (f) => Array.from({ length: batch }, (_, i) => Array.from({ length: states }, (_, s) => f(i, s)));
  const chosen = tf.transpose(oneHot(tf.tensor2d(table(symbolOf), [batch, states], "int32"), symbols), [0, 2, 1]);
  // A label may follow the one before the blank between them, unless both are the same.
  const skip = tf.tensor2d(table((i, s) => (s > 1 && s % 2 === 1 && symbolOf(i, s) !== symbolOf(i, s - 2) ? 0 : never)));
  const start = tf.tensor2d(table((_, s) => (s < 2 ? 0 : never)));

  function cost() {
    const emitted = tf.unstack(tf.matMul(tf.logSoftmax(scores), chosen), 1);
    let alpha = tf.add(start, emitted[0]);
    for (let t = 1; t < steps; t++) {
      const before = tf.pad(tf.slice(alpha, [0, 0], [batch, states - 1]), [[0, 0], [1, 0]], never);
      const skipped = tf.add(tf.pad(tf.slice(alpha, [0, 0], [batch, states - 2]), [[0, 0], [2, 0]], never), skip);
      alpha = tf.add(tf.logSumExp(tf.stack([alpha, before, skipped]), 0), emitted[t]);
    }
    return tf.neg(tf.sum(tf.logSumExp(tf.slice(alpha, [0, states - 2], [batch, 2]), 1)));
  }
  const optimizer = tf.train.sgd(learningRate);
  // end
  return training([scores], cost, optimizer);
}
