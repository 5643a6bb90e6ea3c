/** Shapes: sizes of axes, outermost first. The rules that every operation shares are stated here once. */

import { describe } from "./describe.ts";
import { ShapeError } from "./errors.ts";

export type Shape = readonly number[];

/** Frozen, as many Variables share it. */
export const scalarShape: Shape = Object.freeze([]);

/** The number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** The shape that NumPy's broadcasting rule gives, or null where the shapes do not fit. */
export function broadcast(a: Shape, b: Shape): Shape | null {
  if (sameShape(a, b)) return a;
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return null;
    shape[rank - i] = x === 1 ? y : x;
  }
  return sameShape(shape, a) ? a : sameShape(shape, b) ? b : shape;
}

/** @param all the shapes of all operands, where there are more than two */
export function broadcastOrThrow(operation: string, a: Shape, b: Shape, all?: readonly Shape[]): Shape {
  const shape = broadcast(a, b);
  if (shape !== null) return shape;
  const shapes = all === undefined ? `${formatShape(a)} and ${formatShape(b)}` : all.map(formatShape).join(", ");
  throw new ShapeError(
    `${operation} got shapes ${shapes}, which do not broadcast: counted from the right, ` +
      "axes must be equal or one of them 1. Reshape, transpose or slice one of the operands.",
  );
}

/** Strides, in elements, at which a contiguous array of shape `from` is read to appear as `to`; 0 along axes of size 1. */
export function stridesOf(from: Shape, to = from): number[] {
  const strides = new Array<number>(to.length).fill(0);
  let stride = 1;
  for (let i = 1; i <= from.length; i++) {
    const size = from[from.length - i];
    if (size !== 1) strides[to.length - i] = stride;
    stride *= size;
  }
  return strides;
}

/** Some axes as one along which every array runs on. */
export interface MergedAxis {
  readonly size: number;
  /** The stride of each array. */
  readonly steps: readonly number[];
}

/** The axes of arrays that are met together, from the innermost; those of size 1 are left out, and adjacent ones along which all run on are one. */
export function mergedAxes(sizes: Shape, ...strides: readonly ArrayLike<number>[]): MergedAxis[] {
  const axes: { size: number; steps: number[] }[] = [];
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    const size = sizes[axis];
    if (size === 1) continue;
    const last = axes[axes.length - 1];
    if (last !== undefined && strides.every((s, k) => s[axis] === last.steps[k] * last.size)) last.size *= size;
    else axes.push({ size, steps: strides.map((s) => s[axis]) });
  }
  return axes;
}

/** A valid axis, counted from the end if negative. */
export function normalizeAxis(operation: string, axis: number, shape: Shape): number {
  const rank = shape.length;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError(
      `${operation} got axis ${describe(axis)} for shape ${formatShape(shape)}: an axis is an integer from ${-rank} to ${rank - 1}` +
        (rank === 0 ? " and a scalar has none." : "."),
    );
  }
  return axis < 0 ? axis + rank : axis;
}

/** Valid, distinct axes in ascending order; all of them if none are given. */
export function normalizeAxes(operation: string, axes: number | readonly number[] | undefined, shape: Shape): number[] {
  if (axes === undefined) return shape.map((_, i) => i);
  const list = (Array.isArray(axes) ? axes : [axes as number]).map((axis) => normalizeAxis(operation, axis, shape));
  list.sort((a, b) => a - b);
  if (new Set(list).size !== list.length) {
    throw new ShapeError(`${operation} got axes [${list.join(", ")}]: an axis may be named only once.`);
  }
  return list;
}

/** Checks a shape that a user wrote down. */
export function checkShape(operation: string, shape: Shape): Shape {
  if (!Array.isArray(shape)) throw new ShapeError(`${operation} takes a shape such as [2, 3], but got ${describe(shape)}.`);
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new ShapeError(`${operation} got shape [${Array.from(shape, describe).join(", ")}]: a size is an integer of at least 0.`);
    }
  }
  const size = sizeOf(shape);
  if (size > maxElements) {
    throw new ShapeError(
      `${operation} got shape ${formatShape(shape)} with ${size} elements; the most that one array can have is ${maxElements} (4 GiB).`,
    );
  }
  spend?.(operation, shape);
  return shape;
}

/** Refuses a shape where too much has been made: only within `withElements`. */
let spend: ((operation: string, shape: Shape) => void) | null = null;

/**
 * Runs `f`, in which shapes that are checked may have so many elements, all together: a bound for sizes that come from a file.
 * @internal
 */
export function withElements<T>(count: number, f: () => T): T {
  const before = spend;
  let allowance = count;
  spend = (operation, shape) => {
    allowance -= sizeOf(shape) + 32; // many empty arrays are a lot too
    if (allowance < 0) throw new ShapeError(`${operation} got shape ${formatShape(shape)}: that is more than may be made here.`);
  };
  try {
    return f();
  } finally {
    spend = before;
  }
}

/** 4 GiB of float32. */
export const maxElements = 2 ** 30;
