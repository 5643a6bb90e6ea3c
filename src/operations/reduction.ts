/** Reductions over axes. */

import { defineOperation, type Operation } from "../engine/operation.ts";
import { ShapeError } from "../support/errors.ts";
import { argument, index } from "../kernels/expression.ts";
import { row } from "../kernels/kernel.ts";
import { record } from "../engine/recording.ts";
import { formatShape, normalizeAxes, normalizeAxis, sizeOf } from "../support/shape.ts";
import type { Variable } from "../engine/variable.ts";
import { div } from "./arithmetic.ts";
import { type Axes, reduceRows } from "./axes.ts";
import { reducedShape, sumOver, view } from "./broadcasting.ts";
import { checkCall, checkReduction } from "./check.ts";
import { chosenFrom } from "./extreme.ts";
import { indexVariable, type Indices } from "./indices.ts";
import { candidate, onRows } from "./rows.ts";
import { where } from "./where.ts";

/**
 * The sum over axes; all of them by default. An empty axis gives 0.
 * @param keepdims keep reduced axes with size 1
 * @throws ShapeError for an axis that x does not have
 * @example
 * const x = input([[1, 2, 3], [4, 5, 6]]);
 * sum(x).item(); // 21
 * sum(x, 0).toArray(); // [5, 7, 9]
 * sum(x, -1, true).toArray(); // [[6], [15]]
 */
export function sum(x: Variable, axes?: Axes, keepdims = false): Variable {
  checkReduction("sum", arguments);
  return sumOver(x, normalizeAxes("sum", axes, x.shape), keepdims);
}

/**
 * The mean over axes; all of them by default.
 * @param keepdims keep reduced axes with size 1
 * @throws ShapeError for axes that x does not have
 * @example
 * const x = input([[1, 2], [3, 6]]);
 * mean(x).item(); // 3
 * mean(x, -1).toArray(); // [1.5, 4.5]
 */
export function mean(x: Variable, axes?: Axes, keepdims = false): Variable {
  checkReduction("mean", arguments);
  const list = normalizeAxes("mean", axes, x.shape);
  return div(sum(x, list, keepdims), sizeOf(list.map((axis) => x.shape[axis])));
}

/** Attributes: keepdims, then the axes. Where several elements are the extreme, they share the gradient. */
function extreme(name: string, reduce: "maximum" | "minimum"): Operation {
  return defineOperation({
    name,
    lower: (lowering, node) => lowering.reduce(node, reduce, [...lowering.trace.attributes(node, 1)]),
    reverse: () => (gradient, node) => {
      const axes = [...node.attributes(1)];
      const shape = reducedShape(node.inputShape(0), axes, true);
      const chosen = chosenFrom(node.input(0), view(node.output, shape));
      return where(chosen, div(view(gradient, shape), sum(chosen, axes, true)), 0);
    },
  });
}

const maxOperation = extreme("max", "maximum");
const minOperation = extreme("min", "minimum");

function reduceExtreme(operation: Operation, x: Variable, axes: Axes | undefined, keepdims: boolean): Variable {
  const list = normalizeAxes(operation.name, axes, x.shape);
  notEmpty(operation.name, x, list);
  return record(operation, reducedShape(x.shape, list, keepdims), [x], [keepdims ? 1 : 0, ...list]);
}

function notEmpty(name: string, x: Variable, axes: readonly number[]): void {
  if (axes.some((axis) => x.shape[axis] === 0)) {
    throw new ShapeError(`${name} got shape ${formatShape(x.shape)}: an axis without elements has no largest or smallest one.`);
  }
}

/**
 * The largest element over axes; all of them by default. Equal ones share the gradient. NaN wins.
 * @param keepdims keep reduced axes with size 1
 * @throws ShapeError for axes that x does not have, or without elements
 * @example
 * const x = input([[1, 5, 5], [7, 2, 3]]);
 * max(x).item(); // 7
 * max(x, -1).toArray(); // [5, 7]
 * gradients(() => max(x, -1).sum(), [x])[0].toArray(); // [[0, 0.5, 0.5], [1, 0, 0]]
 */
export function max(x: Variable, axes?: Axes, keepdims = false): Variable {
  checkReduction("max", arguments);
  return reduceExtreme(maxOperation, x, axes, keepdims);
}

/**
 * The smallest element over axes; all of them by default. Equal ones share the gradient. NaN wins.
 * @param keepdims keep reduced axes with size 1
 * @throws ShapeError for axes that x does not have, or without elements
 * @example
 * min(input([[1, 5], [7, 2]]), 0).toArray(); // [1, 2]
 */
export function min(x: Variable, axes?: Axes, keepdims = false): Variable {
  checkReduction("min", arguments);
  return reduceExtreme(minOperation, x, axes, keepdims);
}

const x0 = argument(0);
const infinity = Number.POSITIVE_INFINITY;
const argmaxKernel = row(
  ["element"],
  [{ reduce: "maximum", value: x0 }, { reduce: "minimum", value: candidate(x0, argument(1)) }],
  [{ per: "row", value: argument(2) }],
);
const argmaxOperation = onRows("argmax", argmaxKernel, () => null);

/** A row operation along one axis of x. */
function along(operation: Operation, x: Variable, axis: number, keepdims: boolean, others: readonly Variable[] = []): Variable {
  const at = normalizeAxis(operation.name, axis, x.shape);
  notEmpty(operation.name, x, [at]);
  return reduceRows(operation, x, [at], keepdims, others);
}

/**
 * The index of the largest element along an axis, the first of equal ones, as a Variable like any other.
 * NaN counts as the largest, as in NumPy. Indices are exact up to 2²⁴.
 * @param keepdims keep the reduced axis with size 1
 * @throws ShapeError for an axis that x does not have, or without elements
 * @example
 * const x = input([[1, 5, 5], [7, 2, 3]]);
 * argmax(x).toArray(); // [1, 0]
 * argmax(x, 0).toArray(); // [1, 0, 0]
 */
export function argmax(x: Variable, axis = -1, keepdims = false): Variable {
  checkReduction("argmax", arguments);
  return along(argmaxOperation, x, axis, keepdims);
}

const other = index().equal(argument(1));
const argmaxneqKernel = row(
  ["element", "row"],
  [
    { reduce: "maximum", value: other.where(-infinity, x0) },
    { reduce: "minimum", value: other.where(infinity, candidate(x0, argument(2))) },
  ],
  [{ per: "row", value: argument(3) }],
);
const argmaxneqOperation = onRows("argmaxneq", argmaxneqKernel, () => null);

/**
 * The index of the largest element along the last axis whose index is not k: the strongest competitor of a label.
 * @param x [..., n] with n ≥ 2
 * @param k one index for each row: a number, a list, a typed array or a Variable
 * @returns [...]
 * @throws ShapeError for other shapes; ValueError for an index that is not an integer from 0 to n − 1
 * @example
 * argmaxneq(input([[1, 5, 2], [7, 2, 3]]), [1, 0]).toArray(); // [2, 2]
 */
export function argmaxneq(x: Variable, k: Indices): Variable {
  checkCall("argmaxneq", arguments, 2);
  const n = x.shape[x.shape.length - 1] ?? 0;
  if (n < 2) throw new ShapeError(`argmaxneq got shape ${formatShape(x.shape)}: the last axis needs at least two elements.`);
  const rows = x.shape.slice(0, -1);
  const excluded = indexVariable("argmaxneq", k, n);
  if (excluded.size !== sizeOf(rows)) {
    throw new ShapeError(`argmaxneq got ${excluded.size} indices for shape ${formatShape(x.shape)}, which has ${sizeOf(rows)} rows.`);
  }
  return along(argmaxneqOperation, x, -1, false, [view(excluded, rows)]);
}
