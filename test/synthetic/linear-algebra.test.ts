import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addLowerTransposedTimes, gramOfLower, invertLower } from "../../src/synthetic/linear-algebra.ts";

/** Lower triangular, with a diagonal away from 0. */
const lower = fc.integer({ min: 1, max: 6 }).chain((n) =>
  fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: n * n, maxLength: n * n }).map((entries) => ({
    n,
    matrix: Float64Array.from(entries, (x, at) => {
      const [row, column] = [Math.floor(at / n), at % n];
      return column > row ? 0 : column === row ? 1.5 + x : x;
    }),
  })),
);

function times(a: Float64Array, b: Float64Array, n: number): number[] {
  return Array.from({ length: n * n }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[Math.floor(at / n) * n + k] * b[k * n + (at % n)];
    return sum;
  });
}

const transposed = (a: Float64Array, n: number) => a.map((_, at) => a[(at % n) * n + Math.floor(at / n)]);

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) {
    expect(Math.abs(actual[i] - expected[i])).toBeLessThan(1e-9 * Math.max(1, Math.abs(expected[i])));
  }
}

describe("lower triangular matrices", () => {
  it("invertLower gives the inverse", () => {
    fc.assert(fc.property(lower, ({ n, matrix }) => {
      const identity = Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
      expectClose(times(matrix, invertLower(matrix, n), n), identity);
    }));
  });

  it("gramOfLower is Lᵀ·L", () => {
    fc.assert(fc.property(lower, ({ n, matrix }) => {
      expectClose(gramOfLower(matrix, n), times(transposed(matrix, n), matrix, n));
    }));
  });

  it("addLowerTransposedTimes adds Lᵀ·v", () => {
    // L = [2 0; 3 4], v = [5, 6]: Lᵀ·v = [2·5 + 3·6, 4·6].
    const out = Float64Array.of(7, 100, 200);
    addLowerTransposedTimes(Float64Array.of(2, 0, 3, 4), Float64Array.of(5, 6), out, 1);
    expect([...out]).toEqual([7, 128, 224]);
  });
});
