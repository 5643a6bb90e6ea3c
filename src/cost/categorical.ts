/** Costs of one class out of several. */

import type { Operation } from "../engine/operation.ts";
import { ShapeError } from "../support/errors.ts";
import { argument, index } from "../kernels/expression.ts";
import { row } from "../kernels/kernel.ts";
import { mul, sub } from "../operations/arithmetic.ts";
import { view } from "../operations/broadcasting.ts";
import { checkVariable } from "../operations/check.ts";
import { elementwise } from "../operations/elementwise.ts";
import { oneHot } from "../operations/indexing.ts";
import { softmax } from "../operations/softmax.ts";
import { record } from "../engine/recording.ts";
import { formatShape } from "../support/shape.ts";
import { checkArguments, checkOptions, noOptions } from "../support/options.ts";
import type { Variable } from "../engine/variable.ts";
import { sum } from "../operations/reduction.ts";
import { perElement, perRow, softmaxGradient } from "../operations/rows.ts";
import { where } from "../operations/where.ts";
import { checkCost, type CostOptions, costOptions, type Labels, Samples, samplesOf } from "./samples.ts";
import { surprise } from "./surprise.ts";

const x = argument(0);
const label = argument(1);

/** Per row: log Σ eˣ − x[label]. */
const forwardKernel = row(
  ["element", "row"],
  [
    { reduce: "maximum", value: x },
    { reduce: "sum", value: x.sub(argument(2)).exp() },
    { reduce: "sum", value: index().equal(label).where(x.sub(argument(2)), 0) },
  ],
  [{ per: "row", value: argument(3).log().sub(argument(4)) }],
);

/** Per element: (softmax(x) − [index = label]) · g. */
const backwardKernel = row(
  ["element", "row", "row"],
  [{ reduce: "maximum", value: x }, { reduce: "sum", value: x.sub(argument(3)).exp() }],
  [{ per: "element", value: x.sub(argument(3)).exp().div(argument(4)).sub(index().equal(label)).mul(argument(2)) }],
);

/** Inputs: scores, labels, gradient of each row. */
const crossEntropyGradient: Operation = perElement("crossEntropy′", backwardKernel, (k) => k === 1 ? null : (v, node) => {
  const [scores, labels, g] = [node.input(0), node.input(1), node.input(2)];
  if (k === 0) return mul(softmaxGradient(softmax(scores), v), view(g, [...g.shape, 1]));
  const ones = record(crossEntropyGradient, scores.shape, [scores, labels, sub(g, g).add(1)]);
  return sum(mul(v, ones), -1);
});

/** Inputs: scores [rows…, classes], labels [rows…]. */
const crossEntropy = perRow("categoricalCrossEntropyWithScores", forwardKernel, (k) => k === 1 ? null : (gradient, node) =>
  record(crossEntropyGradient, node.inputShape(0), [node.input(0), node.input(1), gradient]));

const fromLikelihood = elementwise("categoricalCrossEntropy", surprise);

/** The samples of an output [samples…, classes]. */
function samplesAndClasses(name: string, output: Variable, options: CostOptions): { samples: Samples; classes: number } {
  checkVariable(name, output);
  const classes = output.shape[output.shape.length - 1] ?? 0;
  if (classes === 0) {
    throw new ShapeError(
      `${name} got an output of shape ${formatShape(output.shape)}: ` +
        "the last axis holds a number for each class and must not be empty.",
    );
  }
  return { samples: new Samples(name, samplesOf(output.shape), options), classes };
}

/**
 * The negative log likelihood of labels under the categorical distribution softmax(scores), computed from the scores so
 * that no score overflows: Σ weight · (log Σ exp(scores) − scores[label]).
 *
 * @param scores [classes] for one sample, or [samples…, classes]
 * @param labels an integer from 0 to classes − 1 for each sample: a number, number[] (nested for several axes), a typed array or
 *   a Variable
 * @returns the sum (or mean) over the samples, a Variable of shape []
 * @throws ShapeError if the numbers of samples differ; ValueError for a label that is not such an integer
 * @example
 * // Equal scores of four classes: log 4
 * cost.categoricalCrossEntropyWithScores(zeros([4]), 2).item(); // 1.3863
 * // Two sequences, the second of them padded
 * const mask = [[1, 1, 1], [1, 0, 0]];
 * cost.categoricalCrossEntropyWithScores(zeros([2, 3, 4]), [[0, 3, 1], [2, -1, -1]], { mask, reduction: "mean" }).item(); // 1.3863
 */
export function categoricalCrossEntropyWithScores(scores: Variable, labels: Labels, options?: CostOptions): Variable;
export function categoricalCrossEntropyWithScores(scores: Variable, labels: Labels, options: CostOptions = noOptions, more?: unknown): Variable {
  if (more !== undefined) checkArguments("categoricalCrossEntropyWithScores", [scores, labels, options, more], 3);
  checkOptions("categoricalCrossEntropyWithScores", options, costOptions);
  const { samples, classes } = samplesAndClasses("categoricalCrossEntropyWithScores", scores, options);
  const found = samples.labels(labels, classes, scores.shape);
  return samples.reduce(record(crossEntropy, samples.shape, [samples.clean(scores), found]));
}

/**
 * The negative log likelihood of labels: −Σ weight · log probabilities[label]. Probabilities below 10⁻²⁰ count as 10⁻²⁰ and get no
 * gradient. Where there are scores, prefer `categoricalCrossEntropyWithScores`: it is exact, faster, and learns from every sample.
 *
 * @param probabilities [classes] for one sample, or [samples…, classes]; that they add up to 1 is not checked
 * @param labels an integer from 0 to classes − 1 for each sample: a number, number[] (nested for several axes), a typed array or
 *   a Variable
 * @returns the sum (or mean) over the samples, a Variable of shape []
 * @throws ShapeError if the numbers of samples differ; ValueError for a label that is not such an integer
 * @example
 * // log 2 + log 10
 * cost.categoricalCrossEntropy(input([[0.5, 0.5], [0.9, 0.1]]), [0, 1]).item(); // 2.9957
 */
export function categoricalCrossEntropy(probabilities: Variable, labels: Labels, options: CostOptions = noOptions): Variable {
  checkCost("categoricalCrossEntropy", arguments, options);
  const { samples, classes } = samplesAndClasses("categoricalCrossEntropy", probabilities, options);
  const chosen = oneHot(samples.labels(labels, classes, probabilities.shape), classes);
  const likelihood = sum(where(chosen, samples.clean(probabilities), 0), -1);
  return samples.reduce(fromLikelihood(likelihood));
}
