/** Costs of yes and no. */

import { constant } from "../kernels/expression.ts";
import { checkVariable } from "../operations/check.ts";
import { elementwise } from "../operations/elementwise.ts";
import { noOptions } from "../support/options.ts";
import type { Variable } from "../engine/variable.ts";
import { checkCost, type CostOptions, type Numbers, probabilities, Samples, samplesOf, targetsOf } from "./samples.ts";
import { surprise, surpriseOfScore } from "./surprise.ts";

const one = constant(1);

const fromScores = elementwise("bernoulliCrossEntropyWithScores", surpriseOfScore);

const fromProbabilities = elementwise("bernoulliCrossEntropy", (p, target) =>
  target.mul(surprise(p)).add(one.sub(target).mul(surprise(one.sub(p)))));

function cost(name: string, apply: typeof fromScores, output: Variable, target: Numbers, options: CostOptions): Variable {
  checkVariable(name, output);
  const samples = new Samples(name, samplesOf(output.shape), options);
  return samples.reduce(apply(samples.clean(output), targetsOf(samples, target, output.shape, probabilities)));
}

/**
 * The negative log likelihood of independent yes-or-no targets whose probabilities are sigmoid(scores), computed from the scores
 * so that neither large nor small ones lose digits: Σ weight · (target · log(1 + e^−score) + (1 − target) · log(1 + e^score)).
 *
 * @param scores [features] for one sample, or [samples…, features]; [] is one sample of one score
 * @param target 0 or 1 (false or true), or probabilities in between, in the shape of the scores or flat in row-major order
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if target, weights or mask do not fit the scores; ValueError for a target below 0 or above 1
 * @example
 * // One sample with two features: log 2 for the first, almost nothing for the second
 * cost.bernoulliCrossEntropyWithScores(input([0, 100]), [1, 1]).item(); // 0.6931
 * cost.bernoulliCrossEntropyWithScores(input([100]), [false]).item(); // 100
 */
export function bernoulliCrossEntropyWithScores(scores: Variable, target: Numbers, options: CostOptions = noOptions): Variable {
  checkCost("bernoulliCrossEntropyWithScores", arguments, options);
  return cost("bernoulliCrossEntropyWithScores", fromScores, scores, target, options);
}

/**
 * The negative log likelihood of independent yes-or-no targets: −Σ weight · (target · log p + (1 − target) · log(1 − p)).
 * Probabilities below 10⁻²⁰ count as 10⁻²⁰ and get no gradient. Where there are scores, prefer
 * `bernoulliCrossEntropyWithScores`: it is exact also where 1 − p rounds to 0.
 *
 * @param output the probabilities, [features] for one sample, or [samples…, features], each from 0 to 1
 * @param target 0 or 1 (false or true), or probabilities in between, in the same shape or flat in row-major order
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if target, weights or mask do not fit the probabilities; ValueError for a target below 0 or above 1
 * @example
 * // log 2 + log 10
 * cost.bernoulliCrossEntropy(input([0.5, 0.9]), [1, 0]).item(); // 2.9957
 */
export function bernoulliCrossEntropy(output: Variable, target: Numbers, options: CostOptions = noOptions): Variable {
  checkCost("bernoulliCrossEntropy", arguments, options);
  return cost("bernoulliCrossEntropy", fromProbabilities, output, target, options);
}
