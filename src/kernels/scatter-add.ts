/** out = 0, then out[o, index[j], i] += updates[o, j, i]. */

import { readParameters } from "./layout.ts";
import { FixedKernel } from "./registry.ts";
import { moved, type Work } from "./work.ts";

/** Of [outer, size, inner] = out, `count` updates. */
export const scatterAddParameters = { outer: 0, count: 1, inner: 2, size: 3 } as const;

export type ScatterAddKernel = FixedKernel<"scatterAdd">;
/** Operands: out, index, updates, room: `scatterRoom` zeros for the kernel's own use, or out again where it needs none. */
export const scatterAdd: ScatterAddKernel = /*#__PURE__*/ new FixedKernel("scatterAdd", ["written", "read", "read", "updated"], scatterAddParameters, true);

/** So many updates of one row make a block: blocks are added up for themselves, so that rounding does not grow with the number of equal indices. */
export const scatterBlock = 256;

/** The room that scatterAdd needs: a byte for each row, to count its updates, and the sums of blocks with their indices, and of blocks of these. */
export function scatterRoom(count: number, inner: number, size: number): number {
  const blocks = Math.floor(count / scatterBlock);
  return count <= scatterBlock ? 0 : Math.ceil(size / 4) + (blocks + Math.floor(blocks / scatterBlock)) * (1 + inner);
}

/** What a launch takes whose parameters begin at `from`. */
export function scatterAddWork(_: ScatterAddKernel, words: Int32Array, from: number): Work {
  const { outer, count, inner, size } = readParameters(scatterAddParameters, words, from);
  return moved(count + outer * inner * (2 * count + size), outer * count * inner);
}
