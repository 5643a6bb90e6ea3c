/** The surprise at a class, from scores: what the costs of classes have in common. */

import type { Operation } from "../engine/operation.ts";
import { record } from "../engine/recording.ts";
import type { Operand } from "../engine/step.ts";
import type { Variable } from "../engine/variable.ts";
import { argument, index } from "../kernels/expression.ts";
import { row } from "../kernels/kernel.ts";
import { mul, sub } from "../operations/arithmetic.ts";
import { view } from "../operations/broadcasting.ts";
import { sum } from "../operations/reduction.ts";
import { onRows, softmaxGradient } from "../operations/rows.ts";
import { softmax } from "../operations/softmax.ts";
import { samplesOf } from "./samples.ts";

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
const crossEntropyGradient: Operation = onRows("crossEntropy′", backwardKernel, (k) => k === 1 ? null : (v, node) => {
  const [scores, labels, g] = [node.input(0), node.input(1), node.input(2)];
  if (k === 0) return mul(softmaxGradient(softmax(scores), v), view(g, [...g.shape, 1]));
  const ones = record(crossEntropyGradient, scores.shape, [scores, labels, sub(g, g).add(1)]);
  return sum(mul(v, ones), -1);
});

/** Inputs: scores [rows…, classes], labels [rows…]. */
const crossEntropyOperation = onRows("categoricalCrossEntropyWithScores", forwardKernel, (k) => k === 1 ? null : (gradient, node) =>
  record(crossEntropyGradient, node.inputShape(0), [node.input(0), node.input(1), gradient]));

/**
 * −log softmax(scores)[label] of each row.
 * @param scores [rows…, classes]
 * @param labels [rows…]
 */
export const crossEntropy = (scores: Variable, labels: Operand): Variable => record(crossEntropyOperation, samplesOf(scores.shape), [scores, labels]);
