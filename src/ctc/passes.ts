/** The forward-backward algorithm of Graves et al. (2006), whatever its numbers are made of. */

import type { FloatArray } from "../kernels/kernel.ts";
import { type Lattice, room } from "./lattice.ts";

/** A column has places for all pairs of states and for one more after them. */
export const widthOf = ({ count }: Lattice): number => 2 * count + 4;
/** So many places are empty before the first column. */
export const EDGE = 2;

/** The two passes over a lattice. The forward table has a column for each step, one after the other; the backward table only one at a time. */
export interface Passes {
  /** How many numbers there are for each place of a column. All that follow the first ones are 0 to begin with. */
  readonly parts: number;
  /** The number of the first state before the first step, and of the last state after the last. */
  readonly first: number;
  /** Whether the loss is right in any case; or else only the backward pass tells. */
  readonly isSafe: boolean;
  /**
   * Takes a lattice, whose scores begin at `from`.
   * @returns false if the passes cannot serve such an utterance
   */
  begin(lattice: Lattice, scores: FloatArray, from: number): boolean;
  /** Computes the columns of the steps from `from` up to `to`, after the one before them, with which `columns` begins. */
  advance(lattice: Lattice, columns: Float64Array, from: number, to: number): void;
  /** −log of the likelihood, from the last column, which begins at `last`; NaN if too much was lost to tell. */
  loss(lattice: Lattice, columns: Float64Array, last: number): number;
  /**
   * Takes the column `after` back from step `to` to step `from`, and with the columns that `advance` has left writes the gradient, which
   * begins at `out`.
   * @returns false if too much was lost
   */
  retreat(lattice: Lattice, columns: Float64Array, after: Float64Array, from: number, to: number, gradient: FloatArray | null, out: number): boolean;
}

/** Forward tables of up to so many numbers are kept whole. */
const WHOLE_TABLE = 2 ** 20;

/** Arrays that all utterances share. */
let columns = new Float64Array(0);
let saved = new Float64Array(0);
let after = new Float64Array(0);

/**
 * −log of the likelihood; the gradient, which has the softmax of the scores, becomes that of the loss.
 *
 * Of a long utterance only some columns of the forward table are kept, and the others computed again where they are needed, so
 * memory grows with √steps · labels instead of their product.
 *
 * @returns +∞ if no path spells the labels, with the gradient as it was; NaN if the passes lost too much
 */
export function run(passes: Passes, lattice: Lattice, scores: FloatArray, start: number, gradient: FloatArray | null, out: number): number {
  if (!passes.begin(lattice, scores, start)) return Number.NaN;
  const { steps, symbols, count } = lattice;
  const stride = widthOf(lattice) * passes.parts;
  const keep = (steps + 1) * stride <= WHOLE_TABLE ? Math.max(1, steps) : Math.ceil(Math.sqrt(steps));
  const segments = Math.ceil(steps / keep);
  columns = room(columns, EDGE + (keep + 1) * stride).fill(0, 0, EDGE + stride);
  saved = room(saved, segments * stride);
  columns[EDGE] = passes.first;
  for (let segment = 0; segment < segments; segment++) {
    if (segment > 0) columns.copyWithin(EDGE, EDGE + keep * stride, EDGE + (keep + 1) * stride);
    saved.set(columns.subarray(EDGE, EDGE + stride), segment * stride);
    passes.advance(lattice, columns, segment * keep, Math.min(steps, (segment + 1) * keep));
  }
  const loss = passes.loss(lattice, columns, EDGE + (steps === 0 ? 0 : steps - (segments - 1) * keep) * stride);
  if (!Number.isFinite(loss) || (gradient === null && passes.isSafe)) return loss;
  after = room(after, stride).fill(0, 0, stride);
  after[2 * count] = passes.first;
  for (let segment = segments - 1; segment >= 0; segment--) {
    const from = segment * keep;
    const to = Math.min(steps, from + keep);
    if (segment < segments - 1) {
      columns.set(saved.subarray(segment * stride, (segment + 1) * stride), EDGE);
      passes.advance(lattice, columns, from, to);
    }
    if (!passes.retreat(lattice, columns, after, from, to, gradient, out + from * symbols)) return Number.NaN;
  }
  return loss;
}
