// @ts-check
/** Two convolutions with pooling and a dense layer on images of the size of MNIST's; the numbers are random. */

import { constant, source } from "./problem.js";

/** @type {import("./problem.js").Workload} */
export const convnet = {
  title: "16 and 32 filters 5×5, max pools, dense; images 28×28, batch 32, Adam",
  sizes: { size: 28, filters1: 16, filters2: 32, window: 5, padding: 2, classes: 10, batch: 32, learningRate: 0.001 },
  make({ size, filters1, filters2, window, padding, classes, batch }) {
    const { numbers, integers, weights } = source(7);
    const after = (/** @type {number} */ n) => Math.floor((n + 2 * padding - window + 1) / 2);
    const flat = filters2 * after(after(size)) ** 2;
    return {
      data: { x: numbers([batch, 1, size, size], 0, 1), y: integers([batch], 0, classes) },
      parameters: {
        "conv1.w": weights(filters1, 1, window, window), "conv1.b": constant([filters1], 0),
        "conv2.w": weights(filters2, filters1, window, window), "conv2.b": constant([filters2], 0),
        "readout.w": weights(classes, flat), "readout.b": constant([classes], 0),
      },
    };
  },
};
