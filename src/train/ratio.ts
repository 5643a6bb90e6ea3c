/** Means over all samples: of a metric of one's own, of what is right, of likelihoods. */

import { arange, cost, equal, input, less, mean, mul, reshape, stack, sub, sum, Variable, where } from "../index.ts";
import { checkInteger, refusal } from "../support/check.ts";
import { checkArguments, noOptions } from "../support/options.ts";
import type { Kind } from "./metric-results.ts";
import { Metric } from "./running.ts";
import { type MetricOptions, type MetricSamples, predicted, samplesOf, type ThresholdOptions, thresholdOptions, type Truth } from "./metric-samples.ts";

const scalar = (name: string, given: Variable | number): Variable => {
  if (typeof given === "number") return input(given);
  if (given instanceof Variable && given.size === 1) return reshape(given, []);
  throw refusal(name, "numbers, or Variables of one element", given);
};

const quotient = (kind: Kind["name"], above: Variable | number, below: Variable | number): Metric =>
  new Metric({ name: kind }, stack([scalar(kind, above), scalar(kind, below)]));

/** The mean over samples of a number for each. */
const over = (kind: Kind["name"], each: Variable, { weight }: MetricSamples): Metric =>
  weight === null ? quotient(kind, sum(each), each.size) : quotient(kind, sum(mul(each, weight)), sum(weight));

/**
 * A metric of one's own: Σ above / Σ below over all batches, such as errors by words.
 *
 * @param above, below numbers, or Variables of one element
 * @throws ValueError for anything else
 * @example
 * const errors = new metric.Running();
 * for (const [wrong, words] of [[1, 4], [2, 11]]) errors.add(metric.ratio(wrong, words));
 * errors.result(); // 0.2
 */
export function ratio(above: Variable | number, below: Variable | number): Metric {
  checkArguments("ratio", arguments, 2);
  return quotient("ratio", above, below);
}

/**
 * How many of the samples have the largest output at their label, the first of equal ones. Of yes or no, how many elements are on the right side
 * of the threshold.
 *
 * @param output [samples…, classes] with a label for each sample, or [samples…, elements] with yes or no for each element; scores or probabilities
 * @throws ShapeError for as many numbers as neither; ValueError for a label that is no class, or what is neither yes nor no
 * @example
 * metric.accuracy(input([[2, 1], [0, 3], [1, 0]]), [0, 1, 1]).result(); // 0.6667
 * metric.accuracy(input([[0.9], [0.2], [0.6]]), [true, false, false], { threshold: 0.5 }).result(); // 0.6667
 */
export function accuracy(output: Variable, truth: Truth, options: ThresholdOptions = noOptions): Metric {
  const samples = samplesOf("accuracy", arguments, output, truth, options, thresholdOptions);
  const right = equal(predicted("accuracy", samples, options), samples.truth);
  return over("ratio", samples.isYesNo ? mean(right, -1) : right, samples);
}

/**
 * How many of the samples have their label among the k largest outputs. Of equal outputs the first comes first.
 *
 * @param output [samples…, classes]
 * @throws ShapeError unless there is a label for each sample; ValueError for a label that is no class, or a k that is no count of them
 * @example
 * metric.topK(input([[3, 2, 1], [3, 2, 1], [3, 2, 1]]), [0, 1, 2], 2).result(); // 0.6667
 */
export function topK(output: Variable, labels: Truth, k: number, options: MetricOptions = noOptions): Metric {
  const samples = samplesOf("topK", arguments, output, labels, options, undefined, 4);
  const classes = samples.output.shape[1];
  checkInteger("topK", "k", k, 1, classes);
  if (samples.isYesNo) throw refusal("topK", "a label for each sample", labels);
  const [position, label] = [arange(classes), reshape(samples.truth, [-1, 1])];
  const own = sum(where(equal(position, label), samples.output, 0), -1, true);
  // What is not less is before it, NaN too; of what comes later only what is greater.
  const notLess = sub(1, less(samples.output, own));
  const ahead = where(less(position, label), notLess, mul(notLess, sub(1, equal(samples.output, own))));
  return over("ratio", less(sum(where(equal(position, label), 0, ahead), -1), k), samples);
}

/**
 * How many equally probable classes would surprise as much as the model is surprised by the labels: e to the power of the mean cross entropy, as of
 * language models. It is taken over all samples, not batch by batch.
 *
 * @param scores [samples…, classes]
 * @throws ShapeError unless there is a label for each sample; ValueError for a label that is no class
 * @example
 * metric.perplexity(zeros([2, 3, 5]), [[0, 4, 2], [1, -1, -1]], { mask: [[1, 1, 1], [1, 0, 0]] }).result(); // 5
 */
export function perplexity(scores: Variable, labels: Truth, options: MetricOptions = noOptions): Metric {
  const samples = samplesOf("perplexity", arguments, scores, labels, options);
  if (samples.isYesNo) throw refusal("perplexity", "a label for each sample", labels);
  return over("perplexity", cost.categoricalCrossEntropyWithScores(samples.output, samples.truth, { reduction: "none" }), samples);
}
