/** What a probability costs. */

import type { Expr } from "../kernels/expression.ts";

/** Smaller probabilities count as this one. */
const LEAST_PROBABILITY = 1e-20;

/** −log p, guarded: flat below the least probability. */
export const surprise = (p: Expr): Expr => p.less(LEAST_PROBABILITY).where(-Math.log(LEAST_PROBABILITY), p.log().neg());
