/** Reductions and scans along a middle axis: a thread for each column. */

import { beginnings, type ColumnsKernel, type ScanKernel } from "../../kernels/kernel.ts";
import { call, literal } from "./functions.ts";
import { accumulator } from "./reductions.ts";
import { operandsAndParameters, shader } from "./shader.ts";

/** Where the column begins. */
const column = "let first = (i / inner) * n * inner + i % inner;";

export function emitColumns(kernel: ColumnsKernel): string {
  const sum = accumulator(kernel.reduce, "sum");
  return shader(`${operandsAndParameters(["out", "input"], "columns")}
${column}
${sum.begin}
for (var j = 0u; j < n; j++) { ${sum.take("heap[input + first + j * inner]", "j")} }
heap[out + i] = ${sum.result};`);
}

/** Running sums and products are pairs of numbers, of which the second is what rounding has taken from the first. */
export function emitScan({ scan, isBackwards, hasFactors }: ScanKernel): string {
  const begin = scan === "maximum" ? `var total = ${literal(beginnings.maximum)};` : `var total = vec2f(${literal(beginnings[scan])}, 0.0);`;
  const combined = scan === "maximum" ? call("maximum", "total", "x") : scan === "sum" ? "pairPlus(total, x)" : "pairTimes(total, x)";
  // Backwards, the factor is that of the element before.
  const multiply = `if (j > 0u) {
  let factor = heap[factors + ${isBackwards ? "at + inner" : "at"}];
  if (factor == 0.0) { total = vec2f(0.0); } else { total = pairTimes(total, factor); }
}`;
  return shader(`${operandsAndParameters(hasFactors ? ["out", "input", "factors"] : ["out", "input"], "columns")}
${column}
${begin}
for (var j = 0u; j < n; j++) {
  let at = first + ${isBackwards ? "(n - 1u - j)" : "j"} * inner;
  let x = heap[input + at];
  ${hasFactors ? multiply : ""}
  total = ${combined};
  heap[out + at] = ${scan === "maximum" ? "total" : "total.x"};
}`);
}
