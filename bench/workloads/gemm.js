// @ts-check
/** The product of two square matrices, and the sum of its entries, so that it must be computed. */

import { source } from "./problem.js";

/** @type {import("./problem.js").Workload} */
export const gemm = {
  title: "matrix product, forward",
  sizes: { n: 512 },
  updates: false,
  make({ n }) {
    const { numbers } = source(11);
    return { data: { a: numbers([n, n], 0, 1), b: numbers([n, n], 0, 1) }, parameters: {} };
  },
};
