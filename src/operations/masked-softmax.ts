/** The softmax of what a mask says counts. */

import { record } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { argument } from "../kernels/expression.ts";
import { row, type RowKernel } from "../kernels/kernel.ts";
import { normalizeAxis } from "../support/shape.ts";
import { checkCall } from "./check.ts";
import { broadcastTo } from "./layout.ts";
import { onRows, softmaxGradient } from "./rows.ts";
import { where } from "./where.ts";

const x = argument(0);

/** Of elements with a mask. A row in which none counts has no sum to divide by, but is not chosen either. */
function maskedKernel(): RowKernel {
  const counts = argument(1);
  const exponential = counts.where(x.sub(argument(2)).exp(), 0);
  return row(
    ["element", "element"],
    [{ reduce: "maximum", value: counts.where(x, -Infinity) }, { reduce: "sum", value: exponential }],
    [{ per: "element", value: counts.where(exponential.div(argument(3)), 0) }],
  );
}

/** Inputs: scores and a mask, which has no gradient. */
const maskedSoftmaxOperation = onRows("maskedSoftmax", maskedKernel(), (k) =>
  k === 1 ? null : (gradient, node) => softmaxGradient(node.output, where(node.input(1), gradient, 0)));

/**
 * Probabilities of those scores that count: a softmax along the last axis, as if the others were not there. They get 0, whatever they are, and
 * so does a row in which none counts. That is how attention leaves out padding and the future.
 *
 * @param mask 0 for what does not count; it broadcasts to the scores
 * @throws ShapeError if it does not
 * @example
 * maskedSoftmax(input([[1, 1, NaN], [2, 3, 4]]), input([[1, 1, 0], [0, 0, 0]])).toArray(); // [[0.5, 0.5, 0], [0, 0, 0]]
 */
export function maskedSoftmax(scores: Variable, mask: Variable): Variable {
  checkCall("maskedSoftmax", arguments, 2, 2);
  normalizeAxis("maskedSoftmax", -1, scores.shape);
  return record(maskedSoftmaxOperation, scores.shape, [scores, broadcastTo(mask, scores.shape)]);
}
