/**
 * Exponentially decaying averages, as several rules keep them: ρ·a + (1 − ρ)·x, given 1 − ρ. That is what has to be exact
 * in float32, since it is small; and what is added must not be a difference of larger numbers, so there are two forms.
 */

import type { Expr } from "../kernels/expression.ts";
import { elementwise } from "../operations/elementwise.ts";

/**
 * 0 for what has decayed to nothing, as the averages of a unit that is never active do: far below, arithmetic meets denormal
 * numbers, which take many processors a hundred times as long, and rounding keeps those from ever becoming 0.
 */
export const settled = (x: Expr): Expr => x.abs().less(2 ** -112).where(0, x);

function average(a: Expr, x: Expr, share: Expr): Expr {
  const difference = x.sub(a);
  return settled(share.less(0.5).where(a.add(difference.mul(share)), x.sub(difference.mul(share.sub(1).neg()))));
}

/** The average of a gradient. */
export const averaged = /*#__PURE__*/ elementwise("average", average);
/** The average of the square; never negative. */
export const averagedSquare = /*#__PURE__*/ elementwise("averageSquare", (a, x, share) => average(a, x.mul(x), share));
