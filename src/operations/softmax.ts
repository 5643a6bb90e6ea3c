/** The softmax family. All subtract the largest score first, so that nothing overflows. */

import type { Operation } from "../engine/operation.ts";
import { argument, type Expr, index } from "../kernels/expression.ts";
import { row, type RowStage } from "../kernels/kernel.ts";
import { record } from "../engine/recording.ts";
import { normalizeAxes, normalizeAxis } from "../support/shape.ts";
import { Variable } from "../engine/variable.ts";
import { exp, mul, sub } from "./arithmetic.ts";
import { type Axes, moveBack, moveLast, reduceRows } from "./axes.ts";
import { view } from "./broadcasting.ts";
import { checkCall, checkReduction, checkVariables } from "./check.ts";
import { stack } from "./joining.ts";
import { decat } from "./layout.ts";
import { sum } from "./reduction.ts";
import { candidate, onRows, softmaxGradient } from "./rows.ts";
import { where } from "./where.ts";

const x = argument(0);
const largest = argument(1);
const total = argument(2);
/** The largest element, then the sum of exponentials. A row whose largest element is infinite has no answer: it becomes NaN, all of it. */
const stagesOf = (exponential: Expr): RowStage[] => [{ reduce: "maximum", value: x }, { reduce: "sum", value: exponential }];
const exponential = x.sub(largest).exp();
const stages = stagesOf(exponential);

const softmaxKernel = row(["element"], stages, [{ per: "element", value: exponential.div(total) }]);
const logSoftmaxKernel = row(["element"], stages, [{ per: "element", value: x.sub(largest).sub(total.log()) }]);

const softmaxOperation = onRows("softmax", softmaxKernel, () => (gradient, node) => softmaxGradient(node.output, gradient));

const logSoftmaxOperation = onRows("logSoftmax", logSoftmaxKernel, () => (gradient, node) =>
  sub(gradient, mul(exp(node.output), sum(gradient, -1, true))));

/** An operation of rows, along any axis. */
function along(operation: Operation, x: Variable, axis: number): Variable {
  const at = normalizeAxis(operation.name, axis, x.shape);
  const last = moveLast(x, [at]);
  return moveBack(record(operation, last.shape, [last]), x.shape, [at]);
}

/** An operation of rows, over a list: element by element. */
function overList(operation: Operation, xs: readonly Variable[]): Variable[] {
  checkVariables(operation.name, xs);
  return decat(along(operation, stack(xs), 0));
}

/**
 * Probabilities: eˣ / Σ eˣ along an axis. Given a list of Variables of one shape, over the list: element by element, the
 * results add up to 1.
 * @throws ShapeError for an axis that x does not have, or a list of different shapes
 * @example
 * const x = input([[0, Math.log(3)], [0, 0]]);
 * softmax(x).toArray(); // [[0.25, 0.75], [0.5, 0.5]]
 * softmax(x, 0).toArray(); // [[0.5, 0.75], [0.5, 0.25]]
 * softmax([input([5, 0]), input([5, 0])])[0].toArray(); // [0.5, 0.5]
 */
export function softmax(xs: readonly Variable[]): Variable[];
export function softmax(x: Variable, axis?: number): Variable;
export function softmax(x: Variable | readonly Variable[], axis = -1): Variable | Variable[] {
  checkCall("softmax", arguments, 2, 0);
  return x instanceof Variable ? along(softmaxOperation, x, axis) : overList(softmaxOperation, x);
}

/**
 * log softmax(x), without the loss of accuracy of a logarithm of small numbers. Lists as for `softmax`.
 * @throws ShapeError for an axis that x does not have, or a list of different shapes
 * @example
 * logSoftmax(input([1000, 0])).toArray(); // [0, -1000]
 */
export function logSoftmax(xs: readonly Variable[]): Variable[];
export function logSoftmax(x: Variable, axis?: number): Variable;
export function logSoftmax(x: Variable | readonly Variable[], axis = -1): Variable | Variable[] {
  checkCall("logSoftmax", arguments, 2, 0);
  return x instanceof Variable ? along(logSoftmaxOperation, x, axis) : overList(logSoftmaxOperation, x);
}

// An infinite sum has an answer: so an infinite largest element is not subtracted.
const shift = largest.abs().equal(Number.POSITIVE_INFINITY).where(0, largest);
const shifted = x.sub(shift).exp();
const logsumexpKernel = row(["element"], stagesOf(shifted), [{ per: "row", value: total.log().add(shift) }]);

/** As softmax, but 0 where all elements are −∞: whichever of them rises a little, the sum stays 0. */
const sharesKernel = row(["element"], stagesOf(shifted), [{ per: "element", value: shifted.div(total.equal(0).where(1, total)) }]);
const sharesOperation = onRows("logsumexp′", sharesKernel, () => (gradient, node) => softmaxGradient(node.output, gradient));

const logsumexpOperation = onRows("logsumexp", logsumexpKernel, () => (gradient, node) =>
  mul(record(sharesOperation, node.inputShape(0), [node.input(0)]), view(gradient, [...node.shape, 1])));

/**
 * log Σ eˣ over axes, all of them by default, without overflow.
 * @param keepdims keep reduced axes with size 1
 * @throws ShapeError for axes that x does not have
 * @example
 * logsumexp(input([[0, 0], [1000, 1000]]), -1).toArray(); // [0.693, 1000.693]
 */
export function logsumexp(x: Variable, axes?: Axes, keepdims = false): Variable {
  checkReduction("logsumexp", arguments);
  return reduceRows(logsumexpOperation, x, normalizeAxes("logsumexp", axes, x.shape), keepdims);
}

const winnerKernel = row(
  ["element"],
  [{ reduce: "maximum", value: x }, { reduce: "minimum", value: candidate(x, argument(1)) }],
  [{ per: "element", value: index().equal(argument(2)) }],
);
/** 1 at the largest element of each row, as `argmax` finds it, else 0. */
const winnerOperation = onRows("wta", winnerKernel, () => null);

/**
 * Winner takes all: every entry but the largest of its row (along an axis, as `argmax` finds it) becomes 0.
 * @throws ShapeError for an axis that x does not have
 * @example
 * wta(input([[1, 5, 5], [7, 2, 3]])).toArray(); // [[0, 5, 0], [7, 0, 0]]
 */
export function wta(x: Variable, axis = -1): Variable {
  checkCall("wta", arguments, 2);
  return where(along(winnerOperation, x, axis), x, 0);
}
