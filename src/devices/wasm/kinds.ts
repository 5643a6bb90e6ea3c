/** How each kind of kernel becomes a function of WebAssembly, and its launches what that function reads. */

import { columnsParameters, type Kernel, type KernelOf, type Kind, mapSizeAt, productParameters } from "../../kernels/kernel.ts";
import type { Body, ModuleBuilder } from "./assembler.ts";
import { type Cut, cutColumns, cutCopy, cutMap, cutProduct, cutRandom, cutRow, cutScan, neverCut } from "./cut.ts";
import { writeMap } from "./emit-map.ts";
import { writeColumns, writeCopy, writeGather, writeScatterAdd } from "./emit-move.ts";
import { writeRandom } from "./emit-random.ts";
import { writeRow } from "./emit-row.ts";
import { writeScan } from "./emit-scan.ts";
import { emitProduct } from "./product.ts";
import { type importMath, VectorMath } from "./vector-math.ts";

/** What kernels are made with. */
export interface Surroundings {
  /** Use the fused multiply-add? */
  readonly fused: boolean;
  /** Where in the scratch memory a product's own begins. */
  readonly scratch: number;
  /** Functions that the module imports. */
  readonly math: ReturnType<typeof importMath>;
  readonly fault: number;
  readonly host: number;
}

interface WasmKind<K extends Kernel> {
  /** Adds the function of a kernel, of the address of a launch, to a module. */
  emit(module: ModuleBuilder, name: string, kernel: K, surroundings: Surroundings): void;
  /** How a launch, whose parameters are in `words` from `at` on, is cut into parts that threads may share; null where it stays whole. */
  cut(kernel: K, words: Int32Array, at: number): Cut | null;
  /** The parameter that may be rounded up to whole vectors, as outputs have room for them; −1 where there is none. */
  readonly roundsUp?: (kernel: K, words: Int32Array, at: number) => number;
  /** One more word behind the parameters (which are of the whole launch) of the part that begins with element `first`. */
  readonly more?: (words: Int32Array, at: number, first: number) => number;
}

/** A kernel whose function calls no other. */
const alone = <K extends Kernel>(write: (f: Body, kernel: K, surroundings: Surroundings) => void): WasmKind<K>["emit"] =>
  (module, name, kernel, surroundings) => { module.function(name, 1, (f) => write(f, kernel, surroundings)); };

const table: { readonly [K in Kind]: WasmKind<KernelOf<K>> } = {
  map: {
    emit: alone((f, kernel, { fused, math }) => writeMap(f, new VectorMath(f, fused, math), kernel)),
    cut: cutMap,
    roundsUp: (kernel, words, at) => (words[at + kernel.rankAt] === 0 ? mapSizeAt : -1),
  },
  row: { emit: alone((f, kernel, { fused, math }) => writeRow(f, new VectorMath(f, fused, math), kernel)), cut: cutRow },
  columns: { emit: alone(writeColumns), cut: cutColumns, more: (words, at) => words[at + columnsParameters.inner] },
  product: {
    emit: (module, name, _, surroundings) => { emitProduct(module, name, surroundings); },
    cut: cutProduct,
    more: (words, at) => words[at + productParameters.n],
  },
  copy: { emit: alone(writeCopy), cut: cutCopy },
  gather: { emit: alone((f, kernel, { fault }) => writeGather(f, kernel, fault)), cut: neverCut },
  scatterAdd: { emit: alone((f, _, { fault }) => writeScatterAdd(f, fault)), cut: neverCut },
  scan: { emit: alone(writeScan), cut: cutScan, more: (words, at) => words[at + columnsParameters.inner] },
  random: { emit: alone((f) => writeRandom(f)), cut: cutRandom, more: (_, __, first) => first / 4 },
  host: { emit: alone((f, { operands }, { host }) => { f.get(0).i32(operands.length).call(host); }), cut: neverCut },
};

/** What this device knows of the kind of a kernel. */
export const kindOf = (kernel: Kernel): WasmKind<Kernel> => table[kernel.kind] as WasmKind<Kernel>;

/** The cut of a launch, whose parameters are in `words` from `at` on; null where it stays whole. */
export const cutOf = (kernel: Kernel, words: Int32Array, at: number): Cut | null => kindOf(kernel).cut(kernel, words, at);
