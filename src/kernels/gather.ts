/** out[o, j, i] = table[o, index[j], i]; or the other way, table[o, index[j], i] = in[o, j, i], where of equal indices the last counts. */

import { readParameters } from "./layout.ts";
import { FixedKernel } from "./registry.ts";
import { moved, type Work } from "./work.ts";

/** Of [outer, size, inner] = the table, `count` entries. */
export const gatherParameters = { outer: 0, count: 1, inner: 2, size: 3 } as const;

export class GatherKernel extends FixedKernel<"gather"> {
  /** @param puts writes entries to the table, whose others stay as they are */
  constructor(key: string, readonly puts: boolean, isFallible: boolean) {
    super("gather", [puts ? "updated" : "written", "read", "read"], gatherParameters, isFallible, key);
  }
}

/** Operands: out, table, index. */
export const gather = /*#__PURE__*/ new GatherKernel("gather", false, true);
/** Operands: table, in, index. It counts as one that does not fail: something has been, or will be, looked up by the same indices. */
export const put = /*#__PURE__*/ new GatherKernel("put", true, false);

/** What a launch takes whose parameters begin at `from`. */
export function gatherWork(_: GatherKernel, words: Int32Array, from: number): Work {
  const { outer, count, inner } = readParameters(gatherParameters, words, from);
  return moved(count + 2 * outer * count * inner, 0);
}
