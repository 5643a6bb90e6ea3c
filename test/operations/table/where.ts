/** The choice. */

import { domains } from "../draw.ts";
import type { Elementwise } from "../entry.ts";
import { pointwise } from "../plain.ts";

export const entries = {
  where: {
    meaning: pointwise((condition, a, b) => (condition !== 0 ? a : b)),
    slopes: [() => 0, (condition) => (condition !== 0 ? 1 : 0), (condition) => (condition !== 0 ? 0 : 1)],
    nan: [1.5, NaN, 1.5], // NaN is not 0, so it chooses a
    draw: (draw) => {
      const [condition, ...branches] = draw.broadcastable(3);
      return [draw.tensor(condition, domains.integers, false), ...branches.map((shape) => draw.tensor(shape))];
    },
  },
} satisfies Record<string, Elementwise>;
