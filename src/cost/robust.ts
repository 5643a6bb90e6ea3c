/** Costs of real numbers that outliers do not rule. */

import type { Variable } from "../engine/variable.ts";
import { checkVariable } from "../operations/check.ts";
import { elementwise } from "../operations/elementwise.ts";
import { checkNumber } from "../support/check.ts";
import { noOptions } from "../support/options.ts";
import { checkCost, type CostOptions, costOptions, type Numbers, Samples, samplesOf, targetsOf } from "./samples.ts";

const distance = elementwise("mae", (output, target) => output.sub(target).abs());

/**
 * The sum of absolute errors, L1: Σ weight · |output − target|. That is the negative log likelihood of targets under a Laplace distribution of scale 1
 * around the output, but for the constant log 2 an element. Elements of a sample are added up, also by the reduction "mean", which is over samples. Where
 * there is no error there is no gradient.
 *
 * @param output [features] for one sample, or [samples…, features]; [] is one sample of one number
 * @param target in the shape of the output, or flat in row-major order; a Variable gets a gradient too
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if target, weights or mask do not fit the output; ValueError for what is not a number
 * @example
 * cost.mae(input([[1, 2], [3, 4]]), [[1, 0], [3, 1]]).item(); // 5
 * cost.mae(input([[1, 2], [3, 4]]), [[1, 0], [3, 1]], { reduction: "none" }).toArray(); // [2, 3]
 */
export function mae(output: Variable, target: Numbers, options: CostOptions = noOptions): Variable {
  checkCost("mae", arguments, options);
  checkVariable("mae", output);
  const samples = new Samples("mae", samplesOf(output.shape), options);
  return samples.reduce(distance(samples.clean(output), targetsOf(samples, target, output.shape)));
}

export interface HuberCostOptions extends CostOptions {
  /** Up to which error the cost is a square; 1 unless given. */
  readonly delta?: number | undefined;
}

const huberOf = elementwise("huber", (output, target, delta) => {
  const error = output.sub(target);
  const size = error.abs();
  return size.less(delta).where(error.mul(error).mul(0.5), delta.mul(size.sub(delta.mul(0.5))));
});

/**
 * Half of the squared error where that is small, and linear beyond (Huber, 1964): Σ weight · ½d² for |d| ≤ δ, else Σ weight · δ · (|d| − ½δ), of
 * d = output − target. No gradient is larger than δ.
 *
 * @param output [features] for one sample, or [samples…, features]; [] is one sample of one number
 * @param target in the shape of the output, or flat in row-major order; a Variable gets a gradient too
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if target, weights or mask do not fit the output; ValueError for what is not a number
 * @example
 * // 0.02 + 2.5 + 3.5
 * cost.huber(input([0.2, 3, -4]), [0, 0, 0]).item(); // 6.02
 * cost.huber(input([0.2, 3, -4]), [0, 0, 0], { delta: 10 }).item(); // 12.52
 */
export function huber(output: Variable, target: Numbers, options: HuberCostOptions = noOptions): Variable {
  checkCost("huber", arguments, options, [...costOptions, "delta"]);
  checkVariable("huber", output);
  const samples = new Samples("huber", samplesOf(output.shape), options);
  const delta = checkNumber("huber", "delta", options.delta ?? 1, 0);
  return samples.reduce(huberOf(samples.clean(output), targetsOf(samples, target, output.shape), delta));
}
