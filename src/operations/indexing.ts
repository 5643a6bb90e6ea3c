/** Rows by number: looking up, adding up, and one-hot vectors. */

import { defineOperation } from "../engine/operation.ts";
import { currentDevice } from "../devices/current.ts";
import { ShapeError, ValueError } from "../support/errors.ts";
import { gather as gatherKernel, scatterAdd as scatterAddKernel, scatterRoom } from "../kernels/kernel.ts";
import { Role } from "../plan/role.ts";
import { openStep, record } from "../engine/recording.ts";
import { describe, formatShape, normalizeAxis, type Shape, scalarShape, sizeOf } from "../support/shape.ts";
import { isList, type NumberList, withNumbers } from "../support/arrays.ts";
import { fromValues, Variable } from "../engine/variable.ts";
import { equal } from "./arithmetic.ts";
import { view } from "./broadcasting.ts";
import { checkCall, checkVariable } from "./check.ts";

/** Indices or labels: integers from 0; one, a list or typed array of any kind on the host, or a Variable. */
export type Indices = number | NumberList | Variable;

/**
 * Indices as a Variable. Those that the host knows are checked here, where the user's line is; those that a step
 * computes are checked by the kernel that uses them.
 */
export function indexVariable(operation: string, indices: Indices, limit: number): Variable {
  if (indices instanceof Variable) {
    if (indices.storage === null) return checked(indices, limit);
    for (const value of indices.values()) checkIndex(operation, value, limit);
    return indices;
  }
  const { FloatArray } = currentDevice();
  if (typeof indices === "number") {
    checkIndex(operation, indices, limit);
    return fromValues(FloatArray.of(indices), scalarShape);
  }
  if (!isList(indices)) throw new ValueError(`${operation} takes an integer, a list, a typed array or a Variable of indices, but got ${describe(indices)}.`);
  const list = withNumbers(indices as readonly number[]);
  const values = new FloatArray(list.length);
  for (let i = 0; i < values.length; i++) {
    checkIndex(operation, list[i], limit);
    values[i] = list[i];
  }
  return fromValues(values, [values.length]);
}

function checkIndex(operation: string, value: unknown, limit: number): void {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < limit) return;
  throw new ValueError(
    `${operation} got index ${describe(value)}: an index or label here is an integer from 0 to ${limit - 1}.` +
      (value === limit ? " Labels count from 0." : ""),
  );
}

/** Indices that a step computes, passed through a look-up that refuses those out of range. */
function checked(indices: Variable, limit: number): Variable {
  if (openStep() === null || limit === 0) return indices;
  return gather(fromValues(Float32Array.from({ length: limit }, (_, i) => i), [limit]), indices);
}

/** outer · axis · inner: the shape of x around one axis. */
function around(shape: Shape, axis: number): { outer: number; size: number; inner: number } {
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
    for (const parameter of [outer, lowering.size(indices), inner, size]) lowering.parameter(parameter);
  },
  reverse: (k) => k === 1 ? null : (gradient, node) => {
    const axis = node.attribute(0);
    const shape = node.inputShape(0);
    const flat = view(gradient, [...shape.slice(0, axis), sizeOf(node.inputShape(1)), ...shape.slice(axis + 1)]);
    return scatter(view(node.input(1), [sizeOf(node.inputShape(1))]), flat, shape[axis], axis);
  },
});

/**
 * The entries of x at some indices of an axis; that axis is replaced by the axes of `indices` (ONNX Gather, NumPy take).
 * @throws ValueError for an index that is not an integer from 0 to the size of the axis; ShapeError for a wrong axis
 */
export function gather(x: Variable, indices: Indices, axis = 0): Variable {
  checkCall("gather", arguments, 3);
  const at = normalizeAxis("gather", axis, x.shape);
  const found = kernelIndices("gather", indices, x.shape[at]);
  return record(gatherOperation, [...x.shape.slice(0, at), ...found.shape, ...x.shape.slice(at + 1)], [x, found], [at]);
}

/** As `indexVariable`, for kernels that check for themselves. */
function kernelIndices(operation: string, indices: Indices, limit: number): Variable {
  return indices instanceof Variable && indices.storage === null ? indices : indexVariable(operation, indices, limit);
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
    const needed = scatterRoom(count, inner, size);
    const room = needed === 0 ? value : lowering.temporary(needed);
    if (needed > 0) lowering.zero(node, room);
    lowering.launch(scatterAddKernel, node);
    lowering.output(value);
    lowering.input(indices);
    lowering.input(updates);
    lowering.operand(room);
    for (const parameter of [outer, count, inner, size]) lowering.parameter(parameter);
  },
  reverse: (k) => k === 0 ? null : (gradient, node) => gather(gradient, node.input(0), node.attribute(0)),
});

function scatter(indices: Variable, updates: Variable, size: number, axis: number): Variable {
  return record(scatterOperation, updates.shape.map((n, i) => (i === axis ? size : n)), [indices, updates], [axis, size]);
}

/**
 * Zeros, with each entry of `updates` along an axis added at its index: the adjoint of `gather`. Equal indices add up.
 * @param indices one for each entry of `updates` along the axis
 * @param size the size of that axis in the result
 * @throws ValueError for an index out of range; ShapeError if the numbers of indices and entries differ
 */
export function scatterAdd(indices: Indices, updates: Variable, size: number, axis = 0): Variable {
  checkCall("scatterAdd", arguments, 4, 0);
  if (!Number.isInteger(size) || size < 0) throw new ValueError(`scatterAdd takes an integer of at least 0 as size, but got ${describe(size)}.`);
  checkVariable("scatterAdd", updates);
  const at = normalizeAxis("scatterAdd", axis, updates.shape);
  const found = kernelIndices("scatterAdd", indices, size);
  if (found.shape.length > 1 || found.size !== updates.shape[at]) {
    throw new ShapeError(`scatterAdd got indices ${formatShape(found.shape)} for updates ${formatShape(updates.shape)}: axis ${at} needs a list of ${updates.shape[at]} indices.`);
  }
  return scatter(view(found, [found.size]), updates, size, at);
}

/**
 * Vectors that are 1 at an index and 0 elsewhere.
 * @returns [...indices, depth]; no gradient passes
 * @throws ValueError for an index out of range
 */
export function oneHot(indices: Indices, depth: number): Variable {
  checkCall("oneHot", arguments, 2, 0);
  if (!Number.isInteger(depth) || depth < 1) throw new ValueError(`oneHot takes an integer of at least 1 as depth, but got ${describe(depth)}.`);
  const found = indexVariable("oneHot", indices, depth);
  return equal(view(found, [...found.shape, 1]), fromValues(Float32Array.from({ length: depth }, (_, i) => i), [depth]));
}

/**
 * Rows of a table of embeddings.
 * @param w [rows, ...]
 * @param indices an index gives one row; a list gives a row for each; a list of lists gives the sum of rows for each list
 *   (the product of w with sparse vectors; an empty list gives zeros)
 * @throws ValueError for an index out of range
 */
export function embed(w: Variable, indices: Indices | readonly (readonly number[])[]): Variable {
  checkCall("embed", arguments, 2);
  if (w.shape.length === 0) throw new ShapeError("embed takes a table of shape [rows, ...], but got a scalar.");
  if (!Array.isArray(indices) || !indices.some((entry) => Array.isArray(entry))) return gather(w, indices as Indices);
  const lists = indices as readonly (readonly number[])[];
  const wrong = lists.find((list) => !Array.isArray(list));
  if (wrong !== undefined) throw new ValueError(`embed got a list that mixes indices and lists (${describe(wrong)}): give one or the other.`);
  const owners = lists.flatMap((list, i) => list.map(() => i));
  return scatterAdd(owners, gather(w, lists.flat()), lists.length);
}
