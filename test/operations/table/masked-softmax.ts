/** The softmax of what a mask says counts. */

import { type Entry, ofRows } from "../entry.ts";
import { lines, softmax, spreadAt } from "../plain.ts";
import type { Tensor } from "../draw.ts";

export const entries = {
  // As if what does not count were not there.
  maskedSoftmax: {
    meaning: (scores: Tensor, mask: Tensor) => lines((values, line) => {
      const counts = values.map((_, i) => spreadAt(mask, [...line, i]) !== 0);
      const found = softmax(values.filter((_, i) => counts[i]));
      return counts.map((here) => (here ? found.shift() ?? NaN : 0));
    })(scores),
    draw: (draw) => {
      const scores = draw.shape(1, 4, false);
      const mask = scores.map((size) => (draw.oneIn(4) ? 1 : size)).slice(draw.oneIn(3) ? draw.integer(0, scores.length) : 0);
      return [draw.tensor(scores), draw.tensor(mask, (random) => random.integer(0, 2), false)];
    },
    ulps: ofRows,
  },
} satisfies Record<string, Entry>;
