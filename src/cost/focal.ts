/** Cross entropy that passes over what is easy. */

import type { Variable } from "../engine/variable.ts";
import { mul } from "../operations/arithmetic.ts";
import { checkVariable } from "../operations/check.ts";
import { elementwise } from "../operations/elementwise.ts";
import { gather } from "../operations/gather.ts";
import { checkNumber } from "../support/check.ts";
import { ValueError } from "../support/errors.ts";
import { constant, type Expr } from "../kernels/expression.ts";
import { noOptions } from "../support/options.ts";
import { isForElements, numbersOfClasses, samplesAndClasses } from "./classes.ts";
import { crossEntropy } from "./cross-entropy.ts";
import { checkCost, type CostOptions, costOptions, type Labels, type Numbers, probabilities, Samples, samplesOf, targetsOf } from "./samples.ts";
import { surpriseOfScore } from "./surprise.ts";

export interface FocalCostOptions extends CostOptions {
  /** The exponent of (1 − p): 0 is the cross entropy; 2 unless given. */
  readonly gamma?: number | undefined;
  /**
   * Of yes or no: the weight of yes, from 0 to 1; that of no is 1 − alpha. Of classes: the weight of each, [classes], none negative. All have weight 1 unless
   * given. Means do not divide by it.
   */
  readonly alpha?: Numbers | undefined;
}

/** (1 − p)^γ, from 1 − p. Where that is nothing, its power of a small exponent has no slope. */
const focus = (miss: Expr, gamma: Expr): Expr => miss.maximum(1e-20).pow(gamma);

const one = constant(1);

const ofScore = elementwise("focal", (score, target, gamma, yes, no) => {
  const miss = target.mul(score.neg().sigmoid()).add(one.sub(target).mul(score.sigmoid()));
  return no.add(target.mul(yes.sub(no))).mul(focus(miss, gamma)).mul(surpriseOfScore(score, target));
});

const ofSurprise = elementwise("focalOfClasses", (surprise, gamma) => focus(surprise.neg().expm1().neg(), gamma).mul(surprise));

/**
 * The focal loss (Lin et al., arXiv:1708.02002), from scores: Σ weight · α · (1 − p)^γ · −log p, with p the probability of what is true, by the sigmoid for
 * yes or no and by the softmax for classes. So what is easy counts little, as where almost everything is background.
 *
 * @param scores [features] or [classes] for one sample, or [samples…, features] or [samples…, classes]
 * @param target as many as there are scores: 0 or 1 (false or true), or probabilities in between, which give p and α in proportion; or one for each sample:
 *   a label from 0 to classes − 1
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if target, weights or mask do not fit the scores; ValueError for a target below 0 or above 1, or a label that is no class
 * @example
 * // ¼ · log 2: p is one half
 * cost.focal(input([[0]]), [1]).item(); // 0.1733
 * cost.focal(input([[0], [0]]), [1, 0], { alpha: 0.25, reduction: "none" }).toArray(); // [0.0433, 0.1300]
 * // (⅔)² · log 3
 * cost.focal(zeros([3]), 2).item(); // 0.4883
 */
export function focal(scores: Variable, target: Labels | Numbers, options: FocalCostOptions = noOptions): Variable {
  checkCost("focal", arguments, options, [...costOptions, "gamma", "alpha"]);
  checkVariable("focal", scores);
  const { alpha } = options;
  const gamma = checkNumber("focal", "gamma", options.gamma ?? 2, 0);
  if (isForElements(target, scores.shape)) {
    if (alpha !== undefined && typeof alpha !== "number") throw new ValueError("focal takes one number as alpha for yes or no: the weight of yes.");
    const [yes, no] = alpha === undefined ? [1, 1] : [alpha, 1 - checkNumber("focal", "alpha", alpha, 0, 1)];
    const samples = new Samples("focal", samplesOf(scores.shape), options);
    return samples.reduce(ofScore(samples.clean(scores), targetsOf(samples, target as Numbers, scores.shape, probabilities), gamma, yes, no));
  }
  const { samples, classes } = samplesAndClasses("focal", scores, options);
  const labels = samples.labels(target as Labels, classes, scores.shape);
  const costs = ofSurprise(crossEntropy(samples.clean(scores), labels), gamma);
  return samples.reduce(alpha === undefined ? costs : mul(costs, gather(numbersOfClasses("focal", "alpha", alpha, classes), labels)));
}
