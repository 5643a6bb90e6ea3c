/**
 * The likelihood of labels and its gradient, for one utterance: the softmax of the scores, minus how probable the paths of the
 * labels make each symbol, by the forward-backward algorithm of Graves et al. (2006).
 */

import type { FloatArray } from "../kernels/kernel.ts";
import { extended } from "./extended.ts";
import { Lattice } from "./lattice.ts";
import { type Passes, run } from "./passes.ts";
import { scaled } from "./scaled.ts";

const lattice = new Lattice();

/**
 * −log of the probability that a random path spells the labels, where each step's symbol has the probabilities softmax(scores).
 *
 * @param scores rows of `symbols` numbers for each step, from `from` on
 * @param labels none of them the blank; their number is `count`, and they begin at `start`
 * @param gradient where the derivatives by the scores go, from `to` on; null if they are not wanted
 * @param passes are tried in turn until one has lost nothing that counts: the fast ones, which nearly always serve, and those that always do
 * @returns +∞ if no path spells the labels (the derivatives are then 0), NaN if a step has a NaN, +∞ or only −∞
 */
export function negativeLogLikelihoodOf(
  scores: FloatArray, from: number, steps: number, symbols: number,
  labels: FloatArray, start: number, count: number, blank: number,
  gradient: FloatArray | null, to: number, passes: readonly Passes[] = [scaled, extended],
): number {
  lattice.setTarget(labels, start, count, blank, symbols);
  const end = to + steps * symbols;
  if (!lattice.setScores(scores, from, steps, gradient, to)) {
    gradient?.fill(Number.NaN, to, end);
    return Number.NaN;
  }
  let loss = count > steps ? Infinity : Number.NaN;
  for (let i = 0; i < passes.length && Number.isNaN(loss); i++) loss = run(passes[i], lattice, scores, from, gradient, to);
  if (loss === Infinity) gradient?.fill(0, to, end);
  return loss;
}
