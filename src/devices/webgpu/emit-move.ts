/** Kernels that move elements: copies of boxes, entries of tables, and what is added to these. */

import { type CopyKernel, copyAxisAt, type GatherKernel } from "../../kernels/kernel.ts";
import { accumulator } from "./reductions.ts";
import { at, finder, named, operandsAndParameters, positions, record, shader } from "./shader.ts";

/** So many neighbours a thread copies where there are several axes: to find out where it is costs more than a copy. */
export const COPIED = 4;

/**
 * @param rank how many axes a launch has
 * @param neighbours how many elements of the innermost a thread has
 */
export function emitCopy({ adds }: CopyKernel, rank: number, neighbours: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => record.operands + 2 + copyAxisAt(axis));
  const place = (operand: number): string =>
    [at(record.operands + operand), ...axes.map((from, axis) => `position${axis} * ${at(from + 1 + operand)}`)].join(" + ");
  const copied = (to: string, source: string): string => (adds ? `heap[${to}] = exactly(heap[${to}] + heap[${source}]);` : `heap[${to}] = heap[${source}];`);
  if (neighbours === 1) return shader(`${positions(axes.map((from) => at(from)))}
let to = ${place(0)};
${copied("to", place(1))}`);
  const [size, toStep, sourceStep] = [0, 1, 2].map((k) => at(axes[0] + k));
  return shader(`let parts = (${size} + ${neighbours - 1}u) / ${neighbours}u;
${positions(["parts", ...axes.slice(1).map((from) => at(from))], `${neighbours}u * `)}
let to = ${place(0)};
let source = ${place(1)};
${Array.from({ length: neighbours }, (_, k) => `if (position0 + ${k}u < ${size}) {
  ${copied(`to + ${k}u * ${toStep}`, `source + ${k}u * ${sourceStep}`)}
}`).join("\n")}`);
}

/** A copy of neighbours, four at a time, to where there is room for as many. */
export const emitVectorCopy = (): string =>
  shader(`vectors[(${at(record.operands)} >> 2u) + i] = vectors[(${at(record.operands + 1)} >> 2u) + i];`);

/** The row that an index names. The last row stands for one that does not exist: then nothing is written any more. */
const rowOf = (index: string): string => `min(u32(max(${index}, 0.0)), size - 1u)`;

/** The thread's element of [outer, count, inner], whose update is number `j`. */
const element = "let j = (i / inner) % count; let o = i / (inner * count); let e = i % inner;";

/** Looks for an index that is none: by one workgroup, before the others run. */
export const emitIndexCheck = (operands: readonly string[], kind: "gather" | "scatterAdd"): string =>
  finder(
    operandsAndParameters(operands, kind),
    "isNan(heap[index + j]) || heap[index + j] < 0.0 || heap[index + j] >= f32(size) || floor(heap[index + j]) != heap[index + j]",
    "heap[index + j]", "f32(size)", "index",
  );

export const gatherOperands = ({ puts }: GatherKernel): string[] => (puts ? ["table", "list", "index"] : ["list", "table", "index"]);
export const scatterAddOperands = ["table", "index", "list", "room"] as const;

export function emitGather(kernel: GatherKernel): string {
  const { puts } = kernel;
  return shader(`${operandsAndParameters(gatherOperands(kernel), "gather")}
${element}
let entry = table + (o * size + ${rowOf("heap[index + j]")}) * inner + e;
${puts ? `if (next(${linksAt}, j) == count) { heap[entry] = heap[list + i]; }` : "heap[list + i] = heap[entry];"}`);
}

/**
 * Equal indices are linked, in order: for each of `count`, the next one that is equal (or `count`), and after them whether there is one before. So one
 * thread finds all updates of its row, or sees that another one is the last to write it.
 */
const linksAt = at(record.scratch);

export const linkRoom = (count: number): number => 2 * count;

export const emitLinks = (operands: readonly string[], kind: "gather" | "scatterAdd"): string =>
  shader(`${operandsAndParameters(operands, kind)}
let mine = heap[index + i];
var j = i + 1u;
while (j < count && heap[index + j] != mine) { j++; }
heap[${linksAt} + i] = f32(j);
if (j < count) { heap[${linksAt} + count + j] = 1.0; }`);

/** Clears the rows, and what says of links that there is one before. */
export const emitClear = (): string =>
  shader(`${operandsAndParameters(scatterAddOperands, "scatterAdd")}
let elements = outer * size * inner;
if (i < elements) { heap[table + i] = 0.0; } else { heap[${linksAt} + count + i - elements] = 0.0; }`);

export function emitScatterAdd(): string {
  const sum = accumulator("sum", "sum");
  return shader(`${operandsAndParameters(scatterAddOperands, "scatterAdd")}
${element}
if (heap[${linksAt} + count + j] != 0.0) { return; }
${sum.begin}
var taken = 0u;
for (var k = j; k < count; k = next(${linksAt}, k)) {
  ${sum.take("heap[list + (o * count + k) * inner + e]", "taken")}
  taken++;
}
heap[table + (o * size + ${rowOf("heap[index + j]")}) * inner + e] = ${sum.result(sum.taken)};`);
}

/** Looks for a number that is none, or ∞. */
export const emitNumberCheck = (): string => finder(named(["input", "count"], record.operands), "!isFinite(heap[input + j])", "heap[input + j]", "0.0", "nan");
