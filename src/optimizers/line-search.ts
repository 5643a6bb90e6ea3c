/**
 * A line search that ends where the strong Wolfe conditions hold: the value has fallen by enough (c₁), and the slope is flat enough (c₂)
 * (J. Nocedal & S. Wright: Numerical Optimization, 2006, algorithms 3.5 and 3.6; with the interpolation and the limits of PyTorch's LBFGS).
 */

import type { Search } from "./search.ts";

/** A place on the line: how far along it is, and what the function is there. */
export interface Point {
  readonly at: number;
  readonly value: number;
  readonly slope: number;
}

const [FALL, FLATNESS] = [1e-4, 0.9];
const MOST = 25;

/**
 * @param evaluate the function along the line; where it is infinite, that was too far
 * @param start at 0, where the slope is negative
 * @param first how far along to look first
 * @param least no interval shorter than this is searched
 * @returns a place that was evaluated, or the start if there was nothing better in so many evaluations
 */
export function* strongWolfe(evaluate: (at: number) => Search<Point>, start: Point, first: number, least: number): Search<Point> {
  let left = MOST;
  const look = (at: number): Search<Point> => {
    left--;
    return evaluate(at);
  };
  const falls = ({ at, value }: Point): boolean => value <= start.value + FALL * at * start.slope;
  const isFlat = ({ slope }: Point): boolean => Math.abs(slope) <= -FLATNESS * start.slope;

  // Further and further, until there is a minimum between two places.
  let [before, point] = [start, yield* look(first)];
  for (let i = 0; falls(point) && (i < 2 || point.value < before.value); i++) {
    if (isFlat(point)) return point;
    if (point.slope >= 0) break;
    if (left === 0) return point;
    const next = cubicMinimum(before, point, point.at + 0.01 * (point.at - before.at), 10 * point.at);
    [before, point] = [point, yield* look(next)];
  }

  // Between them. The lower one is what is returned.
  let [low, high] = before.value <= point.value ? [before, point] : [point, before];
  let wasSlow = false;
  while (left > 0 && Math.abs(high.at - low.at) >= least) {
    const [from, to] = low.at < high.at ? [low.at, high.at] : [high.at, low.at];
    const [one, other] = low.at < high.at ? [low, high] : [high, low];
    let at = cubicMinimum(one, other, from, to);
    // Twice near the same end is too slow.
    const margin = 0.1 * (to - from);
    const isSlow = Math.min(to - at, at - from) < margin;
    const isStuck: boolean = isSlow && (wasSlow || at >= to || at <= from);
    if (isStuck) at = to - at < at - from ? to - margin : from + margin;
    wasSlow = isSlow && !isStuck;

    const next = yield* look(at);
    if (!falls(next) || next.value >= low.value) {
      [low, high] = next.value < low.value ? [next, low] : [low, next];
      continue;
    }
    if (isFlat(next)) return next;
    if (next.slope * (high.at - low.at) >= 0) high = low;
    low = next;
  }
  return low;
}

/** Where the cubic through two places, the first of them before the second, is least, within bounds; their middle where it is least nowhere. */
export function cubicMinimum(a: Point, b: Point, from: number, to: number): number {
  const d1 = a.slope + b.slope - (3 * (a.value - b.value)) / (a.at - b.at);
  const d2 = Math.sqrt(d1 * d1 - a.slope * b.slope);
  const position = b.at - (b.at - a.at) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2));
  return Number.isNaN(position) ? (from + to) / 2 : Math.min(Math.max(position, from), to);
}
