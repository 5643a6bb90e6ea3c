/** A convolution is a product of windows, which is faster here than lax.convGeneralDilated. */

import { nn, numpy as np } from "@jax-js/jax";
import { adam } from "./adam.js";
import { array, crossEntropy, labels, training, values, weights } from "./training.js";

export function create(problem) {
  const { classes, batch, padding, learningRate } = problem.sizes;
  // user code
  const params = {
    "conv1.w": values(problem, "conv1.w"), "conv1.b": values(problem, "conv1.b"),
    "conv2.w": values(problem, "conv2.w"), "conv2.b": values(problem, "conv2.b"),
    "readout.w": weights(problem, "readout.w"), "readout.b": values(problem, "readout.b"),
  };
  const data = { x: array(problem.data.x), y: labels(problem, classes) };

  function layer(x, w, b) {
    const [filters, channels, size] = w.shape;
    const padded = np.pad(x, [[0, 0], [0, 0], [padding, padding], [padding, padding]]);
    const [n, , rows, columns] = padded.shape;
    const [height, width] = [rows - size + 1, columns - size + 1];
    const windows = Array.from({ length: size * size }, (_, at) => {
      const [i, j] = [Math.floor(at / size), at % size];
      return padded.ref.slice([], [], [i, i + height], [j, j + width]);
    });
    padded.dispose();
    const z = np.stack(windows, 4).transpose([0, 2, 3, 1, 4]).reshape([n * height * width, channels * size * size]);
    const y = np.matmul(z, w.reshape([filters, -1]).transpose()).add(b).reshape([n, height, width, filters]).transpose([0, 3, 1, 2]);
    return nn.relu(np.max(y.reshape([n, filters, height / 2, 2, width / 2, 2]), [3, 5]));
  }
  function cost(p, { x, y }) {
    const h = layer(layer(x, p["conv1.w"], p["conv1.b"]), p["conv2.w"], p["conv2.b"]);
    return crossEntropy(np.matmul(h.reshape([batch, -1]), p["readout.w"]).add(p["readout.b"]), y).mul(1 / batch);
  }
  const optimizer = adam(learningRate);
  // end
  return training(params, data, cost, optimizer);
}
