import * as tf from "@tensorflow/tfjs";
import { read, tensor } from "./training.js";

export function create({ data }) {
  const [a, b] = [tensor(data.a), tensor(data.b)];
  // user code
  const step = () => read(tf.tidy(() => tf.sum(tf.matMul(a, b))));
  // end
  return { step, gradients: async () => ({ loss: await step(), gradients: {} }) };
}
