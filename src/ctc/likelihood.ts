/**
 * The likelihood of labels and its gradient, for one utterance: the forward-backward algorithm of Graves et al. (2006).
 *
 * Sums of probabilities of paths leave the range of float64 after some hundred steps, and within one step they may differ by
 * more than that range. Logarithms would need an exponential and a logarithm for each addition. Here a number is instead a
 * pair m · Bᵉ with B = 2¹⁰⁰⁰ and 2⁻⁵⁰⁰ ≤ m < 2⁵⁰⁰ (or m = 0): neighbours almost always have the same e, and then adding and
 * multiplying is what it is without. Nothing underflows, and no digit of float64 is lost.
 *
 * Of a long utterance only some columns of the forward table are kept, and the others computed again where they are needed,
 * so memory grows with √steps · labels instead of their product.
 */

import type { FloatArray } from "../kernels/kernel.ts";

const B = 2 ** 1000;
const LOW = 2 ** -500;
const HIGH = 2 ** 500;
const LOG_B = 1000 * Math.LN2;
/** Scores that differ by more than this have no digit in common with their exponential's mantissa. */
const FAR = -1e12;
/** Forward tables of up to so many cells are kept whole. */
const WHOLE_TABLE = 2 ** 20;

/** Arrays that all calls share. Cells of a column begin after two empty ones, and two more follow, so that no state has no neighbour. */
let mantissas = new Float64Array(0);
let exponents = new Float64Array(0);
let savedMantissas = new Float64Array(0);
let savedExponents = new Float64Array(0);
let suffixMantissas = new Float64Array(0);
let suffixExponents = new Float64Array(0);
let emissionMantissas = new Float64Array(0);
let emissionExponents = new Float64Array(0);
let row = new Float64Array(0);
let normalizers = new Float64Array(0);
let occupancies = new Float64Array(0);
let skip = new Float64Array(0);
let slots = new Int32Array(0);
let slotOfSymbol = new Int32Array(0);

const room = <A extends Float64Array | Int32Array>(array: A, size: number): A =>
  array.length >= size ? array : new (array.constructor as new (n: number) => A)(size);

/** m · Bᵉ for e ≤ 1, where e is almost always an integer; 0 where that cannot count beside a number of exponent 0. */
const shifted = (m: number, e: number): number => (e === 0 || m === 0 ? m : e === -1 ? m / B : e <= -2 ? 0 : m * B ** e);

/** The exponent of what `addApart` has returned. */
let sumExponent = 0;

/** A sum of three numbers that do not all have the same exponent. */
function addApart(m0: number, e0: number, m1: number, e1: number, m2: number, e2: number): number {
  let e = m0 > 0 ? e0 : -Infinity;
  if (m1 > 0 && e1 > e) e = e1;
  if (m2 > 0 && e2 > e) e = e2;
  if (e === -Infinity) {
    sumExponent = e1;
    return 0;
  }
  sumExponent = e;
  return shifted(m0, e0 - e) + shifted(m1, e1 - e) + shifted(m2, e2 - e);
}

/**
 * −log of the probability that a random path spells the labels, where each step's symbol has the probabilities softmax(scores).
 *
 * @param scores rows of `symbols` numbers for each step, from `from` on
 * @param labels none of them the blank; their number is `count`, and they begin at `start`
 * @param gradient where the derivatives by the scores go, from `to` on; null if they are not wanted
 * @returns +∞ if no path spells the labels (the derivatives are then 0), NaN if a step has a NaN, +∞ or only −∞
 */
export function negativeLogLikelihoodOf(
  scores: FloatArray, from: number, steps: number, symbols: number,
  labels: FloatArray, start: number, count: number, blank: number,
  gradient: FloatArray | null, to: number,
): number {
  const states = 2 * count + 1;
  const width = states + 4;

  // Each distinct symbol of the states has a slot; the blank's is 0.
  slotOfSymbol = room(slotOfSymbol, symbols).fill(-1);
  slots = room(slots, states);
  skip = room(skip, states);
  slotOfSymbol[blank] = 0;
  let distinct = 1;
  for (let i = 0; i < count; i++) {
    const label = labels[start + i];
    if (slotOfSymbol[label] < 0) slotOfSymbol[label] = distinct++;
    slots[2 * i] = skip[2 * i] = 0;
    slots[2 * i + 1] = slotOfSymbol[label];
    skip[2 * i + 1] = i > 0 && label !== labels[start + i - 1] ? 1 : 0;
  }
  slots[2 * count] = skip[2 * count] = 0;

  const logNormalizer = emissions(scores, from, steps, symbols, distinct, gradient, to);
  if (Number.isNaN(logNormalizer)) {
    gradient?.fill(Number.NaN, to, to + steps * symbols);
    return Number.NaN;
  }

  // The forward table, `keep` columns at a time; row 0 holds the column before them.
  const keep = gradient === null ? 1 : (steps + 1) * width <= WHOLE_TABLE ? Math.max(1, steps) : Math.ceil(Math.sqrt(steps));
  const segments = Math.ceil(steps / keep);
  const isSaving = gradient !== null && segments > 1;
  mantissas = room(mantissas, (keep + 1) * width);
  exponents = room(exponents, (keep + 1) * width);
  if (isSaving) {
    savedMantissas = room(savedMantissas, segments * width);
    savedExponents = room(savedExponents, segments * width);
  }
  // Before the first step every path is, so to speak, in the first state.
  mantissas.fill(0, 0, width);
  exponents.fill(0, 0, width);
  mantissas[2] = 1;
  for (let segment = 0; segment < segments; segment++) {
    if (segment > 0) {
      mantissas.copyWithin(0, keep * width, (keep + 1) * width);
      exponents.copyWithin(0, keep * width, (keep + 1) * width);
    }
    if (isSaving) {
      savedMantissas.set(mantissas.subarray(0, width), segment * width);
      savedExponents.set(exponents.subarray(0, width), segment * width);
    }
    advance(segment * keep, Math.min(steps, (segment + 1) * keep), steps, states, distinct);
  }

  // A path ends in the last label or in the blank after it.
  const last = (steps === 0 ? 0 : steps - (segments - 1) * keep) * width + states;
  const total = addApart(mantissas[last], exponents[last], mantissas[last + 1], exponents[last + 1], 0, 0);
  const totalExponent = sumExponent;
  if (total === 0) {
    gradient?.fill(0, to, to + steps * symbols);
    return Infinity;
  }

  if (gradient !== null) {
    suffixMantissas = room(suffixMantissas, width).fill(0, 0, width);
    suffixExponents = room(suffixExponents, width).fill(0, 0, width);
    occupancies = room(occupancies, distinct);
    suffixMantissas[states + 1] = 1;
    for (let segment = segments - 1; segment >= 0; segment--) {
      const begin = segment * keep;
      const end = Math.min(steps, begin + keep);
      if (segment < segments - 1) {
        mantissas.set(savedMantissas.subarray(segment * width, (segment + 1) * width));
        exponents.set(savedExponents.subarray(segment * width, (segment + 1) * width));
        advance(begin, end, steps, states, distinct);
      }
      for (let t = end - 1; t >= begin; t--) {
        retreat(t, (t - begin + 1) * width, steps, states, distinct, 1 / total, totalExponent);
        subtract(t, symbols, distinct, gradient, to + t * symbols);
      }
    }
  }
  return logNormalizer - (Math.log(total) + totalExponent * LOG_B);
}

/**
 * Fills the emissions: for each step and distinct symbol e^(score − largest score of the step). If there is a gradient,
 * such exponentials of all symbols go there, and the reciprocals of their sums to `normalizers`.
 * @returns the sum of the logarithms of these sums
 */
function emissions(
  scores: FloatArray, from: number, steps: number, symbols: number, distinct: number, gradient: FloatArray | null, to: number,
): number {
  emissionMantissas = room(emissionMantissas, steps * distinct);
  emissionExponents = room(emissionExponents, steps * distinct);
  normalizers = room(normalizers, steps);
  row = room(row, symbols);
  const [m, e, values, slot] = [emissionMantissas, emissionExponents, row, slotOfSymbol];
  let logNormalizer = 0;
  for (let t = 0; t < steps; t++) {
    const at = from + t * symbols;
    let largest = scores[at];
    for (let k = 1; k < symbols; k++) if (scores[at + k] > largest) largest = scores[at + k];
    let sum = 0;
    for (let k = 0; k < symbols; k++) sum += values[k] = Math.exp(scores[at + k] - largest);
    if (!(sum >= 1 && sum < Infinity)) return Number.NaN; // a NaN somewhere, or ∞ − ∞
    logNormalizer += Math.log(sum);
    normalizers[t] = 1 / sum;
    const out = to + t * symbols;
    const first = t * distinct;
    for (let k = 0; k < symbols; k++) {
      if (gradient !== null) gradient[out + k] = values[k];
      const u = slot[k];
      if (u < 0) continue;
      if (values[k] >= LOW) {
        m[first + u] = values[k];
        e[first + u] = 0;
      } else spread(first + u, scores[at + k] - largest);
    }
  }
  return logNormalizer;
}

/** Writes the exponential of a very negative number as an emission. */
function spread(at: number, x: number): void {
  if (x === -Infinity) {
    emissionMantissas[at] = emissionExponents[at] = 0;
  } else if (x < FAR) {
    emissionMantissas[at] = 1;
    emissionExponents[at] = x / LOG_B;
  } else {
    const e = Math.round(x / LOG_B);
    emissionMantissas[at] = Math.exp(x - e * LOG_B);
    emissionExponents[at] = e;
  }
}

/** Steps from `begin` to `end` of the forward table, into rows 1, 2, …; row 0 holds the column before. */
function advance(begin: number, end: number, steps: number, states: number, distinct: number): void {
  const [m, e, skips, slot, em, ee] = [mantissas, exponents, skip, slots, emissionMantissas, emissionExponents];
  const width = states + 4;
  for (let t = begin; t < end; t++) {
    // Only states that can be reached by now, and from which the end can still be reached.
    const low = Math.max(0, states - 2 * (steps - t));
    const high = Math.min(states - 1, 2 * t + 1);
    const before = (t - begin) * width + 2;
    const now = before + width;
    const emission = t * distinct;
    let m2 = m[before + low - 2];
    let e2 = e[before + low - 2];
    let m1 = m[before + low - 1];
    let e1 = e[before + low - 1];
    for (let s = low; s <= high; s++) {
      const m0 = m[before + s];
      const e0 = e[before + s];
      let sum: number;
      let exponent = e0;
      if (e0 === e1 && e1 === e2) sum = m0 + m1 + skips[s] * m2;
      else {
        sum = addApart(m0, e0, m1, e1, skips[s] * m2, e2);
        exponent = sumExponent;
      }
      const u = emission + slot[s];
      let value = sum * em[u];
      exponent += ee[u];
      if (!(value >= LOW && value < HIGH) && value > 0) {
        if (value < LOW) {
          value *= B;
          exponent--;
        } else {
          value /= B;
          exponent++;
        }
      }
      m[now + s] = value;
      e[now + s] = exponent;
      m2 = m1;
      e2 = e1;
      m1 = m0;
      e1 = e0;
    }
    // Empty cells around, with exponents that make them easy to add.
    m[now - 2] = m[now - 1] = m[now + high + 1] = m[now + high + 2] = 0;
    e[now - 2] = e[now - 1] = e[now + low];
    e[now + high + 1] = e[now + high + 2] = e[now + high];
  }
}

/**
 * One step of the backward table, in place: `suffix` holds, for each state, the probability of what follows it together
 * with its own emission; on entry at t + 1, on return at t. Adds up in `occupancies` how probable each distinct symbol is at t.
 * @param row where the forward table has step t
 * @param scale, totalExponent the reciprocal of the likelihood's mantissa, and its exponent
 */
function retreat(t: number, row: number, steps: number, states: number, distinct: number, scale: number, totalExponent: number): void {
  const [m, e, b, x, skips, slot, em, ee, occupancy] =
    [mantissas, exponents, suffixMantissas, suffixExponents, skip, slots, emissionMantissas, emissionExponents, occupancies];
  const low = Math.max(0, states - 2 * (steps - t));
  const high = Math.min(states - 1, 2 * t + 1);
  const now = row + 2;
  const emission = t * distinct;
  occupancy.fill(0, 0, distinct);
  let m0 = b[low + 2];
  let e0 = x[low + 2];
  let m1 = b[low + 3];
  let e1 = x[low + 3];
  for (let s = low; s <= high; s++) {
    const m2 = b[s + 4];
    const e2 = x[s + 4];
    const skipped = s + 2 < states ? skips[s + 2] : 0;
    let sum: number;
    let exponent = e0;
    if (e0 === e1 && e1 === e2) sum = m0 + m1 + skipped * m2;
    else {
      sum = addApart(m0, e0, m1, e1, skipped * m2, e2);
      exponent = sumExponent;
    }
    const u = slot[s];
    const share = m[now + s] * sum;
    const apart = e[now + s] + exponent - totalExponent;
    occupancy[u] += (apart === 0 ? share : shifted(share, apart)) * scale;
    let value = sum * em[emission + u];
    exponent += ee[emission + u];
    if (!(value >= LOW && value < HIGH) && value > 0) {
      if (value < LOW) {
        value *= B;
        exponent--;
      } else {
        value /= B;
        exponent++;
      }
    }
    b[s + 2] = value;
    x[s + 2] = exponent;
    m0 = m1;
    e0 = e1;
    m1 = m2;
    e1 = e2;
  }
  // Empty cells around get exponents that make them easy to add.
  if (low > 0) x[low] = x[low + 1] = x[low + 2];
  if (high === states - 1) x[high + 3] = x[high + 4] = x[high + 2];
}

/** The derivatives by the scores of a step: the probability of each symbol, minus how much of it the labels' paths use. */
function subtract(t: number, symbols: number, distinct: number, gradient: FloatArray, out: number): void {
  const normalizer = normalizers[t];
  for (let k = 0; k < symbols; k++) {
    const u = slotOfSymbol[k];
    if (u < 0) gradient[out + k] *= normalizer;
    else {
      const e = emissionExponents[t * distinct + u];
      const p = emissionMantissas[t * distinct + u] * normalizer;
      gradient[out + k] = shifted(p, e) - occupancies[u];
    }
  }
}
