import * as tf from "@tensorflow/tfjs";
import { tensor, training, values } from "./training.js";

export function create(problem) {
  const { operations, learningRate } = problem.sizes;
  const start = values(problem, "start");
  const [shift, factor] = [tensor(problem.data.shift), tensor(problem.data.factor)];
  // user code
  const cost = () => {
    let x = start;
    for (let i = 0; i < operations; i++) {
      if (i % 3 === 0) x = tf.add(x, shift);
      else if (i % 3 === 1) x = tf.mul(x, factor);
      else x = tf.tanh(x);
    }
    return tf.sum(tf.square(x));
  };
  const optimizer = tf.train.sgd(learningRate);
  // end
  return training([start], cost, optimizer);
}
