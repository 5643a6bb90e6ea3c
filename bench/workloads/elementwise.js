// @ts-check
/** sum(tanh(a·b + c)·sigmoid(d)) with the gradients of all four. */

import { source } from "./problem.js";

/** @type {import("./problem.js").Workload} */
export const elementwise = {
  title: "sum(tanh(a·b + c)·sigmoid(d)) on a million elements, forward + backward",
  sizes: { length: 1_000_000 },
  updates: false,
  make({ length }) {
    const { numbers } = source(10);
    return { data: {}, parameters: { a: numbers([length]), b: numbers([length]), c: numbers([length], 0, 1), d: numbers([length]) } };
  },
};
