/** The norm by which gradients are clipped. */

import type { Variable } from "../../../src/index.ts";
import { record } from "../../../src/engine/recording.ts";
import { domains, Tensor } from "../draw.ts";
import { type Entry, operation } from "../entry.ts";
import { total } from "../plain.ts";

export const entries = {
  // A large norm is negated, in parts of which the sum of many does not overflow.
  norm: {
    meaning: ({ values }: Tensor) => {
      const norm = Math.sqrt(total(values.map((value) => value * value)));
      return new Tensor([], Float64Array.of(total(values.map(Math.abs)) > 2 ** 48 ? -norm * 2 ** -20 : norm));
    },
    draw: (draw) => [draw.tensor(draw.shape(), draw.oneIn(2) ? domains.plain : (random) => 1e17 * random.uniform(1, 2))],
    f: (x: Variable) => record(operation("norm"), [], [x]),
    smooth: null,
    ulps: (x: Variable) => x.size + 2,
  },
} satisfies Record<string, Entry>;
