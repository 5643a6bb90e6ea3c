/** Reduction over the middle axis of [outer, n, inner]. */

import { readParameters } from "./layout.ts";
import { FixedKernel, intern } from "./registry.ts";
import type { Reduction } from "./row.ts";
import { moved, type Work } from "./work.ts";

export const columnsParameters = { outer: 0, n: 1, inner: 2 } as const;

/** Operands: output, input. */
export class ColumnsKernel extends FixedKernel<"columns"> {
  constructor(key: string, readonly reduce: Reduction) { super("columns", ["written", "read"], columnsParameters, false, key); }
}

export function columns(reduce: Reduction): ColumnsKernel {
  const key = `columns ${reduce}`;
  return intern(key, () => new ColumnsKernel(key, reduce));
}

/** What a launch takes whose parameters begin at `from`. */
export function columnsWork(_: ColumnsKernel, words: Int32Array, from: number): Work {
  const { outer, n, inner } = readParameters(columnsParameters, words, from);
  return moved(outer * inner * (n + 1), outer * n * inner);
}
