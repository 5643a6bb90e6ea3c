import * as tf from "@tensorflow/tfjs";
import { chainOf } from "../../workloads/products.js";
import { read, tensor } from "./training.js";

export function create({ sizes: { n, repeats } }) {
  const { start, reflection } = chainOf(n);
  const [a, b] = [start, reflection].map((values) => tensor({ values, shape: [n, n] }));
  const step = () => read(tf.tidy(() => {
    let c = a;
    for (let k = 0; k < repeats; k++) c = tf.matMul(c, b);
    return tf.sum(tf.slice(c, 0, 1));
  }));
  return { step, gradients: async () => ({ loss: await step(), gradients: {} }) };
}
