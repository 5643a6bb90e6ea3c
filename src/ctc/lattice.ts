/** What the passes over the lattice of steps and states know of an utterance: its target's states and the probabilities of their symbols. */

import type { FloatArray } from "../kernels/kernel.ts";
import { exponentials } from "./exponential.ts";

/** The array itself if it is large enough, or else a larger one with anything in it. */
export const room = <A extends Float64Array | Int32Array>(array: A, size: number): A =>
  array.length >= size ? array : new (array.constructor as new (n: number) => A)(size);

/** Exponentials of a step with a sum between 1 / WIDE and WIDE are neither too large nor too small. */
const WIDE = 2 ** 32;

/**
 * The states of a target are the blank and its labels in turn: blank, label, blank, …, label, blank. One more label, which no step
 * emits, makes them pairs of a blank and the label after it. The blank of pair i is state 2i, its label state 2i + 1.
 *
 * The arrays are kept for the next utterance, and may be longer than this one needs.
 */
export class Lattice {
  steps = 0;
  symbols = 0;
  /** How many labels the target has; pair `count` is the last, with the label that is none. */
  count = 0;
  /** How many different symbols the states have. Each has a slot; the blank's is 0. */
  distinct = 0;
  /** The symbol of each slot. */
  symbolOf = new Int32Array(0);
  /** The slot of each state; `distinct` for the label that no step emits. */
  slots = new Int32Array(0);
  /** 1 where a path may come from two states before, that is over a blank between different labels; or else 0. */
  skips = new Float64Array(0);
  /** The probability of each slot's symbol, [steps, distinct + 1]; the last of a row is 0. Less than 2⁻⁹⁹⁰ may have become 0. */
  probabilities = new Float64Array(0);
  /** The least probability of a slot's symbol. */
  least = 1;
  /** At step t the probability of a symbol is e^(score − shifts[t]) / sums[t]. */
  shifts = new Float64Array(0);
  sums = new Float64Array(0);
  /** What the passes find out of a step: how much the paths of the labels use each slot, in any unit. */
  occupancies = new Float64Array(0);
  private slotOf = new Int32Array(0);
  private row = new Float64Array(0);

  setTarget(labels: FloatArray, start: number, count: number, blank: number, symbols: number): void {
    this.slotOf = room(this.slotOf, symbols).fill(-1);
    this.symbolOf = room(this.symbolOf, count + 1);
    this.slots = room(this.slots, 2 * count + 2);
    this.skips = room(this.skips, 2 * count + 4).fill(0);
    this.occupancies = room(this.occupancies, count + 2);
    const { slotOf, symbolOf, slots, skips } = this;
    symbolOf[0] = blank;
    slotOf[blank] = 0;
    let distinct = 1;
    for (let i = 0; i < count; i++) {
      const label = labels[start + i];
      if (slotOf[label] < 0) {
        symbolOf[distinct] = label;
        slotOf[label] = distinct++;
      }
      slots[2 * i] = 0;
      slots[2 * i + 1] = slotOf[label];
      if (i > 0 && label !== labels[start + i - 1]) skips[2 * i + 1] = 1;
    }
    slots[2 * count] = 0;
    slots[2 * count + 1] = distinct;
    this.count = count;
    this.distinct = distinct;
    this.symbols = symbols;
  }

  /**
   * Takes the softmax of each step's scores.
   * @param gradient where it goes for all symbols, from `to` on; null if only the slots' are wanted
   * @returns whether each row is a distribution: none has a NaN or +∞, or only −∞
   */
  setScores(scores: FloatArray, from: number, steps: number, gradient: FloatArray | null, to: number): boolean {
    const { symbols, distinct, symbolOf } = this;
    this.steps = steps;
    this.row = room(this.row, symbols);
    this.probabilities = room(this.probabilities, steps * (distinct + 1));
    this.shifts = room(this.shifts, steps);
    this.sums = room(this.sums, steps);
    const { row, probabilities, shifts, sums } = this;
    let least = 1;
    let shift = 0;
    for (let t = 0; t < steps; t++) {
      const at = from + t * symbols;
      let sum = t > 0 ? exponentials(scores, at, symbols, shift, row) : 0;
      // The largest score of an earlier step nearly always serves. (NaN is not in the range either.)
      if (!(sum > 1 / WIDE && sum < WIDE)) {
        shift = scores[at];
        for (let k = 1; k < symbols; k++) if (scores[at + k] > shift) shift = scores[at + k];
        sum = exponentials(scores, at, symbols, shift, row);
        if (!(sum >= 1)) return false;
      }
      shifts[t] = shift;
      sums[t] = sum;
      const scale = 1 / sum;
      if (gradient !== null) {
        const out = to + t * symbols;
        for (let k = 0; k < symbols; k++) gradient[out + k] = row[k] * scale;
      }
      const first = t * (distinct + 1);
      for (let u = 0; u < distinct; u++) {
        const probability = row[symbolOf[u]] * scale;
        probabilities[first + u] = probability;
        if (probability < least) least = probability;
      }
      probabilities[first + distinct] = 0;
    }
    this.least = least;
    return true;
  }

  /** At step t only pairs from the lowest to the highest can be reached, and from them the end. This is the state where they begin. */
  lowest(t: number): number { return Math.max(0, 2 * (this.count - this.steps + t)); }
  highest(t: number): number { return 2 * Math.min(this.count, t); }

  /**
   * Writes the derivatives by the scores of the slots' symbols at step t: how probable each is, minus how probable it is among the paths of the
   * labels. The occupancies add up to `total`.
   */
  writeGradient(t: number, total: number, gradient: FloatArray, out: number): void {
    const { distinct, symbolOf, probabilities, occupancies } = this;
    const [first, scale] = [t * (distinct + 1), 1 / total];
    for (let u = 0; u < distinct; u++) gradient[out + symbolOf[u]] = probabilities[first + u] - occupancies[u] * scale;
  }
}
