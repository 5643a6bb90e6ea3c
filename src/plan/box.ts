/** Boxes: elements of an array that lie evenly along some axes, as strided views do. */

import { mergedAxes, type Shape, stridesOf } from "../support/shape.ts";

/** Element i is at `offset` + Σ iₐ · `strides`[a] of the array, counted in row-major order. No element is met twice. */
export interface Box {
  readonly offset: number;
  readonly sizes: Shape;
  readonly strides: ArrayLike<number>;
}

/** All elements of an array. */
export const whole = (shape: Shape): Box => ({ offset: 0, sizes: shape, strides: stridesOf(shape) });

/** The box `inner` of an array that is itself the box `outer` of another: a box of that one, or null where it is none. */
export function compose(outer: Box, inner: Box): Box | null {
  if (inner.sizes.includes(0)) return { offset: 0, sizes: inner.sizes, strides: inner.strides };
  // The axes of the array, from the innermost; those along which it runs on in the other are one. From `low` to `high` is what `inner` meets.
  let stride = 1;
  const axes = mergedAxes(outer.sizes, outer.strides).map(({ size, steps: [step] }) => {
    const axis = { size, stride, step, low: 0, high: 0 };
    stride *= size;
    return axis;
  });
  let { offset } = outer;
  for (const axis of axes) {
    axis.low = axis.high = Math.floor(inner.offset / axis.stride) % axis.size;
    offset += axis.low * axis.step;
  }
  const strides: number[] = [];
  for (let i = 0; i < inner.sizes.length; i++) {
    const by = inner.strides[i];
    const axis = axes.findLast((each) => each.stride <= Math.abs(by));
    if (inner.sizes[i] === 1) strides.push(0);
    else if (axis === undefined || by % axis.stride !== 0) return null;
    else {
      const reach = (by / axis.stride) * (inner.sizes[i] - 1);
      if (reach < 0) axis.low += reach;
      else axis.high += reach;
      strides.push((by / axis.stride) * axis.step);
    }
  }
  return axes.some(({ low, high, size }) => low < 0 || high >= size) ? null : { offset, sizes: inner.sizes, strides };
}
