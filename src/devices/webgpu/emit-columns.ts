/** Reductions and scans along a middle axis: a thread for each column. */

import { beginnings, type ColumnsKernel, type ScanKernel } from "../../kernels/kernel.ts";
import { call, literal } from "./functions.ts";
import { accumulator, loaded, stored } from "./reductions.ts";
import { at, operandsAndParameters, record, shader } from "./shader.ts";

/** Where a column begins, by its number. */
const column = (number: string): string => `let first = (${number} / inner) * n * inner + ${number} % inner;`;

export function emitColumns(kernel: ColumnsKernel): string {
  const sum = accumulator(kernel.reduce, "sum");
  return shader(`${operandsAndParameters(["out", "input"], "columns")}
${column("i")}
${sum.begin}
for (var j = 0u; j < n; j++) { ${sum.take("heap[input + first + j * inner]", "j")} }
heap[out + i] = ${sum.result(sum.taken)};`);
}

/** The same in parts, where the columns are few: a thread for each part of a column. */
export function emitColumnParts(kernel: ColumnsKernel): string {
  const sum = accumulator(kernel.reduce, "sum");
  return shader(`${operandsAndParameters(["out", "input"], "columns")}
let columns = outer * inner;
let part = i / columns;
let length = (n + ${at(record.parts)} - 1u) / ${at(record.parts)};
let begin = part * length;
let its = i % columns;
${column("its")}
${sum.begin}
for (var j = begin; j < min(begin + length, n); j++) { ${sum.take("heap[input + first + j * inner]", "(j - begin)")} }
let place = ${at(record.scratch)} + 2u * i;
${stored(sum, "place", sum.taken)}`);
}

/** Puts the parts together: a thread for each column. */
export function emitColumnSum(kernel: ColumnsKernel): string {
  const sum = accumulator(kernel.reduce, "sum");
  return shader(`${operandsAndParameters(["out", "input"], "columns")}
var all = ${sum.nothing};
for (var part = 0u; part < ${at(record.parts)}; part++) {
  let place = ${at(record.scratch)} + 2u * (part * outer * inner + i);
  let taken = ${loaded(sum, "place")};
  all = ${sum.together("all", "taken")};
}
heap[out + i] = ${sum.result("all")};`);
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
${column("i")}
${begin}
for (var j = 0u; j < n; j++) {
  let at = first + ${isBackwards ? "(n - 1u - j)" : "j"} * inner;
  let x = heap[input + at];
  ${hasFactors ? multiply : ""}
  total = ${combined};
  heap[out + at] = ${scan === "maximum" ? "total" : "total.x"};
}`);
}
