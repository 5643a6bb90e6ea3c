// @ts-check
/** Connectionist temporal classification: loss and gradient by the scores, which are the parameter. Symbol 0 is the blank. */

import { source } from "./problem.js";

/** @type {import("./problem.js").Workload} */
export const ctc = {
  title: "CTC: T 100, batch 16, 40 symbols, targets of 20, gradient descent",
  sizes: { steps: 100, batch: 16, symbols: 40, labels: 20, learningRate: 0.1 },
  make({ steps, batch, symbols, labels }) {
    const { numbers, integers } = source(9);
    return {
      data: { y: integers([batch, labels], 1, symbols) },
      parameters: { scores: numbers([batch, steps, symbols], -3, 3) },
    };
  },
};
