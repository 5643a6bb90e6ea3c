/** Rows by number. */

import * as flimsy from "../../../src/index.ts";
import type { Indices, Variable } from "../../../src/index.ts";
import { abs, type Entry, someIndices } from "../entry.ts";
import { asIndices, at, axisOf, gather, type PlainIndices, tabulate, total } from "../plain.ts";
import { Tensor } from "../draw.ts";

export const entries = {
  embed: {
    meaning: (w: Tensor, given: PlainIndices | number[][]) => {
      if (!Array.isArray(given) || typeof given[0] !== "object") return gather(w, given as PlainIndices);
      const lists = given as number[][];
      return tabulate([lists.length, ...w.shape.slice(1)], ([list, ...rest]) => total(lists[list].map((row) => at(w, [row, ...rest]))));
    },
    draw: (draw) => {
      const shape = draw.shape(1, 3, false);
      const lists = (): number[][] => Array.from({ length: draw.integer(1, 5) }, () => draw.indices(draw.integer(0, 4), shape[0]));
      return [draw.tensor(shape), draw.oneIn(2) ? lists() : someIndices(draw, shape[0])];
    },
    // At most 4 rows are added up.
    ulps: 4,
    magnitude: (w: Variable, indices: Indices) => flimsy.embed(abs(w), indices),
  },
  scatterAdd: {
    meaning: (given: PlainIndices, updates: Tensor, size: number, axis = 0) => {
      const [{ values }, along] = [asIndices(given), axisOf(axis, updates.shape.length)];
      return tabulate(updates.shape.with(along, size), (index) =>
        total([...values].flatMap((target, i) => (target === index[along] ? [at(updates, index.with(along, i))] : []))));
    },
    draw: (draw) => {
      const shape = draw.shape(1, 3);
      const axis = draw.axis(shape.length);
      const count = shape.at(axis) as number;
      const size = draw.integer(1, 9);
      const indices = draw.indices(count, size);
      return [draw.oneIn(2) ? indices : new Tensor([count], Float64Array.from(indices), false), draw.tensor(shape), size, axis];
    },
    ulps: (_, updates: Variable, __, axis: number) => updates.shape.at(axis) as number,
    magnitude: (indices: Indices, updates: Variable, size: number, axis: number) => flimsy.scatterAdd(indices, abs(updates), size, axis),
  },
  oneHot: {
    meaning: (given: PlainIndices, depth: number) => {
      const found = asIndices(given);
      return tabulate([...found.shape, depth], (index) => (at(found, index.slice(0, -1)) === index.at(-1) ? 1 : 0));
    },
    draw: (draw) => {
      const depth = draw.size(9, false);
      return [someIndices(draw, depth), depth];
    },
    smooth: null,
  },
} satisfies Record<string, Entry>;
