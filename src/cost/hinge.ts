/** Costs of scores that are not far enough on the right side. */

import type { Variable } from "../engine/variable.ts";
import { add, mul, sub } from "../operations/arithmetic.ts";
import { relu } from "../operations/activation.ts";
import { checkVariable } from "../operations/check.ts";
import { elementwise } from "../operations/elementwise.ts";
import { gather } from "../operations/gather.ts";
import { oneHot } from "../operations/indexing.ts";
import { max } from "../operations/reduction.ts";
import { where } from "../operations/where.ts";
import { checkNumber } from "../support/check.ts";
import { ValueError } from "../support/errors.ts";
import { noOptions } from "../support/options.ts";
import { chosenBy, isForElements, numbersOfClasses, samplesAndClasses } from "./classes.ts";
import { checkCost, type CostOptions, costOptions, type Labels, type Numbers, Samples, samplesOf, signs, targetsOf } from "./samples.ts";

export interface HingeCostOptions extends CostOptions {
  /** How far a score has to be on the right side; 1 unless given. */
  readonly margin?: number | undefined;
  /** For labels: a factor for each class, [classes], none negative; the reduction "mean" divides by the sum of the factors of the labels. */
  readonly classWeights?: Numbers | undefined;
}

/** Yes is positive. */
const shortfall = elementwise("hinge", (score, target, margin) => margin.sub(target.greater(0).where(score, score.neg())).relu());

/**
 * The hinge loss, of support vector machines. Of yes or no, a target for each score: Σ weight · max(0, margin − t · score) with t = ±1. Of classes, a label
 * for each sample: Σ weight · max(0, margin − scores[label] + the largest other score) (Crammer & Singer, 2001); PyTorch's multi-class form is another one:
 * it adds up the shortfalls against all other classes, and divides by the number of classes.
 *
 * @param scores [features] or [classes] for one sample, or [samples…, features] or [samples…, classes]
 * @param target as many as there are scores: 1 or true for yes, 0, −1 or false for no; or one for each sample: a label from 0 to classes − 1
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if target, weights or mask do not fit the scores; ValueError for a target that is neither yes nor no, or a label that is no class
 * @example
 * // Yes or no: 0.5 too little, then on the wrong side
 * cost.hinge(input([[0.5], [0.2]]), [true, false], { reduction: "none" }).toArray(); // [0.5, 1.2]
 * // Classes: the label leads by 2, then by −1
 * cost.hinge(input([[3, 1, 0], [0, 1, 0.5]]), [0, 2], { reduction: "none" }).toArray(); // [0, 1.5]
 */
export function hinge(scores: Variable, target: Labels | Numbers, options: HingeCostOptions = noOptions): Variable {
  checkCost("hinge", arguments, options, [...costOptions, "margin", "classWeights"]);
  checkVariable("hinge", scores);
  const { classWeights } = options;
  const margin = checkNumber("hinge", "margin", options.margin ?? 1, 0);
  if (isForElements(target, scores.shape)) {
    if (classWeights !== undefined) throw new ValueError("hinge takes classWeights with a label for each sample; yes or no is weighed by weight.");
    const samples = new Samples("hinge", samplesOf(scores.shape), options);
    return samples.reduce(shortfall(samples.clean(scores), targetsOf(samples, target as Numbers, scores.shape, signs), margin));
  }
  const { samples, classes } = samplesAndClasses("hinge", scores, options);
  const labels = samples.labels(target as Labels, classes, scores.shape);
  const clean = samples.clean(scores);
  const competitor = max(where(oneHot(labels, classes), -Infinity, clean), -1);
  const costs = relu(add(sub(competitor, chosenBy(labels, clean)), margin));
  if (classWeights === undefined) return samples.reduce(costs);
  const counts = gather(numbersOfClasses("hinge", "classWeights", classWeights, classes), labels);
  return samples.reduce(mul(costs, counts), counts);
}
