import * as tf from "@tensorflow/tfjs";
import { tensor } from "./training.js";

export function create({ data }) {
  const [a, b] = [tensor(data.a), tensor(data.b)];
  // user code
  const step = () => tf.tidy(() => tf.sum(tf.matMul(a, b)).dataSync()[0]);
  // end
  return { step, gradients: () => ({ loss: step(), gradients: {} }) };
}
