/** Multivariate normal distributions, and the distribution over them that synthetic tasks are drawn from. */

import type { Random } from "../index.ts";
import { addLowerTransposedTimes, gramOfLower, invertLower } from "./linear-algebra.ts";

/** A normal distribution over vectors. */
export class Gaussian {
  /** Row-major, dimensions × dimensions. */
  readonly covariance: Float64Array;
  readonly #factor: Float64Array;

  /**
   * @param mean one number a dimension
   * @param factor a lower triangular matrix L, row-major, with covariance = Lᵀ·L
   */
  constructor(readonly mean: Float64Array, factor: Float64Array) {
    this.covariance = gramOfLower(factor, mean.length);
    this.#factor = factor;
  }

  /** Writes one vector to `out`, from element `offset` on: mean + Lᵀ·z with z standard normal. */
  sampleInto(out: Float64Array, offset: number, random: Random): void {
    out.set(this.mean, offset);
    addLowerTransposedTimes(this.#factor, random.normalArray(this.mean.length), out, offset);
  }
}

/**
 * Draws a normal distribution from the normal–inverse-Wishart distribution with mean 0 and scale I:
 * Σ⁻¹ ~ Wishart(ν, I), mean ~ N(0, Σ/κ). The expected covariance is I / (ν − dimensions − 1), where that is positive.
 *
 * By Bartlett's decomposition Σ⁻¹ = A·Aᵀ, where A is lower triangular, its entries independent: standard normal below
 * the diagonal, and (counting from 0) the square root of a χ² number with ν − i degrees of freedom on it. So Σ = Lᵀ·L
 * with L = A⁻¹.
 *
 * M. S. Bartlett: On the theory of statistical regression. 1933.
 * A. Gelman et al.: Bayesian Data Analysis, on the multivariate normal with unknown mean and variance.
 *
 * @param nu an integer of at least `dimensions`
 */
export function drawGaussian(dimensions: number, kappa: number, nu: number, random: Random): Gaussian {
  const bartlett = new Float64Array(dimensions * dimensions);
  for (let i = 0; i < dimensions; i++) {
    for (let j = 0; j < i; j++) bartlett[i * dimensions + j] = random.normal();
    bartlett[i * dimensions + i] = Math.sqrt(chiSquare(nu - i, random));
  }
  const factor = invertLower(bartlett, dimensions);
  const mean = new Float64Array(dimensions);
  addLowerTransposedTimes(factor, random.normalArray(dimensions, 0, 1 / Math.sqrt(kappa)), mean);
  return new Gaussian(mean, factor);
}

/** A χ² number with an integer number of degrees of freedom: a sum of as many squares of standard normal numbers. */
function chiSquare(freedom: number, random: Random): number {
  let sum = 0;
  for (let i = 0; i < freedom; i++) sum += random.normal() ** 2;
  return sum;
}
