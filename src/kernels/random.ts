/** Uniform numbers in [0, 1): element i is the upper 24 bits of word i mod 4 of Philox block counter + ⌊i/4⌋, over 2²⁴. */

import { readParameters } from "./layout.ts";
import { FixedKernel } from "./registry.ts";
import { moved, type Work } from "./work.ts";

export const randomParameters = { n: 0 } as const;

export type RandomKernel = FixedKernel<"random">;
/** Operands: out, bits: eight 16-bit halves, low first, of key word 0, key word 1, counter word 0, counter word 1. */
export const random: RandomKernel = /*#__PURE__*/ new FixedKernel("random", ["written", "read"], randomParameters);

/** What a launch takes whose parameters begin at `from`. */
export function randomWork(_: RandomKernel, words: Int32Array, from: number): Work {
  const { n } = readParameters(randomParameters, words, from);
  return moved(n, 30 * n);
}
