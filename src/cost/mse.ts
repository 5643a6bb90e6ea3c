/** The cost of real numbers. */

import { checkVariable } from "../operations/check.ts";
import { elementwise } from "../operations/elementwise.ts";
import { noOptions } from "../support/options.ts";
import type { Variable } from "../engine/variable.ts";
import { checkCost, type CostOptions, type Numbers, Samples, samplesOf, targetsOf } from "./samples.ts";

const halfSquare = elementwise("mse", (output, target) => {
  const difference = output.sub(target);
  return difference.mul(difference).mul(0.5);
});

/**
 * Half of the sum of squared errors: ½ · Σ weight · (output − target)². That is the negative log likelihood of targets under
 * a Gaussian of unit variance around the output, but for the constant ½·log 2π an element. Elements of a sample are added up,
 * also by the reduction "mean", which is over samples.
 *
 * @param output [features] for one sample, or [samples…, features]; [] is one sample of one number
 * @param target in the shape of the output, or flat in row-major order; a Variable gets a gradient too
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if target, weights or mask do not fit the output; ValueError for what is not a number
 * @example
 * const output = input([[1, 2], [3, 4]]);
 * const target = [[1, 0], [3, 3]];
 * cost.mse(output, target).item(); // 2.5
 * cost.mse(output, target, { reduction: "mean" }).item(); // 1.25
 * cost.mse(output, target, { mask: [0, 1] }).item(); // 0.5
 */
export function mse(output: Variable, target: Numbers, options: CostOptions = noOptions): Variable {
  checkCost("mse", arguments, options);
  checkVariable("mse", output);
  const samples = new Samples("mse", samplesOf(output.shape), options);
  return samples.reduce(halfSquare(samples.clean(output), targetsOf(samples, target, output.shape)));
}
