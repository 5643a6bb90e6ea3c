/**
 * What can be launched: the meaning of each kernel and the layout of its parameters, stated once.
 * Each device carries a kernel out; shapes arrive as run-time parameters, so a kernel never depends on them.
 *
 * A launch names its operands (outputs first, then inputs) and a list of integer parameters.
 * All sizes, strides and offsets count elements. Outputs are contiguous, row-major.
 */

import { argument, type Expr, parts } from "./expression.ts";

/**
 * Elementwise: each output element is an expression of the input elements under it.
 * Operands: outputs…, inputs….
 * Parameters: n, step of each input (0 or 1), outer rank r, then r times, innermost first: size, stride of each input.
 */
export interface MapKernel {
  readonly kind: "map";
  /** Unique; what programs call it. */
  readonly id: number;
  readonly key: string;
  readonly inputs: number;
  readonly outputs: readonly Expr[];
}

export interface RowStage {
  readonly reduce: "sum" | "maximum" | "minimum";
  readonly value: Expr;
}

/** Whether an operand of a row kernel has one number for each element of a row, or one for the whole row. */
export type Per = "element" | "row";

/**
 * Row-wise: stages that each reduce an expression over the row to one number, then the outputs.
 * In an expression, argument k is input k at the element (or of the row), argument `inputs + s` is the result of stage s,
 * and `index()` the position in the row.
 * Operands: outputs…, inputs…. Parameters: rows, n, then for each input the stride between rows, 0 where all share one.
 */
export interface RowKernel {
  readonly kind: "row";
  /** Unique; what programs call it. */
  readonly id: number;
  readonly key: string;
  readonly inputs: readonly Per[];
  readonly stages: readonly RowStage[];
  readonly outputs: readonly { readonly per: Per; readonly value: Expr }[];
}

/**
 * Reduction over the middle axis of [outer, n, inner]; the accumulator starts at 0, −∞ or +∞.
 * Operands: output, input. Parameters: outer, n, inner.
 */
export interface ColumnsKernel {
  readonly kind: "columns";
  /** Unique; what programs call it. */
  readonly id: number;
  readonly key: string;
  readonly reduce: RowStage["reduce"];
}

/**
 * Matrix product C = A·B (+ a matrix or a row), for a batch of two levels.
 * Operands: C, A, B, addend (C again where there is none).
 * Parameters: M, N, K, row and column stride of A, of B, mode (0 nothing is added; 1 a matrix as large as C, which may be C
 * itself; 2 a row), then twice, outer level first: count, stride of A, stride of B.
 */
export interface ProductKernel {
  readonly kind: "product";
  /** Unique; what programs call it. */
  readonly id: number;
  readonly key: "product";
}

/**
 * Strided copy of a box, or its addition to what is there; then no element of the output is met twice.
 * Operands: output, input (offsets are part of the operands; strides may be 0 or negative).
 * Parameters: rank, then for each axis, innermost first: size, stride of output, stride of input.
 */
export interface CopyKernel {
  readonly kind: "copy";
  /** Unique; what programs call it. */
  readonly id: number;
  readonly key: string;
  readonly adds: boolean;
}

/** out[o, j, i] = table[o, index[j], i]. Operands: out, table, index. Parameters: outer, count, inner, axis size. */
export interface GatherKernel {
  readonly kind: "gather";
  /** Unique; what programs call it. */
  readonly id: number;
  readonly key: "gather";
}

/**
 * out = 0, then out[o, index[j], i] += updates[o, j, i].
 * Operands: out, index, updates, room: `scatterRoom` zeros for the kernel's own use, or out again where it needs none.
 * Parameters: outer, count, inner, axis size.
 */
export interface ScatterAddKernel {
  readonly kind: "scatterAdd";
  /** Unique; what programs call it. */
  readonly id: number;
  readonly key: "scatterAdd";
}

/** So many updates of one row make a block: blocks are added up for themselves, so that rounding does not grow with the number of equal indices. */
export const scatterBlock = 256;

/** The room that scatterAdd needs: a byte for each row, to count its updates, and the sums of blocks with their indices, and of blocks of these. */
export function scatterRoom(count: number, inner: number, size: number): number {
  const blocks = Math.floor(count / scatterBlock);
  return count <= scatterBlock ? 0 : Math.ceil(size / 4) + (blocks + Math.floor(blocks / scatterBlock)) * (1 + inner);
}

/**
 * Uniform numbers in [0, 1): element i is the upper 24 bits of word i mod 4 of Philox block counter + ⌊i/4⌋, over 2²⁴.
 * Operands: out, bits: eight 16-bit halves, low first, of key word 0, key word 1, counter word 0, counter word 1.
 * Parameters: n.
 */
export interface RandomKernel {
  readonly kind: "random";
  /** Unique; what programs call it. */
  readonly id: number;
  readonly key: "random";
}

/** An array as a function of the host sees it: contiguous, row-major. */
export interface HostArray {
  readonly data: FloatArray;
  readonly shape: readonly number[];
}

/** Writes every element of the output. */
export type HostFunction = (output: HostArray, ...inputs: HostArray[]) => void;

/**
 * A function of the host over whole arrays. Operands: output, inputs….
 * Parameters: how many follow; the function's place in the program's list; then for each operand its rank and its sizes.
 */
export interface HostKernel {
  readonly kind: "host";
  /** Unique; what programs call it. */
  readonly id: number;
  readonly key: string;
  readonly inputs: number;
}

/** Any array of numbers that a device works with. */
export type FloatArray = Float32Array | Float64Array;

export type Kernel =
  | MapKernel | RowKernel | ColumnsKernel | ProductKernel | CopyKernel
  | GatherKernel | ScatterAddKernel | RandomKernel | HostKernel;

function countOperands(kernel: Kernel): number {
  switch (kernel.kind) {
    case "map": return kernel.outputs.length + kernel.inputs;
    case "row": return kernel.outputs.length + kernel.inputs.length;
    case "columns": case "copy": case "random": return 2;
    case "gather": return 3;
    case "product": case "scatterAdd": return 4;
    case "host": return 1 + kernel.inputs;
  }
}

/**
 * The kernels that programs use, by id. Users make operations, and structures differ, without end; so from time to time all ids are forgotten, with
 * all plans that hold them and all that devices have compiled for them. Kernels that are used again get another id.
 */
const kernels: Kernel[] = [];
/** By id, as kernels are objects of many forms, and looking at them is slow. */
const operandCounts: number[] = [];
const outputCounts: number[] = [];
let generation = 0;

/** So many kernels may be made before they are forgotten: some 50 kB of the engine each. */
export const MAX_KERNELS = 2048;

/** What kernels share: an id from their first use in a program on. */
class Registered {
  private place = -1;
  get id(): number {
    const kernel = this as unknown as Kernel;
    if (kernels[this.place] !== kernel) {
      this.place = kernels.length;
      kernels.push(kernel);
      operandCounts.push(countOperands(kernel));
      outputCounts.push(kernel.kind === "map" || kernel.kind === "row" ? kernel.outputs.length : 1);
    }
    return this.place;
  }
}

/** The kernel with this id, as it stands in programs. */
export const kernelById = (id: number): Kernel => kernels[id];
/** How many operands a launch of the kernel with this id has. */
export const operandCount = (id: number): number => operandCounts[id];
/** How many of the operands are outputs. */
export const outputCount = (id: number): number => outputCounts[id];
/** How many kernels have an id. */
export const kernelCount = (): number => kernels.length;
/** Changes when ids are forgotten. */
export const kernelGeneration = (): number => generation;

/** Forgets all ids where there are too many. Only while no program is being made. */
export function limitKernels(): void {
  if (kernels.length < MAX_KERNELS) return;
  kernels.length = operandCounts.length = outputCounts.length = 0;
  known.clear();
  generation++;
}

const known = new Map<string, Kernel>();

/** One object for equal kernels, as long as it is remembered. */
function intern<K extends Kernel>(kernel: Omit<K, "id">): K {
  const earlier = known.get(kernel.key as string);
  if (earlier !== undefined) return earlier as K;
  if (known.size >= 2 * MAX_KERNELS) known.clear(); // made, but never used
  const fresh = Object.assign(new Registered(), kernel) as unknown as K;
  known.set(fresh.key, fresh);
  return fresh;
}

export const product: ProductKernel = intern({ kind: "product", key: "product" });
export const copy: CopyKernel = intern({ kind: "copy", key: "copy", adds: false });
export const copyAdd: CopyKernel = intern({ kind: "copy", key: "copy add", adds: true });
export const gather: GatherKernel = intern({ kind: "gather", key: "gather" });
export const scatterAdd: ScatterAddKernel = intern({ kind: "scatterAdd", key: "scatterAdd" });
export const random: RandomKernel = intern({ kind: "random", key: "random" });

/** The map kernel of some expressions over `inputs` arguments. */
export function map(inputs: number, ...outputs: readonly Expr[]): MapKernel {
  return intern<MapKernel>({ kind: "map", key: `map ${inputs} ${outputs.map((e) => e.id).join(" ")}`, inputs, outputs });
}

type Reduce = RowStage["reduce"];
const columnReductions: Partial<Record<Reduce, ColumnsKernel>> = {};
const rowReductions: Partial<Record<Reduce, RowKernel>> = {};

export function columns(reduce: Reduce): ColumnsKernel {
  columnReductions[reduce] ??= intern<ColumnsKernel>({ kind: "columns", key: `columns ${reduce}`, reduce });
  return columnReductions[reduce];
}

export function row(inputs: readonly Per[], stages: readonly RowStage[], outputs: RowKernel["outputs"]): RowKernel {
  const text = [...stages.map((s) => `${s.reduce} ${s.value.id}`), ...outputs.map((o) => `${o.per} ${o.value.id}`)];
  return intern<RowKernel>({ kind: "row", key: `row ${inputs.join()} ${text.join(" ")}`, inputs, stages, outputs });
}

/** Does an expression of a row kernel differ from element to element of a row? */
export function varies(kernel: RowKernel, root: Expr): boolean {
  return parts(root).some(({ kind, value }) => kind === "index" || (kind === "argument" && kernel.inputs[value] === "element"));
}

/** The row kernel of a plain reduction. */
export function rowReduction(reduce: Reduce): RowKernel {
  rowReductions[reduce] ??= row(["element"], [{ reduce, value: argument(0) }], [{ per: "row", value: argument(1) }]);
  return rowReductions[reduce];
}

/** The kernel of all functions of so many inputs. */
export const host = (inputs: number): HostKernel => intern<HostKernel>({ kind: "host", key: `host ${inputs}`, inputs });
