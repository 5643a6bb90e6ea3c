/** What a probability costs. */

import { constant, type Expr } from "../kernels/expression.ts";

/** Smaller probabilities count as this one. */
const LEAST_PROBABILITY = 1e-20;

/** −log p, guarded: flat below the least probability. */
export const surprise = (p: Expr): Expr => p.less(LEAST_PROBABILITY).where(-Math.log(LEAST_PROBABILITY), p.log().neg());

const softplus = (x: Expr): Expr => x.greater(33).where(x, x.exp().log1p());

/** What has no share costs nothing, be the score ±∞, whose probability is 0 or 1. That is a bound, not a choice: the slope by the share stays. */
export const shareOf = (share: Expr, cost: Expr): Expr => share.mul(share.equal(0).where(cost.minimum(2 ** 127), cost));

/** Of yes or no with the probability sigmoid(score). Each term keeps its digits when the other one is large. */
export const surpriseOfScore = (score: Expr, target: Expr): Expr =>
  shareOf(target, softplus(score.neg())).add(shareOf(constant(1).sub(target), softplus(score)));
