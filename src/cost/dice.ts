/** How little two regions overlap. */

import type { Variable } from "../engine/variable.ts";
import { add, mul } from "../operations/arithmetic.ts";
import { checkVariable } from "../operations/check.ts";
import { elementwise } from "../operations/elementwise.ts";
import { sum } from "../operations/reduction.ts";
import { checkNumber } from "../support/check.ts";
import { ShapeError } from "../support/errors.ts";
import { noOptions } from "../support/options.ts";
import { checkCost, type CostOptions, costOptions, type Numbers, probabilities, Samples, samplesOf, targetsOf } from "./samples.ts";

export interface DiceCostOptions extends CostOptions {
  /** Is added above and below: so two empty regions cost nothing, and there is a slope towards that; 1 unless given. */
  readonly smooth?: number | undefined;
}

/** Of two regions with nothing in them, not even smoothness, nothing can be said: that costs nothing. */
const miss = elementwise("dice", (shared, both, smooth) => {
  const whole = both.add(smooth);
  return whole.greater(0).where(whole.sub(shared.mul(2)).sub(smooth).div(whole), whole.mul(0));
});

/**
 * The soft Dice loss, of segmentation: Σ weight · (1 − (2 Σ p·t + smooth) / (Σ p + Σ t + smooth)), the inner sums over the elements of a sample
 * (Milletari et al., arXiv:1606.04797; p and t are not squared below). For images, make each map a sample: `reshape(p, [images, channels, height * width])`.
 *
 * @param output probabilities, [elements] for one region, or [samples…, elements]
 * @param target 0 or 1 (false or true), or probabilities in between, in the shape of the output or flat in row-major order
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if target, weights or mask do not fit the output; ValueError for a target below 0 or above 1
 * @example
 * // 1 − (2 · 1 + 1) / (2 + 1 + 1), then equal regions
 * cost.dice(input([[1, 1, 0], [0, 1, 1]]), [[1, 0, 0], [0, 1, 1]], { reduction: "none" }).toArray(); // [0.25, 0]
 */
export function dice(output: Variable, target: Numbers, options: DiceCostOptions = noOptions): Variable {
  checkCost("dice", arguments, options, [...costOptions, "smooth"]);
  checkVariable("dice", output);
  if (output.shape.length === 0) throw new ShapeError("dice takes regions, [elements] or [samples…, elements], but got an output of shape [].");
  const samples = new Samples("dice", samplesOf(output.shape), options);
  const smooth = checkNumber("dice", "smooth", options.smooth ?? 1, 0);
  const [p, t] = [samples.clean(output), targetsOf(samples, target, output.shape, probabilities)];
  return samples.reduce(miss(sum(mul(p, t), -1), sum(add(p, t), -1), smooth));
}
