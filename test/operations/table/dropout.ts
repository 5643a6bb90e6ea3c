/** Dropout. */

import * as flimsy from "../../../src/index.ts";
import { Random, type Variable } from "../../../src/index.ts";
import { uniformNumbers } from "./uniform.ts";
import type { Entry } from "../entry.ts";
import { at, tabulate } from "../plain.ts";
import type { Tensor } from "../draw.ts";

export const entries = {
  // x / (1 − p), with probabilities for which 1 − p is exact.
  dropout: {
    meaning: (x: Tensor, p: number, seed: number) => {
      const drawn = p === 0 ? x : uniformNumbers(x.shape, seed);
      return tabulate(x.shape, (index) => (p > 0 && at(drawn, index) < p ? 0 : at(x, index) / (1 - p)));
    },
    draw: (draw) => [draw.tensor(draw.shape()), draw.pick([0, 0.125, 0.5, 0.75]), draw.random.integer(0, 1000)],
    f: (x: Variable, p: number, seed: number) => flimsy.dropout(x, p, new Random(seed)),
    training: true,
  },
} satisfies Record<string, Entry>;
