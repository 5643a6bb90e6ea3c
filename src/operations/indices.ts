/** Indices, and the operations that look up and add up by them. */

import { defineOperation } from "../engine/operation.ts";
import { currentDevice } from "../devices/current.ts";
import { isList, type NumberList, withNumbers } from "../support/arrays.ts";
import { describe } from "../support/describe.ts";
import { refusal } from "../support/check.ts";
import { ValueError } from "../support/errors.ts";
import { scalarShape, type Shape, sizeOf } from "../support/shape.ts";
import {
  gatherParameters, gather as gatherKernel, scatterAddParameters, scatterAdd as scatterAddKernel, scatterRoom, writeParameters,
} from "../kernels/kernel.ts";
import { Role } from "../plan/role.ts";
import { openStep, record } from "../engine/recording.ts";
import { fromValues, Variable } from "../engine/variable.ts";
import type { Lowering } from "../plan/lowering.ts";
import { view } from "./broadcasting.ts";

/** Indices or labels: integers from 0; one, a list or typed array of any kind on the host, or a Variable. */
export type Indices = number | NumberList | Variable;

/**
 * Indices as a Variable. Those that the host knows are checked here, where the user's line is; those that a step
 * computes are checked by the kernel that uses them.
 */
export function indexVariable(operation: string, indices: Indices, limit: number): Variable {
  const isVariable = indices instanceof Variable;
  if (isVariable && !indices.storage?.isAtHand) return checked(indices, limit);
  const given = isVariable ? indices.values() : typeof indices === "number" ? [indices] : indices;
  if (!isList(given)) throw refusal(operation, "an integer, a list, a typed array or a Variable of indices", indices);
  const list = withNumbers(given as readonly number[]);
  for (let i = 0; i < list.length; i++) checkIndex(operation, list[i], limit);
  return isVariable ? indices : fromValues(new (currentDevice().FloatArray)(list), typeof indices === "number" ? scalarShape : [list.length]);
}

function checkIndex(operation: string, value: unknown, limit: number): void {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < limit) return;
  throw new ValueError(
    `${operation} got index ${describe(value)}: an index or label here is an integer from 0 to ${limit - 1}.` +
      (value === limit ? " Labels count from 0." : ""),
  );
}

/** Indices that a step computes, or has computed on a device that answers later, passed through a look-up that refuses those out of range. */
function checked(indices: Variable, limit: number): Variable {
  if (limit === 0 || (openStep() === null && indices.storage === null)) return indices;
  return take(fromValues(Float32Array.from({ length: limit }, (_, i) => i), [limit]), indices, 0);
}

/** outer · axis · inner: the shape of x around one axis. */
export function around(shape: Shape, axis: number): { outer: number; size: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), size: shape[axis], inner: sizeOf(shape.slice(axis + 1)) };
}

/** Inputs: table, indices. Attributes: the axis. */
const gatherOperation = defineOperation({
  name: "gather",
  role: Role.gather,
  lower: (lowering, node) => {
    const [table, indices] = [lowering.trace.input(node, 0), lowering.trace.input(node, 1)];
    const { outer, size, inner } = around(lowering.shape(table), lowering.trace.attribute(node, 0));
    const value = lowering.define(node);
    if (lowering.size(node) === 0) return;
    lowering.launch(gatherKernel, node);
    lowering.output(value);
    lowering.input(table);
    lowering.input(indices);
    writeParameters(gatherParameters, lowering.code, { outer, count: lowering.size(indices), inner, size });
  },
  reverse: (k) => k === 1 ? null : (gradient, node) => {
    const axis = node.attribute(0);
    const shape = node.inputShape(0);
    const flat = view(gradient, [...shape.slice(0, axis), sizeOf(node.inputShape(1)), ...shape.slice(axis + 1)]);
    return scatter(view(node.input(1), [sizeOf(node.inputShape(1))]), flat, shape[axis], axis);
  },
});

/** Records a `gather`. */
export const take = (x: Variable, indices: Variable, axis: number): Variable =>
  record(gatherOperation, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], [x, indices], [axis]);

/** As `indexVariable`, for kernels that check for themselves. */
export function kernelIndices(operation: string, indices: Indices, limit: number): Variable {
  return indices instanceof Variable && indices.storage === null ? indices : indexVariable(operation, indices, limit);
}

/** Launches what adds up entries by their indices, which are two operands, into a value. */
export function addRows(
  lowering: Lowering, node: number, value: number, indices: () => void, updates: () => void,
  sizes: { readonly outer: number; readonly count: number; readonly inner: number; readonly size: number },
): void {
  const needed = scatterRoom(sizes.count, sizes.inner, sizes.size);
  const room = needed === 0 ? value : lowering.temporary(needed);
  if (needed > 0) lowering.zero(node, room);
  lowering.launch(scatterAddKernel, node);
  lowering.output(value);
  indices();
  updates();
  lowering.operand(room);
  writeParameters(scatterAddParameters, lowering.code, sizes);
}

/** Inputs: indices, updates. Attributes: the axis, its size in the result. */
const scatterOperation = defineOperation({
  name: "scatterAdd",
  role: Role.scatterAdd,
  lower: (lowering, node) => {
    const [indices, updates] = [lowering.trace.input(node, 0), lowering.trace.input(node, 1)];
    const { outer, size, inner } = around(lowering.shape(node), lowering.trace.attribute(node, 0));
    const value = lowering.define(node);
    if (lowering.size(node) === 0) return;
    const count = lowering.size(indices);
    addRows(lowering, node, value, () => lowering.input(indices), () => lowering.input(updates), { outer, count, inner, size });
  },
  reverse: (k) => k === 0 ? null : (gradient, node) => take(gradient, node.input(0), node.attribute(0)),
});

/** Records a `scatterAdd`. */
export function scatter(indices: Variable, updates: Variable, size: number, axis: number): Variable {
  return record(scatterOperation, updates.shape.map((n, i) => (i === axis ? size : n)), [indices, updates], [axis, size]);
}
