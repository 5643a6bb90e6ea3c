/** How each kind of kernel is carried out: by which dispatches, one after another, and what computes them. */

import {
  columnsParameters, gatherParameters, type Kernel, type KernelOf, type Kind, ProductMode, productParameters, randomParameters, readCopyAxes, readMapAxes,
  readParameters, rowParameters, scatterAddParameters,
} from "../../kernels/kernel.ts";
import { emitColumns, emitScan } from "./emit-columns.ts";
import { emitMap } from "./emit-map.ts";
import { emitClear, emitCopy, emitGather, emitIndexCheck, emitLinks, emitScatterAdd, gatherOperands, linkRoom, scatterAddOperands } from "./emit-move.ts";
import { emitProduct, type Tile } from "./emit-product.ts";
import { BITS, DRAWN, emitRandom } from "./emit-random.ts";
import { emitRow } from "./emit-row.ts";
import { GROUP } from "./shader.ts";

/** One dispatch of a launch: what computes it, for so many threads. */
export interface Dispatch {
  readonly way: string;
  readonly threads: number;
}

export interface KindOf<K extends Kernel> {
  /** The dispatches of a launch whose parameters begin at `from`. */
  dispatches(kernel: K, words: Int32Array, from: number): Dispatch[];
  /** The module for a way. */
  emit(kernel: K, way: string): string;
  /** Of each operand the elements that a launch may read or write, from one up to another, counted from where the operand begins. */
  extents(kernel: K, words: Int32Array, from: number): Extent[];
  /** How many elements a launch needs for its own use. */
  scratch?(kernel: K, words: Int32Array, from: number): number;
  /** Of launches whose threads each own some elements of the first operand, and may add them to the same of the last. */
  sums?(kernel: K, words: Int32Array, from: number): Sums | null;
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

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** The tiles of products, the largest first. */
const tiles: Readonly<Record<string, Tile>> = { "4x4": [4, 4], "1x4": [1, 4], "4x1": [4, 1], "1x1": [1, 1] };

/** The dispatches of a kind that moves entries by numbers, with a check of these where they may be wrong. */
const checked = (isFallible: boolean, ...others: Dispatch[]): Dispatch[] => (isFallible ? [{ way: "check", threads: GROUP }, ...others] : others);

const kinds: { readonly [K in Exclude<Kind, "host">]: KindOf<KernelOf<K>> } = {
  map: {
    dispatches: (kernel, words, from) => [{ way: "map", threads: product(readMapAxes(kernel, words, from).map(({ size }) => size)) }],
    emit: emitMap,
    extents(kernel, words, from) {
      const axes = readMapAxes(kernel, words, from);
      const total = product(axes.map(({ size }) => size));
      const inputs = Array.from({ length: kernel.inputs }, (_, k) => along(...axes.map(({ size, strides }) => [size, strides[k]] as const)));
      return [...kernel.outputs.map(() => first(total)), ...inputs];
    },
  },
  row: {
    dispatches: (_, words, from) => [{ way: "rows", threads: words[from + rowParameters.rows] }],
    emit: emitRow,
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
    dispatches: (_, words, from) => [{ way: "columns", threads: columnSize(words, from) }],
    emit: emitColumns,
    extents: (_, words, from) => [first(columnSize(words, from)), first(columnSize(words, from) * words[from + columnsParameters.n])],
  },
  scan: {
    dispatches: (_, words, from) => [{ way: "columns", threads: columnSize(words, from) }],
    emit: emitScan,
    extents: ({ operands }, words, from) => operands.map(() => first(columnSize(words, from) * words[from + columnsParameters.n])),
  },
  product: {
    dispatches(_, words, from) {
      const { m, n, count0, count1 } = readParameters(productParameters, words, from);
      const [rows, columns] = [m > 1 ? 4 : 1, n > 1 ? 4 : 1];
      return [{ way: `${rows}x${columns}`, threads: Math.ceil(m / rows) * Math.ceil(n / columns) * count0 * count1 }];
    },
    emit: (_, way) => emitProduct(tiles[way]),
    sums(_, words, from) {
      const { m, n, count0, count1, mode } = readParameters(productParameters, words, from);
      return { form: `${m} ${n} ${count0 * count1}`, adds: mode === ProductMode.matrix };
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
    dispatches: (_, words, from) => [{ way: "copy", threads: product(readCopyAxes(words, from).map(([size]) => size)) }],
    emit: emitCopy,
    extents(_, words, from) {
      const axes = readCopyAxes(words, from);
      return [along(...axes.map(([size, out]) => [size, out] as const)), along(...axes.map(([size, , into]) => [size, into] as const))];
    },
  },
  gather: {
    dispatches({ isFallible, puts }, words, from) {
      const { outer, count, inner } = readParameters(gatherParameters, words, from);
      const links = { way: "links", threads: count };
      return checked(isFallible, ...(puts ? [links] : []), { way: "gather", threads: outer * count * inner });
    },
    emit(kernel, way) {
      if (way === "check") return emitIndexCheck(gatherOperands(kernel), "gather");
      return way === "links" ? emitLinks(gatherOperands(kernel), "gather") : emitGather(kernel);
    },
    extents({ puts }, words, from) {
      const { table, list, index } = tableExtents(words, from);
      return puts ? [table, list, index] : [list, table, index];
    },
    scratch: ({ puts }, words, from) => (puts ? linkRoom(words[from + gatherParameters.count]) : 0),
  },
  scatterAdd: {
    dispatches(_, words, from) {
      const { outer, count, inner, size } = readParameters(scatterAddParameters, words, from);
      return checked(
        true, { way: "clear", threads: outer * size * inner + count }, { way: "links", threads: count }, { way: "add", threads: outer * count * inner },
      );
    },
    emit(_, way) {
      if (way === "check") return emitIndexCheck(scatterAddOperands, "scatterAdd");
      return way === "clear" ? emitClear() : way === "links" ? emitLinks(scatterAddOperands, "scatterAdd") : emitScatterAdd();
    },
    extents(_, words, from) {
      const { table, list, index } = tableExtents(words, from);
      return [table, index, list, first(0)];
    },
    scratch: (_, words, from) => linkRoom(words[from + scatterAddParameters.count]),
  },
  random: {
    dispatches: (_, words, from) => [{ way: "random", threads: Math.ceil(words[from + randomParameters.n] / DRAWN) }],
    emit: emitRandom,
    extents: (_, words, from) => [first(words[from + randomParameters.n]), first(BITS)],
  },
};

/** What the device computes: all kernels but those of the host. */
export type DeviceKernel = Exclude<Kernel, KernelOf<"host">>;

export const kindOf = (kernel: DeviceKernel): KindOf<Kernel> => kinds[kernel.kind] as unknown as KindOf<Kernel>;
