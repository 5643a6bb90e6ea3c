// @ts-check
/** A chain of products with a reflection, which undoes itself: after an even number of them everything is as before. Too large to be stored: see `chainOf`. */

/** @type {import("./problem.js").Workload} */
export const products = {
  title: "a chain of products of square matrices, forward",
  sizes: { n: 1024, repeats: 2 },
  updates: false,
  make: () => ({ data: {}, parameters: {} }),
};

/** Numbers of [0, 1) that every language computes alike: of element i, the rest of i·7919 by 1009. @param {number} length */
export function ramp(length) {
  const numbers = new Float32Array(length);
  for (let i = 0, rest = 0; i < length; i++, rest = (rest + 7919) % 1009) numbers[i] = rest / 1009;
  return numbers;
}

/** The first matrix, and I − 2·v·vᵀ / |v|² of v = 1, 2, …, 7, 1, 2, …. @param {number} n */
export function chainOf(n) {
  const v = Float64Array.from({ length: n }, (_, i) => 1 + (i % 7));
  const scale = 2 / v.reduce((sum, x) => sum + x * x, 0);
  const reflection = new Float32Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) reflection[i * n + j] = (i === j ? 1 : 0) - scale * v[i] * v[j];
  return { start: ramp(n * n), reflection };
}
