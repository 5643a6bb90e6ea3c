/**
 * The matrix product, in several forms. In all of them an element is the sum of blocks of products, added up in the same order: so the form changes speed
 * only, to the bit.
 */

import { ProductMode } from "../../kernels/kernel.ts";
import { at, chained, GROUP, operandsAndParameters, record, shader, sharing } from "./shader.ts";

/** So many products are added up before their sum is added to C, so that rounding does not grow with K. */
export const BLOCK = 256;

/** Which way neighbours of a matrix in memory go: along K, or across it. */
export type Along = "k" | "across";

/** How a product is computed: a thread has a tile of C, which it holds in variables. */
export interface ProductForm {
  /** Rows of C that a thread has. */
  readonly rows: number;
  readonly columns: number;
  /** Where four neighbours are read at once: which ones in A and in B. */
  readonly vectors: readonly [a: Along, b: Along] | null;
  /** Do the threads of a workgroup share what they read? Then the thread has 4 columns, and 4 or 8 rows. */
  readonly isShared: boolean;
  /** Does a thread have one block of K, whose sums another dispatch adds up? */
  readonly isSplit: boolean;
}

/** Workgroups that share are so many threads high, and as many wide; and so much of K they read at a time. */
export const SIDE = Math.sqrt(GROUP);
const DEPTH = 32;

const range = (count: number): number[] => Array.from({ length: count }, (_, k) => k);
const lines = (count: number, of: (k: number) => string): string => range(count).map(of).join("\n");

export function emitProduct(form: ProductForm): string {
  if (form.isShared) return emitShared(form);
  return form.vectors === null ? emitSingle(form) : emitVectors(form, form.vectors);
}

/** Which tile it is, and where the matrices begin. Beyond the edge the last row or column is computed again, and not written. */
const places = (tile: string, rows: number, columns: number): string => `${operandsAndParameters(["toC", "fromA", "fromB", "addend"], "product")}
let across = (n + ${columns - 1}u) / ${columns}u;
let down = (m + ${rows - 1}u) / ${rows}u;
let batches = count0 * count1;
let column0 = (${tile} % across) * ${columns}u;
let row0 = (${tile} / across % down) * ${rows}u;
let batch = ${tile} / (across * down) % batches;
let part = ${tile} / (across * down * batches);
let batch0 = batch / count1;
let batch1 = batch % count1;
let a = fromA + batch0 * batchA0 + batch1 * batchA1;
let b = fromB + batch0 * batchB0 + batch1 * batchB1;`;

/** The sum of all blocks, or the part's own, which `body` computes. */
const blocks = (isSplit: boolean, body: string): string => (isSplit ? `let block = part * ${BLOCK}u;
${body}` : `for (var block = 0u; block < k; block += ${BLOCK}u) {
${body}
}`);

/** Writes the element at `place` of its matrix. */
function written({ isSplit, vectors }: Pick<ProductForm, "isSplit" | "vectors">, place: string, column: string, total: string): string {
  const element = (k: string): string => (vectors === null ? `heap[${k}]` : `vectors[(${k}) >> 2u]`);
  if (isSplit) return `${element(`${at(record.scratch)} + (part * batches + batch) * m * n + ${place}`)} = ${total};`;
  const added = element(`addend + select(place, ${column}, mode == ${ProductMode.row}u)`);
  return `let place = batch * m * n + ${place};
let added = select(${vectors === null ? "0.0" : "vec4f(0.0)"}, ${added}, mode != ${ProductMode.plain}u);
${element("toC + place")} = ${vectors === null ? "exactly" : "exactly4"}(added + ${total});`;
}

function emitSingle(form: ProductForm): string {
  const { rows, columns, isSplit } = form;
  const tile = (of: (r: number, c: number) => string): string => lines(rows, (r) => lines(columns, (c) => of(r, c)));
  return chained(`${places("i", rows, columns)}
${tile((r, c) => `var total${r}_${c} = 0.0;`)}
${blocks(isSplit, `${lines(rows, (r) => `var a${r} = a + min(row0 + ${r}u, m - 1u) * rowA + block * columnA;`)}
${lines(columns, (c) => `var b${c} = b + min(column0 + ${c}u, n - 1u) * columnB + block * rowB;`)}
${tile((r, c) => `var sum${r}_${c} = 0.0;`)}
for (var l = block; l < min(block + ${BLOCK}u, k); l++) {
  ${lines(rows, (r) => `let x${r} = heap[a${r}]; a${r} += columnA;`)}
  ${lines(columns, (c) => `let y${c} = heap[b${c}]; b${c} += rowB;`)}
  ${tile((r, c) => `sum${r}_${c} = fma(x${r}, y${c}, sum${r}_${c});`)}
}
${tile((r, c) => `total${r}_${c} = exactly(total${r}_${c} + sum${r}_${c});`)}`)}
${tile((r, c) => `if (row0 + ${r}u < m && column0 + ${c}u < n) {
${written(form, `(row0 + ${r}u) * n + column0 + ${c}u`, `column0 + ${c}u`, `total${r}_${c}`)}
}`)}`);
}

/** Rows of a tile, of four columns, that takes in four rows of K: of vectors of A that go along K or across it, and vectors of B that go across. */
const taken = (rows: number, along: Along): string => lines(4, (l) => lines(rows, (r) => {
  const x = along === "k" ? `x${r}[${l}]` : `x${l}_${r >> 2}[${r & 3}]`;
  return `sum${r} = fma(vec4f(${x}), y${l}, sum${r});`;
}));

/** Here all places are multiples of 4, and so are K and N, and M where neighbours of A go across K. */
function emitVectors(form: ProductForm, [alongA, alongB]: readonly [Along, Along]): string {
  const { rows, isSplit } = form;
  const tile = (of: (r: number) => string): string => lines(rows, of);
  const isAlong = alongA === "k";
  const loadA = isAlong ? tile((r) => `let x${r} = vectors[(a${r} + l) >> 2u];`)
    : lines(4, (l) => lines(rows >> 2, (q) => `let x${l}_${q} = vectors[(a${q} + (l + ${l}u) * columnA) >> 2u];`));
  const loadB = alongB === "across" ? lines(4, (l) => `let y${l} = vectors[(b + column0 + (l + ${l}u) * rowB) >> 2u];`)
    : `${lines(4, (c) => `let z${c} = vectors[(b + (column0 + ${c}u) * columnB + l) >> 2u];`)}
${turned("y", "z")}`;
  return chained(`${places("i", rows, 4)}
${isAlong ? tile((r) => `let a${r} = a + min(row0 + ${r}u, m - 1u) * rowA;`) : lines(rows >> 2, (q) => `let a${q} = a + min(row0 + ${4 * q}u, m - 4u);`)}
${tile((r) => `var total${r} = vec4f(0.0);`)}
${blocks(isSplit, `${tile((r) => `var sum${r} = vec4f(0.0);`)}
for (var l = block; l < min(block + ${BLOCK}u, k); l += 4u) {
  ${loadA}
  ${loadB}
  ${taken(rows, alongA)}
}
${tile((r) => `total${r} = exactly4(total${r} + sum${r});`)}`)}
${tile((r) => `if (row0 + ${r}u < m) {
${written(form, `(row0 + ${r}u) * n + column0`, "column0", `total${r}`)}
}`)}`);
}

/** Four vectors from another four, their rows for columns. */
const turned = (to: string, from: string): string => lines(4, (l) => `let ${to}${l} = vec4f(${range(4).map((c) => `${from}${c}[${l}]`).join(", ")});`);

/**
 * Threads bring parts of A and B to memory of the workgroup, in squares of four by four, so that there four neighbours go across K. What is beyond the edge
 * is 0 there, which changes no sum.
 */
function emitShared(form: ProductForm): string {
  const { rows, vectors, isSplit } = form;
  const [height, width] = [SIDE * rows, SIDE * 4];
  const tile = (of: (r: number) => string): string => lines(rows, of);
  /** The squares of a matrix, of which `size` across K are needed. */
  function fill(to: string, size: number, along: Along | null, edge: string, across: string, step: string, from: string): string {
    const squares = (DEPTH / 4) * (size / 4);
    const element = (x: string, l: string): string => `select(0.0, heap[${from} + ${x} * ${across} + ${l} * ${step}], ${x} < ${edge} && ${l} < end)`;
    const square = {
      // Of vectors either all elements are beyond the edge or none.
      k: `${lines(4, (c) => `let z${c} = select(vec4f(0.0), vectors[(${from} + (x + ${c}u) * ${across} + l) >> 2u], x + ${c}u < ${edge} && l < end);`)}
${turned("y", "z")}`,
      across: lines(4, (c) => `let y${c} = select(vec4f(0.0), vectors[(${from} + x + (l + ${c}u) * ${step}) >> 2u], x < ${edge} && l + ${c}u < end);`),
      none: lines(4, (c) => `let y${c} = vec4f(${range(4).map((q) => element(`(x + ${q}u)`, `(l + ${c}u)`)).join(", ")});`),
    }[along ?? "none"];
    // Neighbouring threads read neighbours.
    const isAlong = along === "k" ? "true" : along === "across" ? "false" : `${step} == 1u`;
    return `for (var s = local; s < ${squares}u; s += ${GROUP}u) {
  let l4 = select(s / ${size / 4}u, s % ${DEPTH / 4}u, ${isAlong});
  let x4 = select(s % ${size / 4}u, s / ${DEPTH / 4}u, ${isAlong});
  let x = ${to === "tileA" ? "row0" : "column0"} + 4u * x4;
  let l = l0 + 4u * l4;
  ${square}
  ${lines(4, (c) => `${to}[(4u * l4 + ${c}u) * ${size / 4}u + x4] = y${c};`)}
}`;
  }
  return sharing(`${places("team", height, width)}
let mineA = local / ${SIDE}u * ${rows / 4}u;
let mineB = local % ${SIDE}u;
${tile((r) => `var total${r} = vec4f(0.0);`)}
${blocks(isSplit, `${tile((r) => `var sum${r} = vec4f(0.0);`)}
let end = min(block + ${BLOCK}u, k);
for (var l0 = block; l0 < end; l0 += ${DEPTH}u) {
  workgroupBarrier();
  ${fill("tileA", height, vectors?.[0] ?? null, "m", "rowA", "columnA", "a")}
  ${fill("tileB", width, vectors?.[1] ?? null, "n", "columnB", "rowB", "b")}
  workgroupBarrier();
  for (var l = 0u; l < ${DEPTH}u; l += 4u) {
    ${lines(4, (l) => lines(rows / 4, (q) => `let x${l}_${q} = tileA[(l + ${l}u) * ${height / 4}u + mineA + ${q}u];`))}
    ${lines(4, (l) => `let y${l} = tileB[(l + ${l}u) * ${width / 4}u + mineB];`)}
    ${taken(rows, "across")}
  }
}
${tile((r) => `total${r} = exactly4(total${r} + sum${r});`)}`)}
let row = row0 + 4u * mineA;
let column = column0 + 4u * mineB;
if (!hasFailed()) {
${tile((r) => (vectors === null ? lines(4, (c) => `if (row + ${r}u < m && column + ${c}u < n) {
${written(form, `(row + ${r}u) * n + column + ${c}u`, `column + ${c}u`, `total${r}[${c}]`)}
}`) : `if (row + ${r}u < m && column < n) {
${written(form, `(row + ${r}u) * n + column`, "column", `total${r}`)}
}`))}
}`, `var<workgroup> tileA: array<vec4f, ${(DEPTH * height) / 4}>;
var<workgroup> tileB: array<vec4f, ${(DEPTH * width) / 4}>;`);
}

/** Adds up the sums of blocks: a thread for each element of C. */
export const emitProductSum = (): string => shader(`${operandsAndParameters(["toC", "fromA", "fromB", "addend"], "product")}
let size = m * n * count0 * count1;
let batch = i / (m * n);
var total = 0.0;
for (var part = 0u; part * ${BLOCK}u < k; part++) { total = exactly(total + heap[${at(record.scratch)} + part * size + i]); }
${written({ isSplit: false, vectors: null }, "i % (m * n)", "i % n", "total")}`);
