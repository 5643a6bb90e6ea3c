/** The exponentials of a row, in float64. */

import type { FloatArray } from "../kernels/kernel.ts";

interface Tables {
  /** 2^(j / 256). */
  readonly fractions: Float64Array;
  /** 2^(k − 1023), but for the first: it is 0, and stands for all that is below the normal numbers. */
  readonly powers: Float64Array;
}

let tables: Tables | null = null;

const makeTables = (): Tables => ({
  fractions: new Float64Array(256).map((_, j) => 2 ** (j / 256)),
  powers: new Float64Array(2047).map((_, k) => (k === 0 ? 0 : 2 ** (k - 1023))),
});

/**
 * y[k] = e^(x[at + k] − shift) for k < n, with a relative error below 2⁻⁵¹; 0 instead of less than 2⁻¹⁰²², and e⁷⁰⁰ instead of more.
 *
 * A table has the exponential of the nearest multiple of ln 2 / 256, a polynomial that of the rest (Tang: Table-driven implementation of
 * the exponential function in IEEE floating-point arithmetic. ACM Transactions on Mathematical Software, 1989). Without a call in the
 * loop this takes half as long as Math.exp.
 *
 * @returns the sum of y; NaN if x has a NaN
 */
export function exponentials(x: FloatArray, at: number, n: number, shift: number, y: Float64Array): number {
  tables ??= makeTables();
  const { fractions, powers } = tables;
  // Constants of the loop are here and not at the top of the module, where bundlers would make variables of them.
  const perUnit = 256 * Math.LOG2E;
  const least = -709;
  const most = 700;
  // ln 2 / 256 in two parts; the first has so few digits that its products with integers are exact.
  const part = 6.93147180369123816490e-1 / 256;
  const rest = 1.90821492927058770002e-10 / 256;
  // Numbers of this size are integers: adding and subtracting it rounds.
  const round = 1.5 * 2 ** 52;
  let sum = 0;
  for (let k = 0; k < n; k++) {
    let z = x[at + k] - shift;
    z = z < least ? least : z;
    z = z > most ? most : z;
    const multiple = z * perUnit + round - round;
    const r = z - multiple * part - multiple * rest;
    const i = multiple | 0;
    const near = fractions[i & 255];
    const value = (near + near * (r + r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24))))) * powers[(i >> 8) + 1023];
    y[k] = value;
    sum += value;
  }
  return sum;
}
