import { ValueError } from "../index.ts";
import { checkNumber } from "../support/check.ts";
import { describe } from "../support/describe.ts";

/**
 * By how much weights are scaled for the activation that follows them: what it keeps of the size of its input.
 * √2 for relu, which drops one half of the variance (He et al., arXiv:1502.01852), and its like; a little more than 1 for functions
 * that saturate (Saxe et al., arXiv:1312.6120); else 1.
 */
const gains = {
  relu: Math.SQRT2, gelu: Math.SQRT2, tanh: 1.1, sigmoid: 1.1, softplus: 1, softmax: 1, logSoftmax: 1, wta: 1, identity: 1,
} as const;

/** An activation by its name. */
export type ActivationName = keyof typeof gains;

/** Where numbers come from, and for which activation. */
export interface GainOptions {
  /** A factor; 1 unless given. */
  readonly gain?: number | undefined;
  /** Or the activation that follows, whose factor is taken: 1.1 for "tanh" and "sigmoid", √2 for "relu" and "gelu", 1 for the others. */
  readonly activation?: ActivationName | undefined;
}

/** The factor that a user asked for. */
export function gainOf(caller: string, { gain, activation }: GainOptions): number {
  if (gain !== undefined && activation !== undefined) throw new ValueError(`${caller} takes a gain or an activation, but got both.`);
  if (activation !== undefined) {
    if (!Object.hasOwn(gains, activation)) {
      throw new ValueError(
        `${caller} knows no gain for the activation ${describe(activation)}, only for ${Object.keys(gains).join(", ")}. Give the number as gain.`,
      );
    }
    return gains[activation];
  }
  return gain === undefined ? 1 : checkNumber(caller, "gain", gain, 0);
}
