/** Small dense matrices of numbers: square, row-major, n × n in a Float64Array. */

/** The inverse of a lower triangular matrix, which is lower triangular too. */
export function invertLower(lower: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let column = 0; column < n; column++) {
    inverse[column * n + column] = 1 / lower[column * n + column];
    for (let row = column + 1; row < n; row++) {
      let sum = 0;
      for (let k = column; k < row; k++) sum += lower[row * n + k] * inverse[k * n + column];
      inverse[row * n + column] = -sum / lower[row * n + row];
    }
  }
  return inverse;
}

/** Lᵀ·L of a lower triangular matrix. */
export function gramOfLower(lower: Float64Array, n: number): Float64Array {
  const gram = new Float64Array(n * n);
  for (let j = 0; j < n; j++) addLowerTransposedTimes(lower, Float64Array.from({ length: n }, (_, k) => lower[k * n + j]), gram, j * n);
  return gram;
}

/** Adds Lᵀ·v of a lower triangular matrix to `out`, from element `offset` on. */
export function addLowerTransposedTimes(lower: Float64Array, v: Float64Array, out: Float64Array, offset = 0): void {
  const n = v.length;
  for (let k = 0; k < n; k++) {
    for (let i = 0; i <= k; i++) out[offset + i] += lower[k * n + i] * v[k];
  }
}
