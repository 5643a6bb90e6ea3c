/** The softmax family. */

import * as flimsy from "../../../src/index.ts";
import type { Variable } from "../../../src/index.ts";
import { record } from "../../../src/engine/recording.ts";
import { softmaxGradient } from "../../../src/operations/rows.ts";
import { abs, alongAxis, axesAndKeepdims, type Entry, ofRows, ofSoftmax, operation, products, sizeAlong, type Drawing } from "../entry.ts";
import { at, lineOf, lines, logSoftmax, reduced, softmax, tabulate, total, type Vector, winner } from "../plain.ts";
import { domains, type Tensor } from "../draw.ts";

const { exp, log, max } = Math;
const { plain, integers } = domains;

/** What is infinite is the result. */
const logsumexp = (x: Vector): number => {
  const largest = max(...x);
  return Math.abs(largest) === Infinity ? largest : largest + log(total(x.map((value) => exp(value - largest))));
};

/** Over a list, element by element. */
const overList = (f: (x: Vector) => number[]) => (xs: Tensor[]) => xs.map((x, k) => tabulate(x.shape, (index) => f(xs.map((y) => at(y, index)))[k]));

const rowwise = (more: Partial<Drawing>): Drawing => ({ draw: (draw) => alongAxis(draw, (shape) => draw.tensor(shape)), ...more });

export const entries = {
  softmax: { meaning: lines(softmax), ...rowwise({ ulps: ofSoftmax }) },
  logSoftmax: {
    meaning: lines(logSoftmax),
    ...rowwise({ ulps: ofSoftmax, magnitude: (x: Variable, axis: number) => flimsy.add(flimsy.add(abs(x), flimsy.max(abs(x), axis, true)), 1) }),
  },
  "softmax over a list": {
    meaning: overList(softmax),
    draw: (draw) => {
      const shape = draw.shape();
      return [Array.from({ length: draw.integer(1, 5) }, () => draw.tensor(shape))];
    },
    f: (xs: Variable[]) => flimsy.softmax(xs),
    ulps: 13,
  },
  "logSoftmax over a list": {
    meaning: overList(logSoftmax),
    draw: (draw) => {
      const shape = draw.shape();
      return [Array.from({ length: draw.integer(1, 5) }, () => draw.tensor(shape))];
    },
    f: (xs: Variable[]) => flimsy.logSoftmax(xs),
    ulps: 13,
    magnitude: (xs: Variable[]) => xs.map(() => flimsy.full(xs[0].shape, 5)),
  },
  // y·(g − Σ y·g)
  "softmax′": {
    meaning: (y: Tensor, g: Tensor) => lines((values, line) => {
      const gradient = lineOf(g, line);
      const sum = total(values.map((value, i) => value * gradient[i]));
      return values.map((value, i) => value * (gradient[i] - sum));
    })(y),
    draw: (draw) => {
      const shape = draw.shape(1, 3, false);
      return [draw.tensor(shape), draw.tensor(shape)];
    },
    f: (y: Variable, g: Variable) => softmaxGradient(y, g),
    ulps: products.matmul,
    magnitude: (y: Variable, g: Variable) => flimsy.mul(abs(y), flimsy.add(abs(g), flimsy.sum(flimsy.mul(abs(y), abs(g)), -1, true))),
  },
  // log Σ eˣ is near the largest x, which is subtracted and added again: relative to it, and to 1 for the logarithm.
  logsumexp: {
    meaning: reduced(logsumexp),
    draw: (draw) => {
      const shape = draw.shape(0, 4, false);
      return [draw.tensor(shape), ...axesAndKeepdims(draw, shape)];
    },
    ulps: (x: Variable, axes?: number[]) => 8 + sizeAlong(x, axes),
    magnitude: (x: Variable, axes: number[], keep: boolean) => flimsy.add(flimsy.max(abs(x), axes, keep), 1),
  },
  // eˣ / Σ eˣ
  // eˣ / Σ eˣ, which is 0 where both are.
  "logsumexp′": {
    meaning: lines((x) => (x.every((value) => value === -Infinity) ? x.map(() => 0) : x.map((value) => exp(value) / total(x.map(exp))))),
    draw: (draw) => [draw.tensor(draw.shape(1, 3, false))],
    f: (x: Variable) => record(operation("logsumexp′"), x.shape, [x]),
    ulps: ofRows,
  },
  wta: {
    meaning: lines((x) => x.map((value, i) => (i === winner(x) ? value : 0))),
    draw: (draw) => alongAxis(draw, (shape) => draw.tensor(shape, draw.oneIn(2) ? integers : plain)),
    smooth: (draw) => alongAxis(draw, (shape) => draw.distinct(shape)),
  },
} satisfies Record<string, Entry>;
