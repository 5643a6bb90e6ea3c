/** Entries by number. */

import { type Entry, someIndices } from "../entry.ts";
import { gather } from "../plain.ts";

export const entries = {
  gather: {
    meaning: gather,
    draw: (draw) => {
      const shape = draw.shape(1, 3, false);
      const axis = draw.axis(shape.length);
      return [draw.tensor(shape), someIndices(draw, shape.at(axis) as number), axis];
    },
  },
} satisfies Record<string, Entry>;
