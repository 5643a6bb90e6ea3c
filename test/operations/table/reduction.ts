/** Reductions. */

import * as flimsy from "../../../src/index.ts";
import type { Variable } from "../../../src/index.ts";
import { abs, alongAxis, axesAndKeepdims, type Entry, keepdims, labelsFor, ofArray, sizeAlong, type Drawing } from "../entry.ts";
import { asIndices, last, mean, perLine, type PlainIndices, reduced, total, winner } from "../plain.ts";
import { domains, Tensor } from "../draw.ts";

const { max, min } = Math;
const { plain, integers } = domains;

/** A reduction to an element of the row: among equal ones too, but differentiated where they differ. */
const extreme: Drawing = {
  draw: (draw) => {
    const shape = draw.shape(0, 4, false);
    return [draw.tensor(shape, draw.oneIn(2) ? integers : plain), ...axesAndKeepdims(draw, shape)];
  },
  smooth: (draw) => {
    const shape = draw.shape(0, 4, false);
    return [draw.distinct(shape), ...axesAndKeepdims(draw, shape)];
  },
};

export const entries = {
  // Sums of n numbers: n roundings at most, relative to the sum of their sizes, whatever the order.
  sum: {
    meaning: reduced(total),
    ...ofArray(axesAndKeepdims, { ulps: sizeAlong, magnitude: (x: Variable, axes: number[], keep: boolean) => flimsy.sum(abs(x), axes, keep) }),
  },
  mean: {
    meaning: reduced(mean),
    draw: (draw) => {
      const shape = draw.shape(0, 4, false);
      return [draw.tensor(shape), ...axesAndKeepdims(draw, shape)];
    },
    ulps: (x: Variable, axes?: number[]) => sizeAlong(x, axes) + 2,
    magnitude: (x: Variable, axes: number[], keep: boolean) => flimsy.mean(abs(x), axes, keep),
  },
  // Where several are equal there is no derivative.
  max: { meaning: reduced((x) => max(...x)), ...extreme },
  min: { meaning: reduced((x) => min(...x)), ...extreme },
  argmax: {
    meaning: (x: Tensor, axis = -1, keepdims = false) => reduced(winner)(x, axis, keepdims),
    draw: (draw) => [...alongAxis(draw, (shape) => draw.tensor(shape, draw.oneIn(2) ? integers : plain)), keepdims(draw)], smooth: null,
  },
  argmaxneq: {
    meaning: (x: Tensor, labels: PlainIndices) => {
      const excluded = asIndices(labels).values;
      const found = perLine(x, () => 0);
      return new Tensor(found.shape, found.values.map((_, row) => {
        const line = Array.from(x.values.subarray(row * last(x), (row + 1) * last(x)));
        const others = line.flatMap((_, i) => (i === excluded[row] ? [] : [i]));
        return others[winner(others.map((i) => line[i]))];
      }));
    },
    draw: (draw) => {
      const shape = [...draw.shape(0, 2, false), Math.max(2, draw.size())];
      return [draw.tensor(shape, draw.oneIn(2) ? integers : plain), labelsFor(draw, shape.slice(0, -1), shape.at(-1) as number)];
    },
    smooth: null,
  },
} satisfies Record<string, Entry>;
