import { ValueError } from "../support/errors.ts";
import { elementwise } from "../operations/elementwise.ts";
import { Random } from "../random/random.ts";
import { checkNumber, describe } from "../support/shape.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { formatCall, inspected } from "../support/print.ts";
import type { Variable } from "../engine/variable.ts";
import { uniform } from "../operations/uniform.ts";

export interface GradientNoiseOptions {
  /** η: the variance at the first step. The paper tries 0.01, 0.3 and 1. */
  readonly eta: number;
  /** γ: how fast the variance falls; 0.55 unless given. */
  readonly gamma?: number | undefined;
  /** Where the noise comes from; the default generator, which `seed` sets, unless given. */
  readonly random?: Random | undefined;
}

/** Box–Muller: normal noise from two uniform numbers, added to a gradient. */
const disturbed = /*#__PURE__*/ elementwise("gradientNoise", (gradient, u, v, deviation) =>
  gradient.add(u.neg().log1p().mul(-2).sqrt().mul(v.mul(2 * Math.PI).cos()).mul(deviation)));

/**
 * Normal noise on every entry of the gradients, less and less of it: its variance at step t = 0, 1, … is η / (1 + t)^γ
 * (A. Neelakantan et al.: Adding Gradient Noise Improves Learning for Very Deep Networks, arXiv:1511.06807).
 * An optimizer adds it after clipping, so that its size is the one stated.
 *
 *     const optimizer = new Adam(θ, { learningRate: 1e-3, noise: new GradientNoise({ eta: 0.01 }) });
 */
export class GradientNoise {
  readonly eta: number;
  readonly gamma: number;
  /** Its own generator, or null for the default one. */
  readonly random: Random | null;

  /** @throws ValueError unless η and γ are finite numbers of at least 0 */
  constructor(options: GradientNoiseOptions) {
    checkArguments("GradientNoise", arguments, 1);
    checkOptions("GradientNoise", options, ["eta", "gamma", "random"]);
    this.eta = checkNumber("GradientNoise", "eta", options.eta, 0);
    this.gamma = checkNumber("GradientNoise", "gamma", options.gamma ?? 0.55, 0);
    this.random = options.random ?? null;
    if (this.random !== null && !(this.random instanceof Random)) throw new ValueError(`GradientNoise takes a Random as random, but got ${describe(this.random)}.`);
  }

  /** The standard deviation at a step; 0 is the first. */
  deviation(step: number): number {
    checkArguments("deviation", arguments, 1);
    return Math.sqrt(this.eta / (1 + step) ** this.gamma);
  }

  toString(): string { return formatCall(this.constructor.name, { eta: this.eta, gamma: this.gamma, random: this.random }); }

  /** What `console.log` prints in Node. */
  [inspected](): string { return this.toString(); }

  /** @internal The gradients with noise, as operations of the open step. */
  disturbed(gradients: readonly Variable[], step: number): readonly Variable[] {
    const deviation = this.deviation(step);
    const draw = (shape: readonly number[]): Variable => uniform(shape, this.random ?? undefined);
    return gradients.map((gradient) => disturbed(gradient, draw(gradient.shape), draw(gradient.shape), deviation));
  }
}
