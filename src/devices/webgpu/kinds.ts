/** How each kind of kernel is carried out: by which dispatches, one after another, and what computes them. */

import {
  columnsParameters, type CopyKernel, gatherParameters, type Kernel, type KernelOf, type Kind, passesOf, ProductMode, productParameters, randomParameters,
  readCopyAxes, readMapAxes, readParameters, rowParameters, scatterAddParameters,
} from "../../kernels/kernel.ts";
import { emitColumnParts, emitColumnSum, emitColumns, emitScan } from "./emit-columns.ts";
import { emitMap } from "./emit-map.ts";
import {
  COPIED, emitClear, emitCopy, emitGather, emitIndexCheck, emitLinks, emitScatterAdd, emitVectorCopy, gatherOperands, linkRoom, scatterAddOperands,
} from "./emit-move.ts";
import { type Along, BLOCK, emitProduct, emitProductSum, type ProductForm, SIDE } from "./emit-product.ts";
import { BITS, DRAWN, emitRandom } from "./emit-random.ts";
import { emitRow } from "./emit-row.ts";
import { GROUP } from "./shader.ts";

/** One dispatch of a launch. */
export interface Dispatch {
  /** Names what computes it, among those of the kernel. */
  readonly way: string;
  readonly emit: () => string;
  readonly threads: number;
  /** In how many parts something is done. */
  readonly parts?: number;
  /** Does it read four elements at once? Then spaces have to begin at multiples of that. */
  readonly readsVectors?: boolean;
}

/** Which forms of kernels are fast: those without barriers on an adapter that computes on the processor. */
export type Forms = "processor" | "gpu";

/** What decides how a launch is carried out, beside its parameters. */
export interface Circumstances {
  readonly forms: Forms;
  /** Do all spaces begin at multiples of four elements? */
  readonly areAligned: boolean;
}

/** How a launch is carried out. */
export interface Course {
  readonly dispatches: readonly Dispatch[];
  /** How many elements it needs for its own use. */
  readonly scratch?: number;
  /** Where threads each own some elements of the first operand, and may add them to the same of the last. */
  readonly sums?: Sums | null;
}

export interface KindOf<K extends Kernel> {
  /** The course of a launch whose parameters begin at `from`. */
  course(kernel: K, words: Int32Array, from: number, where: Circumstances): Course;
  /** Of each operand the elements that a launch may read or write, from one up to another, counted from where the operand begins. */
  extents(kernel: K, words: Int32Array, from: number): Extent[];
}

export interface Sums {
  /** In launches of one form a thread owns the same elements. */
  readonly form: string;
  /** Does it add? */
  readonly adds: boolean;
}

export type Extent = readonly [from: number, to: number];
const first = (count: number): Extent => [0, count];
/** The elements that axes reach, of sizes and strides. */
function along(...axes: readonly (readonly [size: number, stride: number])[]): Extent {
  let [from, to] = [0, 1];
  for (const [size, stride] of axes) {
    if (size === 0) return [0, 0];
    if (stride < 0) from += (size - 1) * stride;
    else to += (size - 1) * stride;
  }
  return [from, to];
}
/** Those of gather, put and scatterAdd. */
function tableExtents(words: Int32Array, from: number): { table: Extent; list: Extent; index: Extent } {
  const { outer, count, inner, size } = readParameters(gatherParameters, words, from);
  return { table: first(outer * size * inner), list: first(outer * count * inner), index: first(count) };
}
const columnSize = (words: Int32Array, from: number): number => words[from + columnsParameters.outer] * words[from + columnsParameters.inner];

/** A copy by so many threads along axes, of a number of neighbours each. */
export const copyDispatch = (kernel: CopyKernel, threads: number, axes: number, neighbours: number): Dispatch =>
  ({ way: `${axes} axes, ${neighbours}`, threads, emit: () => emitCopy(kernel, axes, neighbours) });
/** A copy of neighbours, where both begin at multiples of four elements, and there is room for whole vectors. */
export const vectorCopy = (size: number): Dispatch => ({ way: "vectors", threads: Math.ceil(size / 4), emit: emitVectorCopy, readsVectors: true });

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

const multiples = (...numbers: readonly number[]): boolean => numbers.every((number) => number % 4 === 0);

/** So many workgroups keep a GPU busy. */
const BUSY = 256;
/** The most elements of sums of blocks. */
const MOST_SPLIT = 2 ** 22;

/** The form of a product. */
function formOf(words: Int32Array, from: number, { forms, areAligned }: Circumstances): ProductForm {
  const { m, n, k, rowA, columnA, rowB, columnB, count0, count1, batchA0, batchB0, batchA1, batchB1 } = readParameters(productParameters, words, from);
  const offsets = [7, 5, 3, 1].map((before) => words[from - before]);
  const alongA: Along | null = columnA === 1 && multiples(rowA) ? "k" : rowA === 1 && multiples(columnA, m) ? "across" : null;
  const alongB: Along | null = columnB === 1 && multiples(rowB) ? "across" : rowB === 1 && multiples(columnB) ? "k" : null;
  const areMultiples = areAligned && multiples(n, k, batchA0, batchB0, batchA1, batchB1, ...offsets);
  const vectors = areMultiples && alongA !== null && alongB !== null ? ([alongA, alongB] as const) : null;
  const isShared = forms === "gpu" && m >= 2 * SIDE && n >= 2 * SIDE;
  const teams = (rows: number): number => tilesOf(SIDE * rows, SIDE * 4);
  const rows = isShared && teams(8) >= BUSY ? 8 : m > 1 || vectors?.[0] === "across" ? 4 : 1;
  const columns = n > 1 ? 4 : 1;
  const isIdle = (isShared ? teams(rows) : tilesOf(rows, columns) / GROUP) < BUSY;
  const isSplit = forms === "gpu" && isIdle && k > BLOCK && Math.ceil(k / BLOCK) * m * n * count0 * count1 <= MOST_SPLIT;
  return { rows, columns, vectors, isShared, isSplit };

  function tilesOf(height: number, width: number): number { return Math.ceil(m / height) * Math.ceil(n / width) * count0 * count1; }
}

/** A row as long as this is worth a workgroup; parts of one are longer. */
const LONG_ROW = 2 * GROUP;
const ROW_PART = 64 * GROUP;
const MOST_PARTS = 1024;

/** How rows are reduced: by a thread each, by a workgroup each, or each by several, in dispatches for the passes and the outputs. */
function rowFormOf(rows: number, n: number, { forms }: Circumstances): { form: "thread" | "team" | "parts"; parts: number } {
  if (forms === "processor" || n < LONG_ROW) return { form: "thread", parts: 1 };
  return rows >= BUSY || n < 2 * ROW_PART ? { form: "team", parts: 1 } : { form: "parts", parts: Math.min(MOST_PARTS, Math.ceil(n / ROW_PART)) };
}

/** In how many parts columns are reduced that are few and long. */
function columnParts(words: Int32Array, from: number, { forms }: Circumstances): number {
  const n = words[from + columnsParameters.n];
  return forms === "processor" ? 1 : Math.max(1, Math.min(Math.floor(n / COLUMN_PART), Math.ceil((BUSY * GROUP) / columnSize(words, from))));
}
const COLUMN_PART = 32;

/** The dispatches of a kind that moves entries by numbers, with a check of these where they may be wrong. */
const checked = (isFallible: boolean, check: () => string, ...others: Dispatch[]): Dispatch[] =>
  (isFallible ? [{ way: "check", threads: GROUP, emit: check }, ...others] : others);

const kinds: { readonly [K in Exclude<Kind, "host">]: KindOf<KernelOf<K>> } = {
  map: {
    course(kernel, words, from) {
      const outer = words[from + kernel.rankAt];
      const threads = product(readMapAxes(kernel, words, from).map(({ size }) => size));
      return { dispatches: [{ way: `${outer} outer`, threads, emit: () => emitMap(kernel, outer) }] };
    },
    extents(kernel, words, from) {
      const axes = readMapAxes(kernel, words, from);
      const total = product(axes.map(({ size }) => size));
      const inputs = Array.from({ length: kernel.inputs }, (_, k) => along(...axes.map(({ size, strides }) => [size, strides[k]] as const)));
      return [...kernel.outputs.map(() => first(total)), ...inputs];
    },
  },
  row: {
    course(kernel, words, from, where) {
      const { rows, n } = readParameters(rowParameters, words, from);
      const { form, parts } = rowFormOf(rows, n, where);
      if (form !== "parts") return { dispatches: [{ way: form, threads: form === "team" ? GROUP * rows : rows, emit: () => emitRow(kernel, form) }] };
      const threads = GROUP * rows * parts;
      const isByElement = kernel.outputs.some(({ per }) => per === "element");
      const passes = passesOf(kernel).map((_, pass): Dispatch => ({ way: `pass ${pass}`, threads, parts, emit: () => emitRow(kernel, pass) }));
      const outputs = { way: "outputs", threads: isByElement ? threads : GROUP * rows, parts, emit: () => emitRow(kernel, "outputs") };
      return { dispatches: [...passes, outputs], scratch: 2 * kernel.stages.length * rows * parts };
    },
    extents({ inputs, outputs }, words, from) {
      const { rows, n } = readParameters(rowParameters, words, from);
      const strides = from + rowParameters.strides;
      return [
        ...outputs.map(({ per }) => first(per === "row" ? rows : rows * n)),
        ...inputs.map((per, k) => along([rows, words[strides + k]], [per === "row" ? 1 : n, 1])),
      ];
    },
  },
  columns: {
    course(kernel, words, from, where) {
      const parts = columnParts(words, from, where);
      const columns = columnSize(words, from);
      if (parts === 1) return { dispatches: [{ way: "columns", threads: columns, emit: () => emitColumns(kernel) }] };
      return {
        dispatches: [
          { way: "parts", threads: columns * parts, parts, emit: () => emitColumnParts(kernel) },
          { way: "together", threads: columns, parts, emit: () => emitColumnSum(kernel) },
        ],
        scratch: 2 * parts * columns,
      };
    },
    extents: (_, words, from) => [first(columnSize(words, from)), first(columnSize(words, from) * words[from + columnsParameters.n])],
  },
  scan: {
    course: (kernel, words, from) => ({ dispatches: [{ way: "columns", threads: columnSize(words, from), emit: () => emitScan(kernel) }] }),
    extents: ({ operands }, words, from) => operands.map(() => first(columnSize(words, from) * words[from + columnsParameters.n])),
  },
  product: {
    course(_, words, from, where) {
      const { m, n, k, mode, count0, count1 } = readParameters(productParameters, words, from);
      const form = formOf(words, from, where);
      const { rows, columns, vectors, isShared, isSplit } = form;
      const side = isShared ? SIDE : 1;
      const count = count0 * count1;
      const parts = isSplit ? Math.ceil(k / BLOCK) : 1;
      const threads = Math.ceil(m / (side * rows)) * Math.ceil(n / (side * columns)) * count * side * side * parts;
      const products = { way: [rows, columns, vectors, isShared, isSplit].join(" "), threads, emit: () => emitProduct(form), readsVectors: vectors !== null };
      if (!isSplit) return { dispatches: [products], sums: { form: `${m} ${n} ${count}`, adds: mode === ProductMode.matrix } };
      return { dispatches: [products, { way: "sum", threads: m * n * count, emit: emitProductSum }], scratch: parts * m * n * count };
    },
    extents(_, words, from) {
      const { m, n, k, mode, count0, count1, ...p } = readParameters(productParameters, words, from);
      const c = first(count0 * count1 * m * n);
      return [
        c, along([count0, p.batchA0], [count1, p.batchA1], [m, p.rowA], [k, p.columnA]),
        along([count0, p.batchB0], [count1, p.batchB1], [k, p.rowB], [n, p.columnB]),
        mode === ProductMode.matrix ? c : first(mode === ProductMode.row ? n : 0),
      ];
    },
  },
  copy: {
    course(kernel, words, from, { areAligned }) {
      const [[size, out, into], ...outer] = readCopyAxes(words, from);
      const isRun = !kernel.adds && outer.length === 0 && out === 1 && into === 1;
      if (isRun && areAligned && multiples(size, words[from - 3], words[from - 1])) return { dispatches: [vectorCopy(size)] };
      const neighbours = outer.length > 0 && size >= COPIED ? COPIED : 1;
      const threads = Math.ceil(size / neighbours) * product(outer.map(([size]) => size));
      return { dispatches: [copyDispatch(kernel, threads, 1 + outer.length, neighbours)] };
    },
    extents(_, words, from) {
      const axes = readCopyAxes(words, from);
      return [along(...axes.map(([size, out]) => [size, out] as const)), along(...axes.map(([size, , into]) => [size, into] as const))];
    },
  },
  gather: {
    course(kernel, words, from) {
      const { isFallible, puts } = kernel;
      const { outer, count, inner } = readParameters(gatherParameters, words, from);
      const operands = gatherOperands(kernel);
      const links = { way: "links", threads: count, emit: () => emitLinks(operands, "gather") };
      const gather = { way: "gather", threads: outer * count * inner, emit: () => emitGather(kernel) };
      const dispatches = checked(isFallible, () => emitIndexCheck(operands, "gather"), ...(puts ? [links] : []), gather);
      return { dispatches, scratch: puts ? linkRoom(count) : 0 };
    },
    extents({ puts }, words, from) {
      const { table, list, index } = tableExtents(words, from);
      return puts ? [table, list, index] : [list, table, index];
    },
  },
  scatterAdd: {
    course(_, words, from) {
      const { outer, count, inner, size } = readParameters(scatterAddParameters, words, from);
      const dispatches = checked(
        true, () => emitIndexCheck(scatterAddOperands, "scatterAdd"),
        { way: "clear", threads: outer * size * inner + count, emit: emitClear },
        { way: "links", threads: count, emit: () => emitLinks(scatterAddOperands, "scatterAdd") },
        { way: "add", threads: outer * count * inner, emit: emitScatterAdd },
      );
      return { dispatches, scratch: linkRoom(count) };
    },
    extents(_, words, from) {
      const { table, list, index } = tableExtents(words, from);
      return [table, index, list, first(0)];
    },
  },
  random: {
    course: (_, words, from) => ({ dispatches: [{ way: "random", threads: Math.ceil(words[from + randomParameters.n] / DRAWN), emit: emitRandom }] }),
    extents: (_, words, from) => [first(words[from + randomParameters.n]), first(BITS)],
  },
};

/** What the device computes: all kernels but those of the host. */
export type DeviceKernel = Exclude<Kernel, KernelOf<"host">>;

export const kindOf = (kernel: DeviceKernel): KindOf<Kernel> => kinds[kernel.kind] as unknown as KindOf<Kernel>;
