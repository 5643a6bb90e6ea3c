/** Arrays joined into one. */

import type { Entry } from "../entry.ts";
import { at, axisOf, sizeOf, tabulate, unsqueeze } from "../plain.ts";
import type { Draw, Tensor } from "../draw.ts";

const join = (xs: readonly Tensor[], axis: number): Tensor => {
  const along = axisOf(axis, xs[0].shape.length);
  const parts = xs.flatMap((x) => Array.from({ length: x.shape[along] }, (_, i) => [x, i] as const));
  return tabulate(xs[0].shape.with(along, parts.length), (index) => at(parts[index[along]][0], index.with(along, parts[index[along]][1])));
};

/** A list of arrays that differ along one axis, and that axis. */
function joinable(draw: Draw): unknown[] {
  const shape = draw.shape(1);
  const axis = draw.axis(shape.length);
  const count = draw.integer(1, 4);
  const others = sizeOf(shape) / Math.max(1, shape.at(axis) as number);
  const list = Array.from({ length: count }, () => draw.tensor(shape.with(axis, draw.size(Math.max(1, others)))));
  return [list, axis];
}

export const entries = {
  concat: {
    meaning: join,
    draw: joinable,
  },
  stack: {
    meaning: (xs: Tensor[], axis = 0) => join(xs.map((x) => unsqueeze(x, axis)), axis),
    draw: (draw) => {
      const shape = draw.shape(0, 3);
      return [Array.from({ length: draw.integer(1, 4) }, () => draw.tensor(shape)), draw.axis(shape.length + 1)];
    },
  },
} satisfies Record<string, Entry>;
