/** Which classes are taken for which. */

import { add, broadcastTo, mul, ones, reshape, scatterAdd, stack, sum, ValueError, type Variable } from "../index.ts";
import { checkChoice } from "../support/check.ts";
import { noOptions } from "../support/options.ts";
import type { Average, Matrix } from "./metric-results.ts";
import { Metric } from "./running.ts";
import { type MetricSamples, predicted, samplesOf, type ThresholdOptions, thresholdOptions, type Truth } from "./metric-samples.ts";

export interface AverageOptions extends ThresholdOptions {
  /**
   * How numbers of classes become one, as in scikit-learn: "binary" is that of yes, or of the second of two classes; "macro" the mean over classes;
   * "weighted" the mean by how often each is true; "micro" that of all counts together. Classes that are neither true nor predicted count in none.
   * "binary" unless given of one element or two classes, else "macro".
   */
  readonly average?: Average | undefined;
}

const weights = ({ weight, output }: MetricSamples): Variable => weight ?? ones([output.shape[0]]);

/** Hits, predictions and truths of each class, [3, classes]; of yes or no those of yes of each element. */
function countsOf(samples: MetricSamples, guess: Variable): Variable {
  const { truth, isYesNo, output } = samples;
  const weight = weights(samples);
  if (isYesNo) {
    const column = reshape(weight, [-1, 1]);
    return stack([mul(guess, truth), guess, truth].map((x) => sum(mul(x, column), 0)));
  }
  const classes = output.shape[1];
  return stack([scatterAdd(truth, mul(weight, guess.equal(truth)), classes), scatterAdd(guess, weight, classes), scatterAdd(truth, weight, classes)]);
}

function measure(name: "precision" | "recall" | "f1", args: ArrayLike<unknown>, output: Variable, truth: Truth, options: AverageOptions): Metric {
  const samples = samplesOf(name, args, output, truth, options, [...thresholdOptions, "average"]);
  const elements = samples.output.shape[1];
  const hasOne = elements === (samples.isYesNo ? 1 : 2);
  const average = checkChoice(name, "average", options.average ?? (hasOne ? "binary" : "macro"), ["binary", "macro", "micro", "weighted"]);
  if (average === "binary" && !hasOne) {
    throw new ValueError(`${name} takes "binary" of yes or no or two classes, but got ${elements}: say "macro", "micro" or "weighted".`);
  }
  return new Metric({ name, average }, countsOf(samples, predicted(name, samples, options)));
}

/**
 * How many of those that are predicted to be of a class are: hits / predictions, 0 where there are none.
 *
 * @param output [samples…, classes] with a label for each sample, or [samples…, elements] with yes or no for each element; scores or probabilities
 * @throws ShapeError for as many numbers as neither; ValueError for a label that is no class, or what is neither yes nor no
 * @example
 * const scores = input([[2], [1], [-1], [3]]);
 * metric.precision(scores, [1, 0, 1, 1]).result(); // 0.6667
 */
export function precision(output: Variable, truth: Truth, options: AverageOptions = noOptions): Metric {
  return measure("precision", arguments, output, truth, options);
}

/**
 * How many of those of a class are found: hits / truths, 0 where there are none.
 *
 * @param output as for `precision`, as what is true
 * @throws as `precision`
 * @example
 * const scores = input([[2, 0, 0], [0, 1, 0], [0, 3, 0], [0, 0, 1]]);
 * metric.recall(scores, [0, 1, 2, 2]).result(); // 0.8333
 * metric.recall(scores, [0, 1, 2, 2], { average: "micro" }).result(); // 0.75
 */
export function recall(output: Variable, truth: Truth, options: AverageOptions = noOptions): Metric {
  return measure("recall", arguments, output, truth, options);
}

/**
 * The harmonic mean of precision and recall: 2 · hits / (predictions + truths), 0 where there are none.
 *
 * @param output as for `precision`, as what is true
 * @throws as `precision`
 * @example
 * metric.f1(input([[2], [1], [-1], [3]]), [1, 0, 1, 1]).result(); // 0.6667
 */
export function f1(output: Variable, truth: Truth, options: AverageOptions = noOptions): Metric {
  return measure("f1", arguments, output, truth, options);
}

/**
 * How many of each class are taken for each: row by row what is true, column by column what is predicted, [classes, classes]. Of yes or no all elements
 * together, no first. `fit` keeps it in the `matrices` of an epoch.
 *
 * @param output as for `precision`, as what is true
 * @throws as `precision`
 * @example
 * metric.confusionMatrix(input([[2, 0, 0], [0, 1, 0], [0, 3, 0]]), [0, 1, 2]).result(); // [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
 */
export function confusionMatrix(output: Variable, truth: Truth, options: ThresholdOptions = noOptions): Metric<Matrix> {
  const name = "confusionMatrix";
  const samples = samplesOf(name, arguments, output, truth, options, thresholdOptions);
  const guess = predicted(name, samples, options);
  const classes = samples.isYesNo ? 2 : samples.output.shape[1];
  const each = samples.isYesNo ? broadcastTo(reshape(weights(samples), [-1, 1]), samples.output.shape) : weights(samples);
  const flat = (x: Variable): Variable => reshape(x, [-1]);
  return new Metric({ name }, scatterAdd(flat(add(mul(samples.truth, classes), guess)), flat(each), classes * classes));
}
