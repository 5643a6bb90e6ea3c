/** Windows that slide over images [..., channels, height, width]. */

import { type Component, type Range, type Shape, ShapeError, slice, type Variable } from "../index.ts";
import { checkVariable } from "./checks.ts";

/** A number for both height and width, or [height, width]. */
export type Pair = number | readonly [height: number, width: number];

export function checkImage(component: Component, x: Variable): void {
  checkVariable(component, "x", x);
  if (x.shape.length >= 3) return;
  throw new ShapeError(`${component.constructor.name} got x of shape [${x.shape.join(", ")}]; it takes images [..., channels, height, width].`);
}

/** What to do about images [samples, height, width, channels], as other libraries have them. */
export function channelsLast(x: Variable, channels: number): string {
  if (x.shape.at(-1) !== channels) return "";
  const order = x.shape.map((_, axis) => axis);
  order.splice(-3, 3, order.length - 1, order.length - 3, order.length - 2);
  return ` The channels seem to come last here: bring them before height and width with x.permute([${order.join(", ")}]).`;
}

/** Refuses an image [height, width] that is smaller than the window. */
export function checkFits(component: Component, image: Shape, size: readonly number[]): void {
  image.forEach((length, axis) => {
    if (length >= size[axis]) return;
    throw new ShapeError(
      `${component.constructor.name} got an image of ${axis === 1 ? "width" : "height"} ${length} (with padding), which is less than the ` +
        `size ${size[axis]} of its window.`,
    );
  });
}

/** For one offset in the window, the entries at all places, along an axis counted from the end. */
export function offset(x: Variable, axis: number, start: number, stride: number, count: number): Variable {
  const range: Range = [start, start + stride * (count - 1) + 1, stride];
  return slice(x, ...x.shape.map((_, i) => (i === x.shape.length + axis ? range : null)));
}
