/** Linear maps of every sample. */

import * as flimsy from "../../../src/index.ts";
import type { Variable } from "../../../src/index.ts";
import { abs, type Entry, products } from "../entry.ts";
import { at, lineOf, outer, tabulate, total } from "../plain.ts";
import type { Draw, Tensor } from "../draw.ts";

/** x·wᵀ + b */
const linear = (w: Tensor, x: Tensor, b?: Tensor): Tensor => tabulate([...outer(x), w.shape[0]], (index) => {
  const [line, output] = [index.slice(0, -1), index.at(-1) as number];
  return total(lineOf(x, line).map((value, i) => value * at(w, [output, i]))) + (b === undefined ? 0 : b.values[output]);
});

function linearMap(draw: Draw): Tensor[] {
  const [inputs, outputs] = [draw.size(), draw.size()];
  const rows = draw.oneIn(3) ? [] : draw.oneIn(2) ? [draw.size(Math.max(1, inputs, outputs))] : [2, draw.integer(0, 3)];
  return [draw.tensor([outputs, inputs]), draw.tensor([...rows, inputs])];
}

export const entries = {
  linear: {
    meaning: (w: Tensor, x: Tensor) => linear(w, x),
    draw: linearMap, ulps: products.linear, magnitude: (w: Variable, x: Variable) => flimsy.linear(abs(w), abs(x)),
  },
  affine: {
    meaning: linear,
    draw: (draw) => {
      const [w, x] = linearMap(draw);
      return [w, x, draw.tensor([w.shape[0]])];
    },
    ulps: products.linear,
    magnitude: (w: Variable, x: Variable, b: Variable) => flimsy.affine(abs(w), abs(x), abs(b)),
  },
} satisfies Record<string, Entry>;
