import { input, type Variable } from "../index.ts";
import type { Random } from "../random/random.ts";
import type { Shape } from "../shape.ts";
import { type GainOptions, gainOf } from "./gain.ts";
import { type InitializationOptions, randomOf, weightsOf } from "./weights.ts";

/**
 * A random matrix whose rows (columns, if there are more rows than columns) are orthogonal and all of length `gain`: it
 * keeps the length of what it is multiplied with, which lets deep and recurrent networks learn from the start (A. Saxe et
 * al.: Exact solutions to the nonlinear dynamics of learning in deep linear neural networks, arXiv:1312.6120).
 * Every direction is equally likely.
 *
 * @param shape [outputs, inputs]; of [outputs, inputs, …window] everything after the outputs counts as one axis
 * @param options gain, 1 unless given, or the activation that follows, which gives √2 for "relu" and 1.1 for "tanh"; random
 * @throws ShapeError for another shape; ValueError for other options
 */
export function orthonormal(shape: Shape, options: InitializationOptions & GainOptions = {}): Variable {
  const random = randomOf("orthonormal", options);
  const { outputs, inputs, window } = weightsOf("orthonormal", shape);
  const gain = gainOf("orthonormal", options);
  const columns = inputs * window;
  const count = Math.min(outputs, columns);
  const length = Math.max(outputs, columns);
  const vectors = orthonormalVectors(count, length, random);
  const values = new Float64Array(outputs * columns);
  const byRow = outputs <= columns;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < length; j++) values[byRow ? i * columns + j : j * columns + i] = gain * vectors[i][j];
  }
  return input(values, shape);
}

/** Normal vectors made orthogonal one after another (Gram–Schmidt), each twice, which is exact to rounding. */
function orthonormalVectors(count: number, length: number, random: Random): Float64Array[] {
  const vectors: Float64Array[] = [];
  while (vectors.length < count) {
    const v = random.normalArray(length);
    for (let pass = 0; pass < 2; pass++) {
      for (const u of vectors) {
        const along = product(u, v);
        for (let j = 0; j < length; j++) v[j] -= along * u[j];
      }
    }
    const norm = Math.sqrt(product(v, v));
    if (norm < 1e-8) continue; // it lay within the span of the others: draw again
    vectors.push(v.map((x) => x / norm));
  }
  return vectors;
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}
