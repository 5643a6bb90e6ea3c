/** How well scores tell yes from no, wherever the threshold. */

import { broadcastTo, ones, reshape, slice, stack, sub, ValueError, type Variable } from "../index.ts";
import { noOptions } from "../support/options.ts";
import { Metric } from "./running.ts";
import { type MetricOptions, samplesOf, type Truth } from "./metric-samples.ts";

/**
 * The area under the ROC curve: how probable it is that one that is true has the higher score than one that is not. It is exact, also of equal scores,
 * for which the scores of all samples are kept until the end of the epoch. NaN where all are of one kind.
 *
 * @param output [samples…, elements] with yes or no for each element; or [samples…, 2] with a label for each sample: how much higher class 1 is than class 0
 * @throws ShapeError for as many numbers as neither; ValueError for more classes, or what is neither yes nor no
 * @example
 * metric.auc(input([[0.1], [0.4], [0.35], [0.8]]), [0, 0, 1, 1]).result(); // 0.75
 */
export function auc(output: Variable, truth: Truth, options: MetricOptions = noOptions): Metric {
  const { output: scores, truth: answers, isYesNo, weight } = samplesOf("auc", arguments, output, truth, options);
  const [n, classes] = scores.shape;
  if (!isYesNo && classes !== 2) {
    throw new ValueError(`auc tells yes from no, but got ${classes} classes: give the score of one against the others, and yes or no.`);
  }
  const difference = isYesNo ? scores : sub(slice(scores, null, [1, 2]), slice(scores, null, [0, 1]));
  const flat = (x: Variable): Variable => reshape(x, [-1]);
  const each = broadcastTo(reshape(weight ?? ones([n]), [n, 1]), difference.shape);
  return new Metric({ name: "auc" }, stack([flat(difference), flat(answers), flat(each)], 1));
}
