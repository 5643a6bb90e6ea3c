// @ts-check
/** A large table of which a batch of rows is looked up and trained: another batch at each step, ten in turns. */

import { source } from "./problem.js";

/** @param {string} optimizer @returns {import("./problem.js").Workload} */
const table = (optimizer) => ({
  title: `table of 100,000 × 32 (1m: 1,000,000 × 16), 1024 rows looked up and moved, ${optimizer}`,
  sizes: { rows: 100_000, width: 32, batch: 1024, batches: 10, learningRate: 0.01 },
  make({ rows, width, batch, batches }) {
    const { integers, numbers } = source(12);
    return { data: { x: integers([batches, batch], 0, rows), y: numbers([batch, width]) }, parameters: { w: numbers([rows, width]) } };
  },
});

export const tableSgd = table("gradient descent (PyTorch: SGD on sparse gradients)");
export const tableAdam = table("lazy Adam (PyTorch: SparseAdam)");
