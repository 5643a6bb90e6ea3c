/** Running sums, products and maxima along an axis. */

import { defineOperation, type Operation } from "../engine/operation.ts";
import { record } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { type Scan, scan, columnsParameters, writeParameters } from "../kernels/kernel.ts";
import { normalizeAxis } from "../support/shape.ts";
import { mul, sub } from "./arithmetic.ts";
import { checkCall } from "./check.ts";
import { chosenFrom } from "./extreme.ts";
import { around } from "./indices.ts";
import { concat } from "./joining.ts";
import { broadcastTo, slice } from "./layout.ts";
import { where } from "./where.ts";

/**
 * A scan along attribute 0, an axis of the result, which has the shape of every input; attribute 1 is 1 for one that begins at the end. Of two inputs
 * the second has factors.
 */
function scanOperation(name: string, kind: Scan, reverse: Operation["reverse"]): Operation {
  return defineOperation({
    name,
    lower: (lowering, node) => {
      const { trace } = lowering;
      const value = lowering.define(node);
      if (lowering.size(node) === 0) return;
      const inputs = trace.inputCount(node);
      lowering.launch(scan(kind, trace.attribute(node, 1) === 1, inputs === 2), node);
      lowering.output(value);
      for (let k = 0; k < inputs; k++) lowering.input(trace.input(node, k));
      const { outer, size, inner } = around(lowering.shape(node), trace.attribute(node, 0));
      writeParameters(columnsParameters, lowering.code, { outer, n: size, inner });
    },
    reverse,
  });
}

/** Each entry along an axis replaced by the one before it; `first` comes first. */
function delayed(y: Variable, axis: number, first: number): Variable {
  const n = y.shape[axis];
  if (n === 0) return y;
  const before = slice(y, ...y.shape.map((_, i): [number, number] | null => (i === axis ? [0, n - 1] : null)));
  return concat([broadcastTo(first, y.shape.map((size, i) => (i === axis ? 1 : size))), before], axis);
}

const cumsumOperation: Operation = scanOperation("cumsum", "sum", () => (gradient, node) =>
  record(cumsumOperation, node.shape, [gradient], [node.attribute(0), 1 - node.attribute(1)]));

/** Inputs: x and factors a. y[i] = a[i]·y[i − 1] + x[i], or backwards y[i] = a[i + 1]·y[i + 1] + x[i]: each is the other's adjoint. */
const recurrenceOperation: Operation = scanOperation("recurrence", "sum", (k) => (gradient, node) => {
  const [axis, backwards] = [node.attribute(0), node.attribute(1)];
  const byX = recurrence(gradient, node.input(1), axis, 1 - backwards);
  if (k === 0) return byX;
  return backwards === 0 ? mul(byX, delayed(node.output, axis, 0)) : mul(delayed(byX, axis, 0), node.output);
});

const recurrence = (x: Variable, factors: Variable, axis: number, backwards: number): Variable =>
  record(recurrenceOperation, x.shape, [x, factors], [axis, backwards]);

/** Nothing is divided, so that zeros do no harm. */
const cumprodOperation = scanOperation("cumprod", "product", () => (gradient, node) => {
  const axis = node.attribute(0);
  return mul(delayed(node.output, axis, 1), recurrence(gradient, node.input(0), axis, 1));
});

/** The gradient goes to the last of equal ones so far: what comes after an element until the next that is chosen. */
const cummaxOperation = scanOperation("cummax", "maximum", () => (gradient, node) => {
  const chosen = chosenFrom(node.input(0), node.output);
  return where(chosen, recurrence(gradient, sub(1, chosen), node.attribute(0), 1), 0);
});

function along(operation: Operation, x: Variable, axis: number): Variable {
  return record(operation, x.shape, [x], [normalizeAxis(operation.name, axis, x.shape), 0]);
}

/**
 * The sums of all elements up to each, along an axis.
 * @param x of any shape but a scalar
 * @returns the shape of x
 * @throws ShapeError for an axis that x does not have
 * @example
 * cumsum(input([1, 2, 3])).toArray(); // [1, 3, 6]
 * cumsum(input([[1, 2], [3, 4]]), 0).toArray(); // [[1, 2], [4, 6]]
 */
export function cumsum(x: Variable, axis = -1): Variable {
  checkCall("cumsum", arguments, 2);
  return along(cumsumOperation, x, axis);
}

/**
 * The products of all elements up to each, along an axis. The gradient is right where elements are 0 too.
 * @param x of any shape but a scalar
 * @returns the shape of x
 * @throws ShapeError for an axis that x does not have
 * @example
 * cumprod(input([1, 2, 3])).toArray(); // [1, 2, 6]
 */
export function cumprod(x: Variable, axis = -1): Variable {
  checkCall("cumprod", arguments, 2);
  return along(cumprodOperation, x, axis);
}

/**
 * The largest of all elements up to each, along an axis. NaN counts as the largest. Of equal ones the last gets the gradient, as in PyTorch.
 * @param x of any shape but a scalar
 * @returns the shape of x
 * @throws ShapeError for an axis that x does not have
 * @example
 * cummax(input([1, 3, 2])).toArray(); // [1, 3, 3]
 */
export function cummax(x: Variable, axis = -1): Variable {
  checkCall("cummax", arguments, 2);
  return along(cummaxOperation, x, axis);
}
