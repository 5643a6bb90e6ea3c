/** Costs of one class out of several. */

import type { Operand } from "../engine/step.ts";
import type { Variable } from "../engine/variable.ts";
import { add, mul, neg } from "../operations/arithmetic.ts";
import { elementwise } from "../operations/elementwise.ts";
import { oneHot } from "../operations/indexing.ts";
import { sum } from "../operations/reduction.ts";
import { logSoftmax } from "../operations/softmax.ts";
import { checkNumber } from "../support/check.ts";
import { checkArguments, checkOptions, noOptions } from "../support/options.ts";
import { chosenBy, isForElements, numbersOfClasses, samplesAndClasses } from "./classes.ts";
import { crossEntropy } from "./cross-entropy.ts";
import { type CostOptions, costOptions, type Labels, type Numbers, probabilities, targetsOf } from "./samples.ts";
import { shareOf, surprise } from "./surprise.ts";

/** What the costs of one class out of several take. */
export interface CategoricalCostOptions extends CostOptions {
  /**
   * A factor for each class, [classes], none negative. With labels the reduction "mean" divides by the sum of the factors of the labels, as PyTorch
   * does, so that it is a weighted mean; with a distribution for each sample it divides by the number of samples, as PyTorch does too.
   */
  readonly classWeights?: Numbers | undefined;
  /** How much of each target is spread evenly over all classes, from 0 (the default) to 1 (Szegedy et al., arXiv:1512.00567). */
  readonly labelSmoothing?: number | undefined;
}

const categoricalOptions = [...costOptions, "classWeights", "labelSmoothing"] as const;

/** Where a cost gets the surprise at classes from. */
interface Form {
  readonly name: string;
  /** The surprise at the label of each row. */
  atLabel(output: Variable, labels: Operand): Variable;
  /** The logarithm of the probability of each class. */
  logs(output: Variable): Variable;
}

/** The surprise at a class, by its share of the target. */
const sharedSurprise = elementwise("crossEntropyOfShares", (share, log) => shareOf(share, log.neg()));

function cost({ name, atLabel, logs }: Form, output: Variable, target: Labels | Numbers, options: CategoricalCostOptions): Variable {
  checkOptions(name, options, categoricalOptions);
  const { samples, classes } = samplesAndClasses(name, output, options);
  const { labelSmoothing = 0, classWeights } = options;
  const smoothing = labelSmoothing === 0 ? 0 : checkNumber(name, "labelSmoothing", labelSmoothing, 0, 1);
  const weights = classWeights === undefined ? null : numbersOfClasses(name, "classWeights", classWeights, classes);
  // One class has one form: a label.
  const labels = classes > 1 && isForElements(target, output.shape) ? null : samples.labels(target as Labels, classes, output.shape);
  const clean = samples.clean(output);
  if (labels !== null && weights === null && smoothing === 0) return samples.reduce(atLabel(clean, labels));
  // All others are of a share of each class.
  const given = labels === null ? targetsOf(samples, target as Numbers, output.shape, probabilities) : oneHot(labels, classes);
  const shares = smoothing === 0 ? given : add(mul(given, 1 - smoothing), smoothing / classes);
  const counts = labels === null || weights === null ? null : sum(mul(given, weights), -1);
  return samples.reduce(sharedSurprise(weights === null ? shares : mul(shares, weights), logs(clean)), counts);
}

const fromScores: Form = { name: "categoricalCrossEntropyWithScores", atLabel: crossEntropy, logs: (scores) => logSoftmax(scores) };

/**
 * The negative log likelihood of classes under the categorical distribution softmax(scores), computed from the scores so
 * that no score overflows: Σ weight · (log Σ exp(scores) − scores[label]). Of a distribution over the classes in place of a label it is the cross
 * entropy, Σ weight · Σ p · (log Σ exp(scores) − scores).
 *
 * @param scores [classes] for one sample, or [samples…, classes]
 * @param target an integer from 0 to classes − 1 for each sample: a number, number[] (nested for several axes), a typed array or
 *   a Variable; or a probability of each class, as many numbers as there are scores, of which a Variable gets a gradient too. That they add up to 1
 *   is not checked
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if the numbers of samples differ; ValueError for a label that is not such an integer, or a probability that is none
 * @example
 * // Equal scores of four classes: log 4
 * cost.categoricalCrossEntropyWithScores(zeros([4]), 2).item(); // 1.3863
 * // Two sequences, the second of them padded
 * const mask = [[1, 1, 1], [1, 0, 0]];
 * cost.categoricalCrossEntropyWithScores(zeros([2, 3, 4]), [[0, 3, 1], [2, -1, -1]], { mask, reduction: "mean" }).item(); // 1.3863
 * // log(1 + 1/e): the class of the larger score; then a tenth of the target spread over both
 * cost.categoricalCrossEntropyWithScores(input([1, 0]), [1, 0]).item(); // 0.3133
 * cost.categoricalCrossEntropyWithScores(input([1, 0]), 0, { labelSmoothing: 0.1 }).item(); // 0.3633
 */
export function categoricalCrossEntropyWithScores(scores: Variable, target: Labels | Numbers, options?: CategoricalCostOptions): Variable;
export function categoricalCrossEntropyWithScores(
  scores: Variable, target: Labels | Numbers, options: CategoricalCostOptions = noOptions, more?: unknown,
): Variable {
  if (more !== undefined) checkArguments("categoricalCrossEntropyWithScores", [scores, target, options, more], 3);
  return cost(fromScores, scores, target, options);
}

const surpriseAt = elementwise("categoricalCrossEntropy", surprise);
const guardedLog = elementwise("guardedLog", (p) => surprise(p).neg());

const fromProbabilities: Form = {
  name: "categoricalCrossEntropy",
  atLabel: (p, labels) => surpriseAt(chosenBy(labels, p)),
  logs: guardedLog,
};

/**
 * The negative log likelihood of classes: −Σ weight · log probabilities[label], or of a distribution over the classes in place of a label the cross entropy,
 * −Σ weight · Σ p · log probabilities. Probabilities below 10⁻²⁰ count as 10⁻²⁰ and get no
 * gradient. Where there are scores, prefer `categoricalCrossEntropyWithScores`: it is exact, faster, and learns from every sample.
 *
 * @param output probabilities, [classes] for one sample, or [samples…, classes]; that they add up to 1 is not checked
 * @param target as for `categoricalCrossEntropyWithScores`
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if the numbers of samples differ; ValueError for a label that is no class, or a probability that is none
 * @example
 * // log 2 + log 10
 * cost.categoricalCrossEntropy(input([[0.5, 0.5], [0.9, 0.1]]), [0, 1]).item(); // 2.9957
 * cost.categoricalCrossEntropy(input([[0.5, 0.5], [0.9, 0.1]]), [0, 1], { classWeights: [1, 3], reduction: "mean" }).item(); // 1.9002
 */
export function categoricalCrossEntropy(output: Variable, target: Labels | Numbers, options: CategoricalCostOptions = noOptions): Variable {
  checkArguments("categoricalCrossEntropy", arguments, 3);
  return cost(fromProbabilities, output, target, options);
}

const fromLogs: Form = {
  name: "negativeLogLikelihood",
  atLabel: (logs, labels) => neg(chosenBy(labels, logs)),
  logs: (logs) => logs,
};

/**
 * The negative log likelihood of classes from the logarithms of their probabilities: −Σ weight · logProbabilities[label], or of a distribution over the
 * classes in place of a label −Σ weight · Σ p · logProbabilities. For models that put out `logSoftmax(scores)`, and for mixtures.
 *
 * @param logProbabilities [classes] for one sample, or [samples…, classes]; that their exponentials add up to 1 is not checked
 * @param target as for `categoricalCrossEntropyWithScores`
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if the numbers of samples differ; ValueError for a label that is no class, or a probability that is none
 * @example
 * const logs = logSoftmax(input([[0, 0], [Math.log(3), 0]]));
 * cost.negativeLogLikelihood(logs, [1, 0]).item(); // 0.9808
 * cost.negativeLogLikelihood(logs, [1, 0], { reduction: "none" }).toArray(); // [0.6931, 0.2877]
 */
export function negativeLogLikelihood(logProbabilities: Variable, target: Labels | Numbers, options: CategoricalCostOptions = noOptions): Variable {
  checkArguments("negativeLogLikelihood", arguments, 3);
  return cost(fromLogs, logProbabilities, target, options);
}
