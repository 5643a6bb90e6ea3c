/** Windows that slide over images [..., channels, height, width]. */

import { type Component, type Range, ShapeError, slice, stack, type Variable } from "../index.ts";
import { checkVariable } from "./checks.ts";

/** A number for both height and width, or [height, width]. */
export type Pair = number | readonly [height: number, width: number];

export function checkImage(component: Component, x: Variable): void {
  checkVariable(component, "x", x);
  if (x.shape.length >= 3) return;
  throw new ShapeError(`${component.constructor.name} got x of shape [${x.shape.join(", ")}]; it takes images [..., channels, height, width].`);
}

/** How many places a window of some size has along an axis. */
export function places(component: Component, x: Variable, axis: -1 | -2, size: number, stride: number): number {
  const length = x.shape[x.shape.length + axis];
  if (length >= size) return Math.floor((length - size) / stride) + 1;
  throw new ShapeError(
    `${component.constructor.name} got an image of ${axis === -1 ? "width" : "height"} ${length} (with padding), which is less than the size ${size} of its window.`,
  );
}

/** For one offset in the window, the entries at all places, along an axis counted from the end. */
export function offset(x: Variable, axis: number, start: number, stride: number, count: number): Variable {
  const range: Range = [start, start + stride * (count - 1) + 1, stride];
  return slice(x, ...x.shape.map((_, i) => (i === x.shape.length + axis ? range : null)));
}

/** The entries at all places for every offset in the window, the offset as a new axis of the result. */
export function shifted(x: Variable, axis: number, size: number, stride: number, count: number, at: number): Variable {
  return stack(Array.from({ length: size }, (_, start) => offset(x, axis, start, stride, count)), at);
}
