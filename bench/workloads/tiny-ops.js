// @ts-check
/** What one operation costs when its data cost nothing: additions, products and hyperbolic tangents in turn, on 8 floats. */

import { source } from "./problem.js";

/** @type {import("./problem.js").Workload} */
export const tinyOps = {
  title: "1000 alternating add/mul/tanh on 8 floats, gradient descent",
  sizes: { operations: 1000, width: 8, learningRate: 10 },
  make({ width }) {
    const { numbers } = source(1);
    // Factors near −1 keep values and gradients from vanishing on the way, and from becoming denormal.
    return {
      data: { shift: numbers([width], -0.02, 0.02), factor: numbers([width], -1.01, -1) },
      parameters: { start: numbers([width], 0.2, 1) },
    };
  },
};
