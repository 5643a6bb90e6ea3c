import { currentDevice } from "../devices/current.ts";
import { uniform } from "../operations/uniform.ts";
import { elementwise } from "../operations/elementwise.ts";
import { Random } from "../random/random.ts";
import { refusal } from "../support/check.ts";
import { amount, type Kind, type Kinds, of, optional, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { formatCall, inspected } from "../support/print.ts";
import type { Variable } from "../engine/variable.ts";

export interface GradientNoiseOptions {
  /** η: the variance at the first step. The paper tries 0.01, 0.3 and 1. */
  readonly eta: number;
  /** γ: how fast the variance falls; 0.55 unless given. */
  readonly gamma?: number | undefined;
  /** Where the noise comes from; the default generator, which `seed` sets, unless given. */
  readonly random?: Random | undefined;
}

const generator: Kind<Random | null> = {
  read: (given, caller, name) => {
    if (given === null || given instanceof Random) return given;
    throw refusal(caller, `a Random as ${name}`, given);
  },
};

/** Box–Muller: normal noise from two uniform numbers, added to a gradient. */
const disturbed = elementwise("gradientNoise", (gradient, u, v, deviation) =>
  gradient.add(u.neg().log1p().mul(-2).sqrt().mul(v.mul(2 * Math.PI).cos()).mul(deviation)));

/**
 * Normal noise on every entry of the gradients, less and less of it: its variance at step t = 0, 1, … is η / (1 + t)^γ
 * (A. Neelakantan et al.: Adding Gradient Noise Improves Learning for Very Deep Networks, arXiv:1511.06807).
 * An optimizer adds it after clipping, so that its size is the one stated.
 * @example
 * const w = parameter([1, 2]);
 * const noise = new GradientNoise({ eta: 0.01 });
 * const optimizer = new Adam(w, { learningRate: 1e-3, noise });
 * noise.deviation(0); // 0.1
 * noise.deviation(99); // 0.0282
 */
export class GradientNoise {
  static get options(): Kinds<GradientNoiseOptions, GradientNoise> {
    return { eta: amount, gamma: optional(amount, 0.55), random: optional(generator, null) };
  }

  declare readonly eta: number;
  declare readonly gamma: number;
  /** Its own generator, or null for the default one. */
  declare readonly random: Random | null;

  /** @throws ValueError unless η and γ are finite numbers of at least 0 */
  constructor(options: GradientNoiseOptions) {
    take(this, GradientNoise.options, options, arguments);
  }

  /** The standard deviation at a step; 0 is the first. */
  deviation(step: number): number {
    checkArguments("deviation", arguments, 1);
    return Math.sqrt(this.eta / (1 + step) ** this.gamma);
  }

  toString(): string { return formatCall(this.constructor.name, of(this, GradientNoise.options)); }

  /** What `console.log` prints in Node. */
  [inspected](): string { return this.toString(); }

  /** @internal The gradients with noise, as operations of the open step. */
  disturbed(gradients: readonly Variable[], step: number): readonly Variable[] {
    const deviation = this.deviation(step);
    const { random } = this;
    if (random !== null) {
      const { state } = random; // part of the optimizer's: as before where the update fails later
      currentDevice().later?.journal.noteNext(this, () => { random.state = state; });
    }
    const draw = (shape: readonly number[]): Variable => uniform(shape, random ?? undefined);
    return gradients.map((gradient) => disturbed(gradient, draw(gradient.shape), draw(gradient.shape), deviation));
  }
}
