// @ts-check
/** A network with one hidden layer on images of the size of MNIST's; the numbers are random. */

import { constant, source } from "./problem.js";

/** @type {import("./problem.js").Workload} */
export const mlpMnist = {
  title: "784-256-10, batch 64, Adam",
  sizes: { inputs: 784, hidden: 256, classes: 10, batch: 64, learningRate: 0.001 },
  make({ inputs, hidden, classes, batch }) {
    const { numbers, integers, weights } = source(6);
    return {
      data: { x: numbers([batch, inputs], 0, 1), y: integers([batch], 0, classes) },
      parameters: { "w.0": weights(hidden, inputs), "b.0": constant([hidden], 0), "w.1": weights(classes, hidden), "b.1": constant([classes], 0) },
    };
  },
};
