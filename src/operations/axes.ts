/** Axes in another order, for operations that work along some of them. */

import type { Operation } from "../engine/operation.ts";
import { record } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { type Shape, sizeOf, stridesOf } from "../support/shape.ts";
import { reducedShape, view } from "./broadcasting.ts";
import { defineBox } from "./pieces.ts";

/** Axes to reduce: one, several, or (undefined) all. Negative ones count from the end. */
export type Axes = number | readonly number[];

/** Attributes: for each axis of the result, the axis of x. */
const permuteOperation = defineBox("permute", (sizes, order, of) => {
  const strides = stridesOf(of);
  return { offset: 0, sizes, strides: order.map((axis) => strides[axis]) };
}, { reverse: () => (gradient, node) => reorder(gradient, inverse([...node.attributes()])) });

/** The order that undoes another. */
const inverse = (order: readonly number[]): number[] => order.map((_, axis) => order.indexOf(axis));

/** The axes in another order; x itself where that changes nothing. */
export function reorder(x: Variable, axes: readonly number[]): Variable {
  const shape = axes.map((axis) => x.shape[axis]);
  // Moving only axes of size 1 moves no element.
  const moved = axes.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1])) return view(x, shape);
  return record(permuteOperation, shape, [x], axes);
}

/** All axes, some of them last. */
const lastOf = (shape: Shape, axes: readonly number[]): number[] => [...shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);

/** x as [others…, n]: some axes moved to the end and joined into one. */
export function moveLast(x: Variable, axes: readonly number[]): Variable {
  const moved = reorder(x, lastOf(x.shape, axes));
  const others = x.shape.length - axes.length;
  return view(moved, [...moved.shape.slice(0, others), sizeOf(moved.shape.slice(others))]);
}

/** A reduction of rows, over some axes of x. */
export function reduceRows(operation: Operation, x: Variable, axes: readonly number[], keepdims: boolean, others: readonly Variable[] = []): Variable {
  const last = moveLast(x, axes);
  return view(record(operation, last.shape.slice(0, -1), [last, ...others]), reducedShape(x.shape, axes, keepdims));
}

/** The inverse of `moveLast`: y is [others…, n]. */
export function moveBack(y: Variable, shape: Shape, axes: readonly number[]): Variable {
  const order = lastOf(shape, axes);
  return reorder(view(y, order.map((axis) => shape[axis])), inverse(order));
}
