/** Sums, views and broadcasting: what every other family of operations rests on, so un-broadcasting is solved once, here. */

import { defineOperation } from "../engine/operation.ts";
import { ShapeError } from "../support/errors.ts";
import { argument } from "../kernels/expression.ts";
import { map } from "../kernels/kernel.ts";
import { whole } from "../plan/box.ts";
import { Role } from "../plan/role.ts";
import { record, record1 } from "../engine/recording.ts";
import type { Operand } from "../engine/step.ts";
import { broadcast, checkShape, formatShape, normalizeAxes, type Shape, sameShape, sizeOf } from "../support/shape.ts";
import type { Variable } from "../engine/variable.ts";
import { checkCall, checkReduction } from "./check.ts";

/** Axes to reduce: one, several, or (undefined) all. Negative ones count from the end. */
export type Axes = number | readonly number[];

/** The shape after reducing axes. */
export function reducedShape(shape: Shape, axes: readonly number[], keepdims: boolean): Shape {
  return keepdims ? shape.map((size, i) => (axes.includes(i) ? 1 : size)) : shape.filter((_, i) => !axes.includes(i));
}

/** Attributes: keepdims, then the axes. */
const sumOperation = defineOperation({
  name: "sum",
  role: Role.sum,
  lower: (lowering, node) => lowering.reduce(node, "sum", [...lowering.trace.attributes(node, 1)]),
  reverse: () => (gradient, node) => {
    const shape = node.inputShape(0);
    return extend(view(gradient, reducedShape(shape, [...node.attributes(1)], true)), shape);
  },
});

/**
 * The sum over axes; all of them by default. An empty axis gives 0.
 * @param keepdims keep reduced axes with size 1
 */
export function sum(x: Variable, axes?: Axes, keepdims = false): Variable {
  checkReduction("sum", arguments);
  const list = normalizeAxes("sum", axes, x.shape);
  return record(sumOperation, reducedShape(x.shape, list, keepdims), [x], [keepdims ? 1 : 0, ...list]);
}

const identityOperation = defineOperation({
  name: "identity",
  role: Role.view,
  lower: (lowering, node) => lowering.alias(node, lowering.trace.input(node, 0)),
  reverse: () => (gradient) => gradient,
  elements: (node) => whole(node.shape),
});

/**
 * x itself, as a new Variable. What changes nothing gives this too: a Variable that is differentiated by is then never one that
 * something else made. Costs nothing.
 */
export function identity(x: Variable): Variable {
  checkCall("identity", arguments, 1);
  return record1(identityOperation, x.shape, x);
}

/** Attributes: the shape. */
const reshapeOperation = defineOperation({
  name: "reshape",
  role: Role.view,
  lower: (lowering, node) => lowering.alias(node, lowering.trace.input(node, 0)),
  reverse: () => (gradient, node) => view(gradient, node.inputShape(0)),
  elements: (node) => whole(node.shape),
});

/** x in a shape with as many elements; x itself where it has that shape. Within operations: what a user calls gives a new Variable. */
export const view = (x: Variable, shape: Shape): Variable => (sameShape(x.shape, shape) ? x : record(reshapeOperation, shape.slice(), [x], shape));

/**
 * The same elements in another shape; one size may be −1, to be found from the others. Costs nothing.
 * @throws ShapeError if the number of elements differs
 */
export function reshape(x: Variable, shape: Shape): Variable {
  checkCall("reshape", arguments, 2);
  if (!Array.isArray(shape)) checkShape("reshape", shape);
  const open = shape.indexOf(-1);
  let target: Shape = shape;
  if (open >= 0) {
    if (shape.lastIndexOf(-1) > open) throw new ShapeError(`reshape got shape ${formatShape(shape)} for ${formatShape(x.shape)}: only one size can be −1, the others say what it is.`);
    const others = shape.reduce((product, size, i) => (i === open ? product : product * size), 1);
    target = shape.map((size, i) => (i === open ? (others === 0 ? 0 : x.size / others) : size));
  }
  if (target.some((size) => !Number.isInteger(size)) || sizeOf(checkShape("reshape", target)) !== x.size) {
    throw new ShapeError(
      `reshape got shape ${formatShape(x.shape)} with ${x.size} elements to be seen as ${formatShape(shape)}: the number of elements must stay the same.`,
    );
  }
  return record(reshapeOperation, target.slice(), [x], target);
}

const copyKernel = map(1, argument(0));

/** Attributes: the shape. */
const broadcastOperation = defineOperation({
  name: "broadcastTo",
  role: Role.map,
  lower: (lowering, node) => lowering.map(node, copyKernel),
  reverse: () => (gradient, node) => sumTo(gradient, node.inputShape(0)),
});

/**
 * The array repeated along new axes and along axes of size 1, by NumPy's rule.
 * @throws ShapeError if the shape does not extend that of x
 */
export function broadcastTo(x: Operand, shape: Shape): Variable {
  checkCall("broadcastTo", arguments, 2, typeof x === "number" ? 0 : 1);
  const from = typeof x === "number" ? [] : x.shape;
  const extended = broadcast(from, checkShape("broadcastTo", shape));
  if (extended === null || !sameShape(extended, shape)) {
    throw new ShapeError(
      `broadcastTo cannot extend shape ${formatShape(from)} to ${formatShape(shape)}: counted from the right, each axis must have the same size or size 1.`,
    );
  }
  return typeof x !== "number" && sameShape(from, shape) ? identity(x) : record(broadcastOperation, shape.slice(), [x], shape);
}

/** As `broadcastTo`, of what fits; x itself where it has that shape. */
const extend = (x: Variable, shape: Shape): Variable => (sameShape(x.shape, shape) ? x : record(broadcastOperation, shape.slice(), [x], shape));

/** The adjoint of broadcasting: sums over the axes along which a smaller array was repeated. */
export function sumTo(x: Variable, shape: Shape): Variable {
  if (sameShape(x.shape, shape)) return x;
  const extra = x.shape.length - shape.length;
  const axes = x.shape.flatMap((size, i) => (i < extra || (shape[i - extra] === 1 && size !== 1) ? [i] : []));
  return view(sum(x, axes), shape);
}
