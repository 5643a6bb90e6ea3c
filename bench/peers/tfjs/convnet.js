/**
 * Images are [batch, height, width, channels] here. A convolution is a product of windows: conv2d has no gradient of its filters in the
 * wasm backend and a slow one in the cpu backend.
 */

import * as tf from "@tensorflow/tfjs";
import { tensor, training, values, variable } from "./training.js";

export function create(problem) {
  const { window, classes, padding, learningRate } = problem.sizes;
  const filters = (name) => variable(name, tf.transpose(tensor(problem.parameters[name]), [2, 3, 1, 0]));
  const { values: w, shape: [outputs, flat] } = problem.parameters["readout.w"];
  const channels = problem.sizes.filters2;
  const side = Math.sqrt(flat / channels);
  const dense = tf.tensor(w, [outputs, channels, side, side]).transpose([2, 3, 1, 0]).reshape([flat, outputs]);
  const variables = [
    filters("conv1.w"), values(problem, "conv1.b"), filters("conv2.w"), values(problem, "conv2.b"),
    variable("readout.w", dense), values(problem, "readout.b"),
  ];
  const [w1, b1, w2, b2, v, d] = variables;
  // user code
  const x = tf.transpose(tensor(problem.data.x), [0, 2, 3, 1]);
  const y = tf.oneHot(tensor(problem.data.y), classes);

  function conv(x, w) {
    const [batch, height, width, channels] = x.shape;
    const [rows, columns] = [height + 2 * padding - window + 1, width + 2 * padding - window + 1];
    const padded = tf.pad(x, [[0, 0], [padding, padding], [padding, padding], [0, 0]]);
    const parts = [];
    for (let i = 0; i < window; i++) {
      for (let j = 0; j < window; j++) parts.push(tf.slice(padded, [0, i, j, 0], [batch, rows, columns, channels]));
    }
    const windows = tf.reshape(tf.concat(parts, 3), [batch * rows * columns, window * window * channels]);
    const filters = tf.reshape(w, [window * window * channels, w.shape[3]]);
    return tf.reshape(tf.matMul(windows, filters), [batch, rows, columns, w.shape[3]]);
  }
  const layer = (x, w, b) => tf.relu(tf.maxPool(tf.add(conv(x, w), b), 2, 2, "valid"));
  const cost = () => {
    const h = layer(layer(x, w1, b1), w2, b2);
    return tf.losses.softmaxCrossEntropy(y, tf.add(tf.matMul(tf.reshape(h, [h.shape[0], -1]), v), d));
  };
  const optimizer = tf.train.adam(learningRate);
  // end
  return training(variables, cost, optimizer);
}
