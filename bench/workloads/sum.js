// @ts-check
/** The sum of a long array, which is not stored either. */

/** @type {import("./problem.js").Workload} */
export const sum = { title: "the sum of a long array", sizes: { length: 1e8 }, updates: false, make: () => ({ data: {}, parameters: {} }) };
