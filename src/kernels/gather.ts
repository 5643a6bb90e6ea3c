/** out[o, j, i] = table[o, index[j], i]. */

import { layout } from "./layout.ts";
import { FixedKernel } from "./registry.ts";

/** Of [outer, size, inner] = the table, `count` entries are looked up. */
export const gatherParameters = /*#__PURE__*/ layout("outer", "count", "inner", "size");

export type GatherKernel = FixedKernel<"gather">;
/** Operands: out, table, index. */
export const gather: GatherKernel = /*#__PURE__*/ new FixedKernel("gather", ["written", "read", "read"], gatherParameters, true);
