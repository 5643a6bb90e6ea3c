/** Axes in another order, for operations that work along some of them. */

import { defineOperation } from "../engine/operation.ts";
import { record } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { stridesOf } from "../plan/box.ts";
import { Role } from "../plan/role.ts";
import { contiguousStrides, type Shape, sizeOf } from "../support/shape.ts";
import { view } from "./broadcasting.ts";

/** Axes to reduce: one, several, or (undefined) all. Negative ones count from the end. */
export type Axes = number | readonly number[];

/** Attributes: for each axis of the result, the axis of x. */
const permuteOperation = defineOperation({
  name: "permute",
  role: Role.move,
  lower: (lowering, node) => {
    const source = lowering.trace.input(node, 0);
    const shape = lowering.shape(node);
    const strides = contiguousStrides(lowering.shape(source));
    const value = lowering.define(node);
    lowering.copy(node, value, 0, source, 0, shape, contiguousStrides(shape), [...lowering.trace.attributes(node)].map((axis) => strides[axis]));
  },
  reverse: () => (gradient, node) => {
    const order = [...node.attributes()];
    return reorder(gradient, order.map((_, axis) => order.indexOf(axis)));
  },
  elements: (node) => {
    const strides = stridesOf(node.inputShape(0));
    return { offset: 0, sizes: node.shape, strides: [...node.attributes()].map((axis) => strides[axis]) };
  },
});

/** The axes in another order; x itself where that changes nothing. */
export function reorder(x: Variable, axes: readonly number[]): Variable {
  const shape = axes.map((axis) => x.shape[axis]);
  // Moving only axes of size 1 moves no element.
  const moved = axes.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1])) return view(x, shape);
  return record(permuteOperation, shape, [x], axes);
}

/** x as [others…, n]: some axes moved to the end and joined into one. */
export function moveLast(x: Variable, axes: readonly number[]): Variable {
  const others = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const moved = reorder(x, [...others, ...axes]);
  return view(moved, [...others.map((i) => x.shape[i]), sizeOf(axes.map((i) => x.shape[i]))]);
}

/** The inverse of `moveLast`: y is [others…, n]. */
export function moveBack(y: Variable, shape: Shape, axes: readonly number[]): Variable {
  const others = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const order = [...others, ...axes];
  return reorder(view(y, order.map((i) => shape[i])), shape.map((_, i) => order.indexOf(i)));
}
