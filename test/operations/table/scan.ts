/** Running sums, products and maxima. */

import * as flimsy from "../../../src/index.ts";
import type { Variable } from "../../../src/index.ts";
import { record } from "../../../src/engine/recording.ts";
import { domains, type Tensor } from "../draw.ts";
import { abs, alongAxis, type Drawing, type Entry, operation } from "../entry.ts";
import { at, lines, total, type Vector } from "../plain.ts";

const { max, min } = Math;
const { plain, integers } = domains;

const lengthOf = (x: Variable, axis = -1): number => x.shape.at(axis) as number;
const drawn: Drawing["draw"] = (draw) => alongAxis(draw, (shape) => draw.tensor(shape, draw.oneIn(2) ? integers : plain));

const recurrence = (x: Variable, factors: Variable, axis: number, backwards: number): Variable =>
  record(operation("recurrence"), x.shape, [x, factors], [axis, backwards]);

export const entries = {
  // Sums and products of at most n numbers.
  cumsum: {
    meaning: lines((x) => x.map((_, i) => total(x.slice(0, i + 1)))),
    draw: (draw) => alongAxis(draw, (shape) => draw.tensor(shape)),
    ulps: lengthOf,
    magnitude: (x: Variable, axis: number) => flimsy.cumsum(abs(x), axis),
  },
  cumprod: { meaning: lines((x) => x.map((_, i) => x.slice(0, i + 1).reduce((product, value) => product * value, 1))), draw: drawn, ulps: lengthOf },
  cummax: {
    meaning: lines((x) => x.map((_, i) => max(...x.slice(0, i + 1)))),
    draw: drawn,
    smooth: (draw) => alongAxis(draw, (shape) => draw.distinct(shape)),
  },
  // y[i] = a[i]·y[i − 1] + x[i], or y[i] = a[i + 1]·y[i + 1] + x[i]: each element times the factors between it and the place.
  // What is before a factor of 0 does not count, also if it is infinite.
  recurrence: {
    meaning: (x: Tensor, a: Tensor, axis: number, backwards: number) => lines((values, line) => {
      const between = (i: number, j: number): number[] => values.slice(i, j).map((_, k) => at(a, line.toSpliced(axis, 0, i + 1 + k)));
      const term = (value: number, factors: Vector): number => (factors.includes(0) ? 0 : factors.reduce((product, factor) => product * factor, value));
      return values.map((_, i) => total(values.map((value, j) => ((backwards === 0 ? j <= i : j >= i) ? term(value, between(min(i, j), max(i, j))) : 0))));
    })(x, axis),
    draw: (draw) => {
      const shape = draw.shape(1, 4, false);
      const factors = draw.tensor(shape, draw.oneIn(2) ? (random) => random.integer(0, 2) : (random) => random.uniform(-1, 1));
      return [draw.tensor(shape), factors, draw.integer(0, shape.length - 1), draw.integer(0, 1)];
    },
    f: recurrence,
    ulps: (x: Variable, _: Variable, axis: number) => 2 * x.shape[axis],
    magnitude: (x: Variable, a: Variable, axis: number, backwards: number) => recurrence(abs(x), abs(a), axis, backwards),
  },
} satisfies Record<string, Entry>;
