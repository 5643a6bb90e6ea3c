/**
 * The two passes on numbers without limits, for utterances of which float64 alone would lose too much.
 *
 * Sums of probabilities of paths leave its range after some hundred steps, and within one step they may differ by more than that range.
 * Logarithms would need an exponential and a logarithm for each addition. Here a number is instead a pair m · Bᵉ with B = 2¹⁰⁰⁰ and
 * 2⁻⁵⁰⁰ ≤ m < 2⁵⁰⁰ (or m = 0): neighbours almost always have the same e, and then adding and multiplying is what it is without. Nothing
 * underflows, and no digit of float64 is lost.
 */

import { room } from "./lattice.ts";
import { EDGE, type Passes, widthOf } from "./passes.ts";

const B = 2 ** 1000;
const LOW = 2 ** -500;
const LOG_B = 1000 * Math.LN2;
/** Scores that differ by more than this have no digit in common with their exponential's mantissa. */
const FAR = -1e12;

/** The probability of each slot's symbol, [steps, distinct + 1]. */
let mantissas = new Float64Array(0);
let exponents = new Float64Array(0);
/** The exponent of the likelihood. */
let likelihood = 0;

/** m · Bᵉ for e ≤ 1, where e is almost always an integer; 0 where that cannot count beside a number of exponent 0. */
const shifted = (m: number, e: number): number => (e === 0 || m === 0 ? m : e === -1 ? m / B : e <= -2 ? 0 : m * B ** e);

/** The exponent of what `addApart` has returned. */
let sumExponent = 0;

/** A sum of three numbers that do not all have the same exponent. */
function addApart(m0: number, e0: number, m1: number, e1: number, m2: number, e2: number): number {
  let e = m0 > 0 ? e0 : -Infinity;
  if (m1 > 0 && e1 > e) e = e1;
  if (m2 > 0 && e2 > e) e = e2;
  sumExponent = e;
  if (e > -Infinity) return shifted(m0, e0 - e) + shifted(m1, e1 - e) + shifted(m2, e2 - e);
  sumExponent = e1;
  return 0;
}

/** Writes a number to a column, exponents a width after their mantissas. */
function put(column: Float64Array, at: number, width: number, m: number, e: number): void {
  // Constants of the loops are local: see exponential.ts.
  const low = 2 ** -500;
  const high = 2 ** 500;
  const base = 2 ** 1000;
  if ((m >= low && m < high) || m === 0) {
    column[at] = m;
    column[at + width] = e;
  } else {
    column[at] = m < low ? m * base : m / base;
    column[at + width] = m < low ? e - 1 : e + 1;
  }
}

export const extended: Passes = {
  parts: 2,
  first: 1,
  isSafe: true,

  begin({ steps, symbols, distinct, symbolOf, probabilities, shifts, sums }, scores, from) {
    const size = steps * (distinct + 1);
    mantissas = room(mantissas, size);
    mantissas.set(probabilities.subarray(0, size));
    exponents = room(exponents, size).fill(0, 0, size);
    for (let t = 0; t < steps; t++) {
      for (let u = 0; u < distinct; u++) {
        const at = t * (distinct + 1) + u;
        if (mantissas[at] >= LOW) continue;
        const log = scores[from + t * symbols + symbolOf[u]] - shifts[t] - Math.log(sums[t]);
        if (log > -Infinity) {
          const e = log / LOG_B;
          exponents[at] = log < FAR ? e : Math.round(e);
          mantissas[at] = log < FAR ? 1 : Math.exp(log - Math.round(e) * LOG_B);
        } else mantissas[at] = 0;
      }
    }
    return true;
  },

  advance(lattice, columns, from, to) {
    const { distinct, slots, skips } = lattice;
    const [m, e] = [mantissas, exponents];
    const width = widthOf(lattice);
    for (let t = from; t < to; t++) {
      const low = lattice.lowest(t);
      const high = lattice.highest(t);
      const before = EDGE + (t - from) * 2 * width;
      const now = before + 2 * width;
      const emission = t * (distinct + 1);
      columns[now - 2] = columns[now - 1] = 0;
      let m2 = columns[before + low - 2];
      let e2 = columns[before + low - 2 + width];
      let m1 = columns[before + low - 1];
      let e1 = columns[before + low - 1 + width];
      for (let s = low; s < high + 2; s++) {
        const m0 = columns[before + s];
        const e0 = columns[before + s + width];
        let sum: number;
        let exponent = e0;
        if (e0 === e1 && e1 === e2) sum = m0 + m1 + skips[s] * m2;
        else {
          sum = addApart(m0, e0, m1, e1, skips[s] * m2, e2);
          exponent = sumExponent;
        }
        const u = emission + slots[s];
        put(columns, now + s, width, sum * m[u], exponent + e[u]);
        m2 = m1;
        e2 = e1;
        m1 = m0;
        e1 = e0;
      }
      // The pair that the next step reaches first.
      columns[now + high + 2] = columns[now + high + 3] = 0;
    }
  },

  loss(lattice, columns, last) {
    // A path ends in the last label or in the blank after it.
    const width = widthOf(lattice);
    const end = last + 2 * lattice.count;
    const total = addApart(columns[end], columns[end + width], columns[end - 1], columns[end - 1 + width], 0, 0);
    likelihood = sumExponent;
    return -Math.log(total) - likelihood * LOG_B;
  },

  retreat(lattice, columns, after, from, to, gradient, out) {
    const { symbols, distinct, slots, skips, occupancies } = lattice;
    const [m, e] = [mantissas, exponents];
    const width = widthOf(lattice);
    for (let t = to - 1; t >= from; t--) {
      const low = lattice.lowest(t);
      const high = lattice.highest(t);
      const now = EDGE + (t - from + 1) * 2 * width;
      const emission = t * (distinct + 1);
      occupancies.fill(0, 0, distinct + 1);
      let total = 0;
      let m0 = after[low];
      let e0 = after[low + width];
      let m1 = after[low + 1];
      let e1 = after[low + 1 + width];
      for (let s = low; s < high + 2; s++) {
        const m2 = after[s + 2];
        const e2 = after[s + 2 + width];
        let sum: number;
        let exponent = e0;
        if (e0 === e1 && e1 === e2) sum = m0 + m1 + skips[s + 2] * m2;
        else {
          sum = addApart(m0, e0, m1, e1, skips[s + 2] * m2, e2);
          exponent = sumExponent;
        }
        const u = slots[s];
        const apart = columns[now + s + width] + exponent - likelihood;
        let share = columns[now + s] * sum;
        if (apart !== 0) share = shifted(share, apart);
        occupancies[u] += share;
        total += share;
        put(after, s, width, sum * m[emission + u], exponent + e[emission + u]);
        m0 = m1;
        e0 = e1;
        m1 = m2;
        e1 = e2;
      }
      if (gradient !== null) lattice.writeGradient(t, total, gradient, out + (t - from) * symbols);
    }
    return true;
  },
};
