import * as tf from "@tensorflow/tfjs";
import { product } from "./product.js";
import { tensor, training, values, weights } from "./training.js";

export function create(problem, variant) {
  const { classes, learningRate } = problem.sizes;
  const variables = [weights(problem, "w.0"), values(problem, "b.0"), weights(problem, "w.1"), values(problem, "b.1")];
  const [w0, b0, w1, b1] = variables;
  const matMul = product(variant);
  // user code
  const x = tensor(problem.data.x);
  const y = tf.oneHot(tensor(problem.data.y), classes);
  const cost = () => {
    const h = tf.relu(tf.add(matMul(x, w0), b0));
    return tf.losses.softmaxCrossEntropy(y, tf.add(matMul(h, w1), b1));
  };
  const optimizer = tf.train.adam(learningRate);
  // end
  return training(variables, cost, optimizer);
}
