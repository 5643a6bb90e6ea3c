/** Layer normalisation. */

import * as flimsy from "../../../src/index.ts";
import type { Variable } from "../../../src/index.ts";
import { record } from "../../../src/engine/recording.ts";
import { abs, type Entry, operation } from "../entry.ts";
import { lineOf, lines, mean, type Vector } from "../plain.ts";
import type { Tensor } from "../draw.ts";

const { sqrt } = Math;

const normalized = (x: Vector, epsilon: number): { normalized: number[]; deviation: number } => {
  const centre = mean(x);
  const deviation = sqrt(mean(x.map((value) => (value - centre) ** 2)) + epsilon);
  return { normalized: x.map((value) => (value - centre) / deviation), deviation };
};

export const entries = {
  // |x̂| is at most √n; what differs from the mean is rounded relative to the largest, and so is the sum of n squares.
  layerNorm: {
    meaning: (x: Tensor, gain: Tensor | null, bias: Tensor | null, epsilon = 1e-5) =>
      lines((values) => normalized(values, epsilon).normalized.map((value, i) => value * (gain?.values[i] ?? 1) + (bias?.values[i] ?? 0)))(x),
    draw: (draw) => {
      const shape = draw.shape(1, 4, false);
      const vector = (): Tensor | null => (draw.oneIn(3) ? null : draw.tensor([shape.at(-1) as number]));
      return [draw.tensor(shape), vector(), vector(), ...(draw.oneIn(2) ? [draw.pick([1e-5, 0.1, 3])] : [])];
    },
    // A row of one element is constant, and one of two is nearly so: their derivatives depend on epsilon alone.
    smooth: (draw) => {
      const shape = draw.shape(1, 4, false);
      const vector = (): Tensor | null => (draw.oneIn(3) ? null : draw.tensor([shape.at(-1) as number]));
      return [draw.tensor(shape), vector(), vector(), draw.pick([0.5, 3])];
    },
    ulps: (x: Variable) => (x.shape.at(-1) as number) + 8,
    magnitude: (x: Variable, gain: Variable | null, bias: Variable | null) =>
      flimsy.add(flimsy.mul(flimsy.full(x.shape, Math.sqrt(x.shape.at(-1) as number)), gain === null ? 1 : abs(gain)), bias === null ? 0 : abs(bias)),
  },
  // (h − mean h − x̂·mean(h·x̂)) / √(variance + epsilon) for h = g·gain, or g
  // (h − mean h − x̂·mean(h·x̂)) / deviation for h = g·gain
  "layerNorm′": {
    meaning: (x: Tensor, _: number, epsilon: number, g: Tensor, gain?: Tensor) => lines((values, line) => {
      const { normalized: x̂, deviation } = normalized(values, epsilon);
      const h = lineOf(g, line).map((value, i) => value * (gain?.values[i] ?? 1));
      return h.map((value, i) => (value - mean(h) - x̂[i] * mean(h.map((other, k) => other * x̂[k]))) / deviation);
    })(x),
    draw: (draw) => {
      const shape = draw.shape(1, 3, false);
      const n = shape.at(-1) as number;
      return [draw.tensor(shape), n, draw.pick([0.5, 3]), draw.tensor(shape), ...(draw.oneIn(2) ? [draw.tensor([n])] : [])];
    },
    f: (x: Variable, ...others: Variable[]) => record(operation("layerNorm′"), x.shape, [x, ...others]),
    ulps: (x: Variable) => 2 * (x.shape.at(-1) as number) + 16,
    magnitude: (x: Variable, _n: number, epsilon: number, g: Variable, gain: Variable | undefined) => {
      const h = gain === undefined ? abs(g) : abs(flimsy.mul(g, gain));
      return flimsy.mul(flimsy.add(h, flimsy.mul(flimsy.max(h, -1, true), 1 + Math.sqrt(x.shape.at(-1) as number))), 1 / Math.sqrt(epsilon));
    },
  },
} satisfies Record<string, Entry>;
