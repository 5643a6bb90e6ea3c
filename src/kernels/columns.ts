/** Reduction over the middle axis of [outer, n, inner]. */

import { layout } from "./layout.ts";
import { FixedKernel, intern } from "./registry.ts";
import type { Reduction } from "./row.ts";

export const columnsParameters = /*#__PURE__*/ layout("outer", "n", "inner");

/** Operands: output, input. */
export class ColumnsKernel extends FixedKernel<"columns"> {
  constructor(key: string, readonly reduce: Reduction) { super("columns", ["written", "read"], columnsParameters, false, key); }
}

const reductions: Partial<Record<Reduction, ColumnsKernel>> = {};

export function columns(reduce: Reduction): ColumnsKernel {
  const key = `columns ${reduce}`;
  reductions[reduce] ??= intern(key, () => new ColumnsKernel(key, reduce));
  return reductions[reduce];
}
