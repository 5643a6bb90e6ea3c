import { input, type Random, type Shape, type Variable } from "../index.ts";
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
 * @example
 * const w = orthonormal([2, 5]);
 * matmul(w, w.transpose()).toArray(); // [[1.000, 0.000], [0.000, 1.000]]
 */
export function orthonormal(shape: Shape, options: InitializationOptions & GainOptions = {}): Variable {
  const random = randomOf("orthonormal", arguments, options, ["gain", "activation"]);
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

/**
 * Normal vectors made orthogonal one after another (Gram–Schmidt). A vector that loses half of its length is projected once more,
 * which is then exact to rounding ("twice is enough": Parlett, The Symmetric Eigenvalue Problem, 1980).
 */
function orthonormalVectors(count: number, length: number, random: Random): Float64Array[] {
  const vectors: Float64Array[] = [];
  while (vectors.length < count) {
    const v = random.normalArray(length);
    let norm = lengthOf(v);
    for (let before = Number.POSITIVE_INFINITY; norm < before / 2; norm = lengthOf(v)) {
      before = norm;
      project(v, vectors);
    }
    if (norm < 1e-8) continue; // it lay within the span of the others: draw again
    vectors.push(v.map((x) => x / norm));
  }
  return vectors;
}

/** Takes from v what lies along the vectors: four at a time, so that no sum waits for the one before. */
function project(v: Float64Array, vectors: readonly Float64Array[]): void {
  const none = new Float64Array(v.length);
  for (let k = 0; k < vectors.length; k += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => vectors[k + i] ?? none);
    let [p, q, r, s] = [0, 0, 0, 0];
    for (let j = 0; j < v.length; j++) {
      p += a[j] * v[j];
      q += b[j] * v[j];
      r += c[j] * v[j];
      s += d[j] * v[j];
    }
    for (let j = 0; j < v.length; j++) v[j] -= p * a[j] + q * b[j] + r * c[j] + s * d[j];
  }
}

function lengthOf(v: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < v.length; j++) sum += v[j] * v[j];
  return Math.sqrt(sum);
}
