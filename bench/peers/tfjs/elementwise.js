import * as tf from "@tensorflow/tfjs";
import { training, values } from "./training.js";

export function create(problem) {
  const variables = ["a", "b", "c", "d"].map((name) => values(problem, name));
  const [a, b, c, d] = variables;
  // user code
  const cost = () => tf.sum(tf.mul(tf.tanh(tf.add(tf.mul(a, b), c)), tf.sigmoid(d)));
  // end
  return training(variables, cost, null);
}
