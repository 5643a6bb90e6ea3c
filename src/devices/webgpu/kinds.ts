/** How each kind of kernel is carried out: by which dispatches, one after another, and what computes them. */

import {
  columnsParameters, gatherParameters, type Kernel, type KernelOf, type Kind, productParameters, randomParameters, readCopyAxes, readMapAxes, readParameters,
  rowParameters, scatterAddParameters,
} from "../../kernels/kernel.ts";
import { emitColumns, emitScan } from "./emit-columns.ts";
import { emitMap } from "./emit-map.ts";
import { emitClear, emitCopy, emitGather, emitIndexCheck, emitLinks, emitScatterAdd, gatherOperands, linkRoom, scatterAddOperands } from "./emit-move.ts";
import { emitProduct, type Tile } from "./emit-product.ts";
import { DRAWN, emitRandom } from "./emit-random.ts";
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
  /** How many elements a launch needs for its own use. */
  scratch?(kernel: K, words: Int32Array, from: number): number;
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** The tiles of products, the largest first. */
const tiles: Readonly<Record<string, Tile>> = { "4x4": [4, 4], "1x4": [1, 4], "4x1": [4, 1], "1x1": [1, 1] };

/** The dispatches of a kind that moves entries by numbers, with a check of these where they may be wrong. */
const checked = (isFallible: boolean, ...others: Dispatch[]): Dispatch[] => (isFallible ? [{ way: "check", threads: GROUP }, ...others] : others);

const kinds: { readonly [K in Exclude<Kind, "host">]: KindOf<KernelOf<K>> } = {
  map: {
    dispatches: (kernel, words, from) => [{ way: "map", threads: product(readMapAxes(kernel, words, from).map(({ size }) => size)) }],
    emit: emitMap,
  },
  row: {
    dispatches: (_, words, from) => [{ way: "rows", threads: words[from + rowParameters.rows] }],
    emit: emitRow,
  },
  columns: {
    dispatches: (_, words, from) => [{ way: "columns", threads: words[from + columnsParameters.outer] * words[from + columnsParameters.inner] }],
    emit: emitColumns,
  },
  scan: {
    dispatches: (_, words, from) => [{ way: "columns", threads: words[from + columnsParameters.outer] * words[from + columnsParameters.inner] }],
    emit: emitScan,
  },
  product: {
    dispatches(_, words, from) {
      const { m, n, count0, count1 } = readParameters(productParameters, words, from);
      const [rows, columns] = [m > 1 ? 4 : 1, n > 1 ? 4 : 1];
      return [{ way: `${rows}x${columns}`, threads: Math.ceil(m / rows) * Math.ceil(n / columns) * count0 * count1 }];
    },
    emit: (_, way) => emitProduct(tiles[way]),
  },
  copy: {
    dispatches: (_, words, from) => [{ way: "copy", threads: product(readCopyAxes(words, from).map(([size]) => size)) }],
    emit: emitCopy,
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
    scratch: (_, words, from) => linkRoom(words[from + scatterAddParameters.count]),
  },
  random: {
    dispatches: (_, words, from) => [{ way: "random", threads: Math.ceil(words[from + randomParameters.n] / DRAWN) }],
    emit: emitRandom,
  },
};

/** What the device computes: all kernels but those of the host. */
export type DeviceKernel = Exclude<Kernel, KernelOf<"host">>;

export const kindOf = (kernel: DeviceKernel): KindOf<Kernel> => kinds[kernel.kind] as unknown as KindOf<Kernel>;
