/** The matrix product: a thread for a tile of C, which it holds in variables. */

import { ProductMode } from "../../kernels/kernel.ts";
import { chained, operandsAndParameters } from "./shader.ts";

/** So many products are added up before their sum is added to C, so that rounding does not grow with K. The result does not depend on the tile. */
const BLOCK = 256;

/** Rows and columns of a tile. */
export type Tile = readonly [rows: number, columns: number];

export function emitProduct([rows, columns]: Tile): string {
  const range = (count: number): number[] => Array.from({ length: count }, (_, k) => k);
  const lines = (of: (r: number, c: number) => string): string => range(rows).flatMap((r) => range(columns).map((c) => of(r, c))).join("\n");
  const byRow = (of: (r: number) => string): string => range(rows).map(of).join("\n");
  const byColumn = (of: (c: number) => string): string => range(columns).map(of).join("\n");
  // Beyond the edge the last row or column is computed again, and not written.
  return chained(`${operandsAndParameters(["toC", "fromA", "fromB", "addend"], "product")}
let across = (n + ${columns - 1}u) / ${columns}u;
let down = (m + ${rows - 1}u) / ${rows}u;
let column = (i % across) * ${columns}u;
let row = (i / across % down) * ${rows}u;
let batch = i / (across * down);
let batch0 = batch / count1;
let batch1 = batch % count1;
let a = fromA + batch0 * batchA0 + batch1 * batchA1;
let b = fromB + batch0 * batchB0 + batch1 * batchB1;
let c = toC + batch * m * n;
${byRow((r) => `var a${r} = a + min(row + ${r}u, m - 1u) * rowA;`)}
${byColumn((c) => `var b${c} = b + min(column + ${c}u, n - 1u) * columnB;`)}
${lines((r, c) => `var total${r}_${c} = 0.0;`)}
for (var first = 0u; first < k; first += ${BLOCK}u) {
  ${lines((r, c) => `var sum${r}_${c} = 0.0;`)}
  for (var l = first; l < min(first + ${BLOCK}u, k); l++) {
    ${byRow((r) => `let x${r} = heap[a${r}]; a${r} += columnA;`)}
    ${byColumn((c) => `let y${c} = heap[b${c}]; b${c} += rowB;`)}
    ${lines((r, c) => `sum${r}_${c} = fma(x${r}, y${c}, sum${r}_${c});`)}
  }
  ${lines((r, c) => `total${r}_${c} = exactly(total${r}_${c} + sum${r}_${c});`)}
}
${lines((r, c) => `if (row + ${r}u < m && column + ${c}u < n) {
  let place = (row + ${r}u) * n + column + ${c}u;
  var added = 0.0;
  if (mode == ${ProductMode.matrix}u) { added = heap[addend + batch * m * n + place]; }
  if (mode == ${ProductMode.row}u) { added = heap[addend + column + ${c}u]; }
  heap[c + place] = exactly(added + total${r}_${c});
}`)}`);
}
