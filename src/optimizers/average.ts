/**
 * Exponentially decaying averages, as several rules keep them: ρ·a + (1 − ρ)·x, given 1 − ρ. That is what has to be exact
 * in float32, since it is small; and what is added must not be a difference of larger numbers, so there are two forms.
 */

import type { Expr, ExprLike } from "../kernels/expression.ts";
import { elementwise } from "../operations/elementwise.ts";

/**
 * 0 for what has decayed to nothing, as the averages of a unit that is never active do: far below, arithmetic meets denormal
 * numbers, which take many processors a hundred times as long, and rounding keeps those from ever becoming 0.
 */
export const settled = (x: Expr, nothing: ExprLike = NOTHING): Expr => x.abs().less(nothing).where(0, x);
/** What is nothing, unless it is divided by. */
export const NOTHING = 2 ** -112;

/** What is nothing for an average that is divided by, after ε is added, or that is divided by one: no digit of a quotient may depend on it. */
export const besides = (epsilon: number): number => Math.min(NOTHING, epsilon * 2 ** -24);

function average(a: Expr, x: Expr, share: Expr): Expr {
  const difference = x.sub(a);
  return share.less(0.5).where(a.add(difference.mul(share)), x.sub(difference.mul(share.sub(1).neg())));
}

/** The average of squares x. One beyond float32 is infinite, and so is the average from then on: a difference of infinities would be NaN. */
function averageOfSquares(a: Expr, x: Expr, share: Expr): Expr {
  const difference = x.sub(a);
  return difference.sub(difference).equal(0).where(average(a, x, share), a.add(x));
}

/** The average of a gradient. */
export const averaged = elementwise("average", (a, x, share, nothing) => settled(average(a, x, share), nothing));
/** The average of the square; never negative. */
export const averagedSquare = elementwise("averageSquare", (a, x, share, nothing) => settled(averageOfSquares(a, x.mul(x), share), nothing));
/** The root of the average of the square, from itself. */
export const averagedRoot = elementwise("averageRoot", (root, x, share) => settled(averageOfSquares(root.mul(root), x.mul(x), share)).sqrt());
/** The same for numbers of any size, at twice the time: squares of those far from 1 are beyond float32, so both are brought nearer by a power of two. */
export const averagedRootOfAny = elementwise("averageRootOfAny", (root, x, share, nothing) => {
  const size = root.less(x.abs()).where(x.abs(), root);
  const [isSmall, isLarge] = [size.less(2 ** -40), size.greater(2 ** 40)];
  const [a, b] = [root, x].map((value) => value.mul(isSmall.where(2 ** 80, isLarge.where(2 ** -80, 1))));
  return settled(average(a.mul(a), b.mul(b), share).sqrt().mul(isSmall.where(2 ** -80, isLarge.where(2 ** 80, 1))), nothing);
});
