/** out[o, j, i] = table[o, index[j], i]. */

import { readParameters } from "./layout.ts";
import { FixedKernel } from "./registry.ts";
import { moved, type Work } from "./work.ts";

/** Of [outer, size, inner] = the table, `count` entries are looked up. */
export const gatherParameters = { outer: 0, count: 1, inner: 2, size: 3 } as const;

export type GatherKernel = FixedKernel<"gather">;
/** Operands: out, table, index. */
export const gather: GatherKernel = /*#__PURE__*/ new FixedKernel("gather", ["written", "read", "read"], gatherParameters, true);

/** What a launch takes whose parameters begin at `from`. */
export function gatherWork(_: GatherKernel, words: Int32Array, from: number): Work {
  const { outer, count, inner } = readParameters(gatherParameters, words, from);
  return moved(count + 2 * outer * count * inner, 0);
}
