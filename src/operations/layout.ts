/** Operations that move elements without changing them. */

import { defineOperation } from "../engine/operation.ts";
import { describe } from "../support/describe.ts";
import { refusal } from "../support/check.ts";
import { ShapeError } from "../support/errors.ts";
import { broadcast, checkShape, formatShape, normalizeAxes, normalizeAxis, sameShape, type Shape, sizeOf, stridesOf } from "../support/shape.ts";
import { Role } from "../plan/role.ts";
import { record1 } from "../engine/recording.ts";
import { whole } from "../plan/box.ts";
import type { Variable } from "../engine/variable.ts";
import type { Operand } from "../engine/step.ts";
import { type Axes, reorder } from "./axes.ts";
import { repeated, reshaped } from "./broadcasting.ts";
import { checkCall, checkVariable } from "./check.ts";
import { cut, place } from "./pieces.ts";

// -- shape --------------------------------------------------------------------------------------------

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
 * @example
 * const x = parameter([1, 2]);
 * identity(x).toArray(); // [1, 2]
 * identity(x) === x; // false
 */
export function identity(x: Variable): Variable {
  checkCall("identity", arguments, 1);
  return record1(identityOperation, x.shape, x);
}

/**
 * The same elements in another shape; one size may be −1, to be found from the others. Costs nothing.
 * @throws ShapeError if the number of elements differs
 * @example
 * reshape(arange(6), [2, -1]).toArray(); // [[0, 1, 2], [3, 4, 5]]
 */
export function reshape(x: Variable, shape: Shape): Variable {
  checkCall("reshape", arguments, 2);
  if (!Array.isArray(shape)) checkShape("reshape", shape);
  const open = shape.indexOf(-1);
  let target: Shape = shape;
  if (open >= 0) {
    if (shape.lastIndexOf(-1) > open) {
      throw new ShapeError(
        `reshape got shape ${formatShape(shape)} for ${formatShape(x.shape)}: ` +
          "only one size can be −1, the others say what it is.",
      );
    }
    const others = -sizeOf(shape); // −1 is a factor of it
    target = shape.map((size, i) => (i === open ? (others === 0 ? 0 : x.size / others) : size));
  }
  if (target.some((size) => !Number.isInteger(size)) || sizeOf(checkShape("reshape", target)) !== x.size) {
    throw new ShapeError(
      `reshape got shape ${formatShape(x.shape)} with ${x.size} elements to be seen as ${formatShape(shape)}: the number of elements must stay the same.`,
    );
  }
  return reshaped(x, target);
}

/**
 * The array repeated along new axes and along axes of size 1, by NumPy's rule.
 * @throws ShapeError if the shape does not extend that of x
 * @example
 * broadcastTo(input([[1], [2]]), [2, 3]).toArray(); // [[1, 1, 1], [2, 2, 2]]
 * broadcastTo(5, [2]).toArray(); // [5, 5]
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
  return typeof x !== "number" && sameShape(from, shape) ? identity(x) : repeated(x, shape);
}

// -- permute ------------------------------------------------------------------------------------------

/**
 * The axes in another order: axis i of the result is axis `order[i]` of x.
 * @throws ShapeError if `order` does not name every axis once
 * @example
 * permute(zeros([2, 3, 4]), [2, 0, 1]).shape; // [4, 2, 3]
 */
export function permute(x: Variable, order: readonly number[]): Variable {
  checkCall("permute", arguments, 2);
  if (!Array.isArray(order)) throw refusal("permute", "a list of axes as order", order);
  const axes = order.map((axis) => normalizeAxis("permute", axis, x.shape));
  if (axes.length !== x.shape.length || new Set(axes).size !== axes.length) {
    throw new ShapeError(`permute got order [${order.join(", ")}] for shape ${formatShape(x.shape)}: name each of its ${x.shape.length} axes once.`);
  }
  const moved = reorder(x, axes);
  return moved === x ? identity(x) : moved;
}

/**
 * x with two axes exchanged, by default the last two; with one axis it is x as it is.
 * @throws ShapeError for axes that x does not have
 * @example
 * transpose(input([[1, 2, 3], [4, 5, 6]])).toArray(); // [[1, 4], [2, 5], [3, 6]]
 * transpose(zeros([2, 3, 4]), 0, 1).shape; // [3, 2, 4]
 */
export function transpose(x: Variable, a = -2, b = -1): Variable {
  checkCall("transpose", arguments, 3);
  if (x.shape.length < 2 && a === -2 && b === -1) return identity(x);
  const order = x.shape.map((_, i) => i);
  const first = normalizeAxis("transpose", a, x.shape);
  const second = normalizeAxis("transpose", b, x.shape);
  order[first] = second;
  order[second] = first;
  return permute(x, order);
}

// -- slice and pad --------------------------------------------------------------------------------------

/** Where a slice begins and ends along one axis: an index, or [start, end) with an optional step; negative ones count from the end. */
export type Range = number | readonly [start?: number | undefined, end?: number | undefined, step?: number] | null;

/**
 * A part of x. For each axis, from the first: `[start, end)` with an optional step (which may be negative), `null` for
 * all of it, or an index, which removes the axis. Axes that are not named are taken whole. Ends are clipped as in Python.
 *
 * @throws ShapeError for an index that is not there, a step of 0 or too many ranges
 * @example
 * const x = input([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
 * // In NumPy: x[0], x[:, 1:3], x[::2, -1]
 * slice(x, 0).toArray(); // [1, 2, 3]
 * slice(x, null, [1, 3]).toArray(); // [[2, 3], [5, 6], [8, 9]]
 * slice(x, [0, undefined, 2], -1).toArray(); // [3, 9]
 */
export function slice(x: Variable, ...ranges: readonly Range[]): Variable {
  checkVariable("slice", x);
  const { shape } = x;
  if (ranges.length > shape.length) {
    throw new ShapeError(`slice got ${ranges.length} ranges for shape ${formatShape(shape)}, which has ${shape.length} axes.`);
  }
  const places = stridesOf(shape);
  let offset = 0;
  let whole = true;
  const sizes: number[] = [];
  const strides: number[] = [];
  shape.forEach((size, axis) => {
    const range = ranges[axis] ?? null;
    if (typeof range === "number") {
      if (!Number.isInteger(range) || range < -size || range >= size) {
        throw new ShapeError(`slice got index ${range} for axis ${axis} of shape ${formatShape(shape)}: an index is an integer from ${-size} to ${size - 1}.`);
      }
      offset += (range < 0 ? range + size : range) * places[axis];
      if (size > 1) whole = false;
      return;
    }
    if (range !== null && !Array.isArray(range)) {
      throw new ShapeError(
        `slice got ${describe(range)} for axis ${axis} of shape ${formatShape(shape)}: ` +
          "give an index, a range [start, end, step], or null for all.",
      );
    }
    const [from, to, step = 1] = range ?? [];
    if (!Number.isInteger(step) || step === 0 || ![from ?? 0, to ?? 0].every(Number.isInteger)) {
      throw new ShapeError(
        `slice got the range [${describe(from)}, ${describe(to)}, ${describe(step)}] for axis ${axis}: ` +
          "give integers, and a step that is not 0.",
      );
    }
    const low = step > 0 ? 0 : -1;
    const high = low + size;
    const bound = (value: number | undefined, otherwise: number): number =>
      value === undefined ? otherwise : Math.min(high, Math.max(low, value < 0 ? value + size : value));
    const start = bound(from, step > 0 ? low : high);
    const count = Math.max(0, Math.ceil((bound(to, step > 0 ? high : low) - start) / step));
    offset += start * places[axis];
    sizes.push(count);
    strides.push(step * places[axis]);
    if (count !== size || step !== 1) whole = false;
  });
  return whole ? reshape(x, sizes) : cut(x, { offset, sizes, strides });
}

/**
 * The elements in reverse order along axes; along all of them by default.
 * @throws ShapeError for axes that x does not have
 * @example
 * flip(input([[1, 2], [3, 4]]), 1).toArray(); // [[2, 1], [4, 3]]
 */
export function flip(x: Variable, axes?: Axes): Variable {
  checkCall("flip", arguments, 2);
  const list = normalizeAxes("flip", axes, x.shape);
  return slice(x, ...x.shape.map((_, axis): Range => (list.includes(axis) ? [undefined, undefined, -1] : null)));
}

/**
 * x with a margin of zeros.
 * @param widths for each axis, how many zeros before and after
 * @throws ShapeError if there is not one pair for each axis
 * @example
 * pad(input([1, 2]), [[1, 2]]).toArray(); // [0, 1, 2, 0, 0]
 */
export function pad(x: Variable, widths: readonly (readonly [before: number, after: number])[]): Variable {
  checkCall("pad", arguments, 2);
  const isPair = (pair: unknown): boolean => Array.isArray(pair) && pair.length === 2 && pair.every((w) => Number.isInteger(w) && w >= 0);
  if (!Array.isArray(widths) || widths.length !== x.shape.length || !widths.every(isPair)) {
    throw new ShapeError(`pad takes a pair [before, after] of integers of at least 0 for each of the ${x.shape.length} axes of shape ${formatShape(x.shape)}.`);
  }
  if (widths.every(([before, after]) => before === 0 && after === 0)) return identity(x);
  const shape = x.shape.map((size, i) => size + widths[i][0] + widths[i][1]);
  const strides = stridesOf(checkShape("pad", shape));
  const offset = widths.reduce((sum, [before], i) => sum + before * strides[i], 0);
  return place(shape, [x], [{ offset, sizes: x.shape, strides }]);
}

// -- joining and splitting --------------------------------------------------------------------------------

/**
 * The rows of x, or its parts along another axis, as a list; that axis is absent from them. The inverse of `stack`.
 * @throws ShapeError for an axis that x does not have
 * @example
 * const [first, second] = decat(input([[1, 2], [3, 4]]));
 * first.toArray(); // [1, 2]
 * decat(zeros([2, 3]), 1).length; // 3
 */
export function decat(x: Variable, axis = 0): Variable[] {
  checkCall("decat", arguments, 2);
  const along = normalizeAxis("decat", axis, x.shape);
  return Array.from({ length: x.shape[along] }, (_, i) => slice(x, ...x.shape.slice(0, along).map(() => null), i));
}

// -- axes of size 1 ---------------------------------------------------------------------------------------

/**
 * x without axes of size 1; all of them by default.
 * @throws ShapeError if a named axis has another size
 * @example
 * squeeze(zeros([1, 3, 1])).shape; // [3]
 * squeeze(zeros([1, 3, 1]), 0).shape; // [3, 1]
 */
export function squeeze(x: Variable, axes?: Axes): Variable {
  checkCall("squeeze", arguments, 2);
  const list = axes === undefined ? x.shape.flatMap((size, i) => (size === 1 ? [i] : [])) : normalizeAxes("squeeze", axes, x.shape);
  const wrong = list.find((axis) => x.shape[axis] !== 1);
  if (wrong !== undefined) throw new ShapeError(`squeeze got axis ${wrong} of shape ${formatShape(x.shape)}: only an axis of size 1 can be removed.`);
  return reshape(x, x.shape.filter((_, i) => !list.includes(i)));
}

/**
 * x with a new axis of size 1 at a place of the result.
 * @throws ShapeError for an axis that the result does not have
 * @example
 * unsqueeze(input([1, 2]), 0).toArray(); // [[1, 2]]
 * unsqueeze(input([1, 2]), -1).toArray(); // [[1], [2]]
 */
export function unsqueeze(x: Variable, axis: number): Variable {
  checkCall("unsqueeze", arguments, 2);
  const at = normalizeAxis("unsqueeze", axis, [...x.shape, 1]);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}
