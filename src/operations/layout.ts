/** Operations that move elements without changing them. */

import { defineOperation } from "../engine/operation.ts";
import { ShapeError, ValueError } from "../support/errors.ts";
import { Role } from "../plan/role.ts";
import { record } from "../engine/recording.ts";
import { stridesOf } from "../plan/box.ts";
import { checkShape, contiguousStrides, describe, formatShape, normalizeAxes, normalizeAxis, type Shape, sameShape, sizeOf } from "../support/shape.ts";
import type { Variable } from "../engine/variable.ts";
import { type Axes, identity, reshape, view } from "./broadcasting.ts";
import { checkCall, checkVariable, checkVariables } from "./check.ts";
import { cut, place } from "./pieces.ts";

// -- permute ------------------------------------------------------------------------------------------

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

/**
 * The axes in another order: axis i of the result is axis `order[i]` of x.
 * @throws ShapeError if `order` does not name every axis once
 */
export function permute(x: Variable, order: readonly number[]): Variable {
  checkCall("permute", arguments, 2);
  if (!Array.isArray(order)) throw new ValueError(`permute takes a list of axes as order, but got ${describe(order)}.`);
  const axes = order.map((axis) => normalizeAxis("permute", axis, x.shape));
  if (axes.length !== x.shape.length || new Set(axes).size !== axes.length) {
    throw new ShapeError(`permute got order [${order.join(", ")}] for shape ${formatShape(x.shape)}: name each of its ${x.shape.length} axes once.`);
  }
  const moved = reorder(x, axes);
  return moved === x ? identity(x) : moved;
}

/** As `permute`; x itself where that changes nothing. */
function reorder(x: Variable, axes: readonly number[]): Variable {
  const shape = axes.map((axis) => x.shape[axis]);
  // Moving only axes of size 1 moves no element.
  const moved = axes.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1])) return view(x, shape);
  return record(permuteOperation, shape, [x], axes);
}

/**
 * x with two axes exchanged, by default the last two; with one axis it is x as it is.
 * @throws ShapeError for axes that x does not have
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

// -- slice and pad --------------------------------------------------------------------------------------

/** Where a slice begins and ends along one axis: an index, or [start, end) with an optional step; negative ones count from the end. */
export type Range = number | readonly [start?: number | undefined, end?: number | undefined, step?: number] | null;

/**
 * A part of x. For each axis, from the first: `[start, end)` with an optional step (which may be negative), `null` for
 * all of it, or an index, which removes the axis. Axes that are not named are taken whole. Ends are clipped as in Python.
 *
 *     slice(x, 0)                  // x[0]
 *     slice(x, null, [1, 3])       // x[:, 1:3]
 *     slice(x, [0, undefined, 2])  // x[::2]
 *
 * @throws ShapeError for an index that is not there, a step of 0 or too many ranges
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
      throw new ShapeError(`slice got ${describe(range)} for axis ${axis} of shape ${formatShape(shape)}: give an index, a range [start, end, step], or null for all.`);
    }
    const [from, to, step = 1] = range ?? [];
    if (!Number.isInteger(step) || step === 0 || ![from ?? 0, to ?? 0].every(Number.isInteger)) {
      throw new ShapeError(`slice got the range [${describe(from)}, ${describe(to)}, ${describe(step)}] for axis ${axis}: give integers, and a step that is not 0.`);
    }
    const bound = (value: number | undefined, otherwise: number, low: number, high: number): number =>
      value === undefined ? otherwise : Math.min(high, Math.max(low, value < 0 ? value + size : value));
    const start = step > 0 ? bound(from, 0, 0, size) : bound(from, size - 1, -1, size - 1);
    const end = step > 0 ? bound(to, size, 0, size) : bound(to, -1, -1, size - 1);
    const count = Math.max(0, Math.ceil((end - start) / step));
    if (count > 0) offset += start * places[axis];
    sizes.push(count);
    strides.push(count > 1 ? step * places[axis] : 0);
    if (count !== size || step !== 1) whole = false;
  });
  return whole ? reshape(x, sizes) : cut(x, { offset, sizes, strides });
}

/** The elements in reverse order along axes; along all of them by default. */
export function flip(x: Variable, axes?: Axes): Variable {
  checkCall("flip", arguments, 2);
  const list = normalizeAxes("flip", axes, x.shape);
  return slice(x, ...x.shape.map((_, axis): Range => (list.includes(axis) ? [undefined, undefined, -1] : null)));
}

/**
 * x with a margin of zeros.
 * @param widths for each axis, how many zeros before and after
 * @throws ShapeError if there is not one pair for each axis
 */
export function pad(x: Variable, widths: readonly (readonly [before: number, after: number])[]): Variable {
  checkCall("pad", arguments, 2);
  if (!Array.isArray(widths) || widths.length !== x.shape.length || widths.some((pair) => !Array.isArray(pair) || pair.length !== 2 || pair.some((w) => !Number.isInteger(w) || w < 0))) {
    throw new ShapeError(`pad takes a pair [before, after] of integers of at least 0 for each of the ${x.shape.length} axes of shape ${formatShape(x.shape)}.`);
  }
  if (widths.every(([before, after]) => before === 0 && after === 0)) return identity(x);
  const shape = x.shape.map((size, i) => size + widths[i][0] + widths[i][1]);
  const strides = stridesOf(checkShape("pad", shape));
  const offset = widths.reduce((sum, [before], i) => sum + before * strides[i], 0);
  return place(shape, [x], [{ offset, sizes: x.shape, strides }]);
}

// -- joining and splitting --------------------------------------------------------------------------------

/** Where the inputs of a `concat` begin, with its node, by the gradient of its result: found once for all inputs. */
const startsOf = new WeakMap<Variable, { readonly index: number; readonly starts: readonly number[] }>();

/** Attributes: the axis. */
const concatOperation = defineOperation({
  name: "concat",
  role: Role.move,
  lower: (lowering, node) => {
    const { trace } = lowering;
    const axis = trace.attribute(node, 0);
    const value = lowering.define(node);
    const strides = contiguousStrides(lowering.shape(node));
    const stride = stridesOf(lowering.shape(node))[axis];
    let at = 0;
    for (let k = 0; k < trace.inputCount(node); k++) {
      const source = trace.input(node, k);
      const shape = lowering.shape(source);
      lowering.copy(node, value, at * stride, source, 0, shape, strides, contiguousStrides(shape));
      at += shape[axis];
    }
  },
  reverse: (k) => (gradient, node) => {
    const axis = node.attribute(0);
    const { index } = node.output;
    let known = startsOf.get(gradient);
    if (known?.index !== index) {
      const starts = [0];
      for (let i = 0; i + 1 < node.inputCount; i++) starts.push(starts[i] + node.inputShape(i)[axis]);
      known = { index, starts };
      startsOf.set(gradient, known);
    }
    const strides = stridesOf(node.shape);
    return cut(gradient, { offset: known.starts[k] * strides[axis], sizes: node.inputShape(k), strides });
  },
});

/**
 * The arrays one after another along an axis; all other axes must agree.
 * @throws ShapeError if they do not; ValueError for an empty list
 */
export function concat(xs: readonly Variable[], axis = 0): Variable {
  checkCall("concat", arguments, 2, 0);
  checkVariables("concat", xs);
  const [first] = xs;
  if (first.shape.length === 0) throw new ShapeError("concat got scalars, which have no axis to be joined along. Use stack to make a vector of them.");
  const along = normalizeAxis("concat", axis, first.shape);
  let size = 0;
  for (const x of xs) {
    if (x.shape.length !== first.shape.length || x.shape.some((n, i) => i !== along && n !== first.shape[i])) {
      throw new ShapeError(`concat along axis ${along} got shapes ${formatShape(first.shape)} and ${formatShape(x.shape)}: all other axes must agree.`);
    }
    size += x.shape[along];
  }
  if (xs.length === 1) return identity(first);
  return record(concatOperation, first.shape.map((n, i) => (i === along ? size : n)), xs, [along]);
}

/**
 * The arrays, all of one shape, along a new axis.
 * @throws ShapeError if the shapes differ; ValueError for an empty list
 */
export function stack(xs: readonly Variable[], axis = 0): Variable {
  checkCall("stack", arguments, 2, 0);
  checkVariables("stack", xs);
  const [first] = xs;
  for (const x of xs) {
    if (!sameShape(x.shape, first.shape)) {
      throw new ShapeError(`stack got shapes ${formatShape(first.shape)} and ${formatShape(x.shape)}: all must be the same.`);
    }
  }
  const at = normalizeAxis("stack", axis, [...first.shape, 1]);
  return concat(xs.map((x) => unsqueeze(x, at)), at);
}

/** The rows of x, or its parts along another axis, as a list; that axis is absent from them. The inverse of `stack`. */
export function decat(x: Variable, axis = 0): Variable[] {
  checkCall("decat", arguments, 2);
  const along = normalizeAxis("decat", axis, x.shape);
  return Array.from({ length: x.shape[along] }, (_, i) => slice(x, ...x.shape.slice(0, along).map(() => null), i));
}

// -- axes of size 1 ---------------------------------------------------------------------------------------

/**
 * x without axes of size 1; all of them by default.
 * @throws ShapeError if a named axis has another size
 */
export function squeeze(x: Variable, axes?: Axes): Variable {
  checkCall("squeeze", arguments, 2);
  const list = axes === undefined ? x.shape.flatMap((size, i) => (size === 1 ? [i] : [])) : normalizeAxes("squeeze", axes, x.shape);
  const wrong = list.find((axis) => x.shape[axis] !== 1);
  if (wrong !== undefined) throw new ShapeError(`squeeze got axis ${wrong} of shape ${formatShape(x.shape)}: only an axis of size 1 can be removed.`);
  return reshape(x, x.shape.filter((_, i) => !list.includes(i)));
}

/** x with a new axis of size 1 at a place of the result. */
export function unsqueeze(x: Variable, axis: number): Variable {
  checkCall("unsqueeze", arguments, 2);
  const at = normalizeAxis("unsqueeze", axis, [...x.shape, 1]);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

