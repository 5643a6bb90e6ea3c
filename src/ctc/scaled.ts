/**
 * The two passes on plain numbers, scaled as by Rabiner (A tutorial on hidden Markov models and selected applications in speech
 * recognition. Proceedings of the IEEE, 1989; section V A): a column that has become small is multiplied, all of it, by a power of two.
 *
 * Numbers of one column may still be too far apart, so that small ones are lost. Whether they matter can be told at the end. At each step
 * the products of the forward and the backward numbers add up to the likelihood, in units of the two columns' scales. Neither column's sum
 * exceeds 2⁵⁰⁰, since the ways on from a state, and those back, take different symbols. A number that underflows loses no more than 2⁻¹⁰⁷⁴,
 * which its column's scaling may make 2⁻⁹⁷⁴, and what it is multiplied by 2⁻⁴⁷⁴ of the likelihood's units; 2⁴⁰ such numbers lose 2⁻⁴³⁴. So if the
 * products add up to more than 2⁻³⁵⁰ at every step, nothing that counts was lost. If not, the utterance needs the numbers of extended.ts: it
 * is very long, or its scores rule out nearly all that spells the labels.
 */

import { EDGE, type Passes, widthOf } from "./passes.ts";

const FIRST = 2 ** 500;
/** A column whose sum is below LOW is multiplied by STEP. */
const LOW = 2 ** 400;
const STEP = 2 ** 100;
const LOG_STEP = 100 * Math.LN2;
/** More than this the products of two columns must add up to. */
const ENOUGH = 2 ** -350;
/** Emissions below this may themselves have lost digits. */
const LEAST = 2 ** -900;

/** How often the forward pass has multiplied. */
let scalings = 0;

function multiply(column: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; i++) column[i] *= STEP;
}

export const scaled: Passes = {
  parts: 1,
  first: FIRST,
  isSafe: false,

  begin(lattice) {
    scalings = 0;
    return lattice.least >= LEAST;
  },

  advance(lattice, columns, from, to) {
    const { distinct, slots, skips, probabilities } = lattice;
    const width = widthOf(lattice);
    for (let t = from; t < to; t++) {
      const low = lattice.lowest(t);
      const high = lattice.highest(t);
      const before = EDGE + (t - from) * width;
      const now = before + width;
      const emission = t * (distinct + 1);
      const emissionOfBlank = probabilities[emission];
      let labelBefore = low === 0 ? 0 : columns[before + low - 1];
      let sum = 0;
      for (let s = low; s <= high; s += 2) {
        const blank = columns[before + s];
        const label = columns[before + s + 1];
        const toBlank = (blank + labelBefore) * emissionOfBlank;
        const toLabel = (label + blank + skips[s + 1] * labelBefore) * probabilities[emission + slots[s + 1]];
        columns[now + s] = toBlank;
        columns[now + s + 1] = toLabel;
        sum += toBlank + toLabel;
        labelBefore = label;
      }
      // The pair that the next step reaches first.
      columns[now + high + 2] = columns[now + high + 3] = 0;
      if (sum < LOW) {
        multiply(columns, now + low, now + high + 2);
        scalings++;
      }
    }
  },

  loss(lattice, columns, last) {
    // A path ends in the last label or in the blank after it.
    const end = last + 2 * lattice.count;
    let total = (lattice.count > 0 ? columns[end - 1] : 0) + columns[end];
    if (total === 0) return Number.NaN;
    for (; total < LOW; total *= STEP) scalings++;
    return scalings * LOG_STEP - Math.log(total / FIRST);
  },

  retreat(lattice, columns, after, from, to, gradient, out) {
    const { symbols, distinct, slots, skips, probabilities, occupancies } = lattice;
    const width = widthOf(lattice);
    for (let t = to - 1; t >= from; t--) {
      const low = lattice.lowest(t);
      const high = lattice.highest(t);
      const now = EDGE + (t - from + 1) * width;
      const emission = t * (distinct + 1);
      const emissionOfBlank = probabilities[emission];
      for (let u = 1; u <= distinct; u++) occupancies[u] = 0;
      let blanks = 0;
      let blank = after[low];
      let label = after[low + 1];
      let sum = 0;
      for (let s = low; s <= high; s += 2) {
        const nextBlank = after[s + 2];
        const nextLabel = after[s + 3];
        const u = slots[s + 1];
        const fromBlank = blank + label;
        const fromLabel = label + nextBlank + skips[s + 3] * nextLabel;
        blanks += columns[now + s] * fromBlank;
        occupancies[u] += columns[now + s + 1] * fromLabel;
        const viaBlank = fromBlank * emissionOfBlank;
        const viaLabel = fromLabel * probabilities[emission + u];
        after[s] = viaBlank;
        after[s + 1] = viaLabel;
        sum += viaBlank + viaLabel;
        blank = nextBlank;
        label = nextLabel;
      }
      occupancies[0] = blanks;
      let total = 0;
      for (let u = 0; u < distinct; u++) total += occupancies[u];
      if (!(total > ENOUGH)) return false;
      if (gradient !== null) lattice.writeGradient(t, total, gradient, out + (t - from) * symbols);
      if (sum < LOW) multiply(after, low, high + 2);
    }
    return true;
  },
};
