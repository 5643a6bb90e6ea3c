/** The matrix product as a node of a trace: its attributes, and how it becomes a launch. */

import { ProductMode, product, productParameters, writeParameters } from "../kernels/kernel.ts";
import type { Shape } from "../support/shape.ts";
import type { Lowerable, Lowering } from "./lowering.ts";
import { nextOperationId, type Recordable, type Trace } from "./trace.ts";

/** One level of a batch: how many, and how far apart the matrices of each operand are (0: the same for all). */
export interface Level {
  readonly count: number;
  readonly a: number;
  readonly b: number;
}

/** A product of M×K by K×N matrices; `transposeA`: A is stored as K×M, `transposeB`: B is stored as N×K. */
export interface Form {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly outer: Level;
  readonly inner: Level;
}

export const once: Level = { count: 1, a: 0, b: 0 };

/** Where the numbers of a form are among the attributes; the shape of the result follows them. */
export const FormAt = { transposeA: 0, transposeB: 1, m: 2, n: 3, k: 4, outer: 5, inner: 8, shape: 11 } as const;

/** The attributes of a form, in an array that the next call uses again. */
export function encodeForm(f: Form, shape: Shape): readonly number[] {
  encoded[shape.length] ??= new Array<number>(FormAt.shape + shape.length).fill(0);
  const x = encoded[shape.length];
  x[0] = f.transposeA ? 1 : 0;
  x[1] = f.transposeB ? 1 : 0;
  x[2] = f.m;
  x[3] = f.n;
  x[4] = f.k;
  x[5] = f.outer.count;
  x[6] = f.outer.a;
  x[7] = f.outer.b;
  x[8] = f.inner.count;
  x[9] = f.inner.a;
  x[10] = f.inner.b;
  for (let axis = 0; axis < shape.length; axis++) x[FormAt.shape + axis] = shape[axis];
  return x;
}
const encoded: number[][] = [];

/** Records one product of rows with the columns of a matrix that is stored N×K: node `bias` is added, if it is not −1. */
export function recordLinear(trace: Trace, operation: Recordable, shape: Shape, x: number, w: number, bias: number, m: number, n: number, k: number): number {
  const node = trace.open(operation, shape, bias < 0 ? 2 : 3, FormAt.shape + shape.length);
  const { words } = trace;
  let at = trace.start[node] + 2;
  words[at++] = x;
  words[at++] = w;
  if (bias >= 0) words[at++] = bias;
  words[at] = 0;
  words[at + 1] = 1;
  words[at + 2] = m;
  words[at + 3] = n;
  words[at + 4] = k;
  words[at + 5] = words[at + 8] = 1;
  words[at + 6] = words[at + 7] = words[at + 9] = words[at + 10] = 0;
  at += FormAt.shape;
  for (let axis = 0; axis < shape.length; axis++) words[at++] = shape[axis];
  return node;
}

export function decodeForm(x: ArrayLike<number>): Form {
  return {
    transposeA: x[0] === 1, transposeB: x[1] === 1, m: x[2], n: x[3], k: x[4],
    outer: { count: x[5], a: x[6], b: x[7] }, inner: { count: x[8], a: x[9], b: x[10] },
  };
}

/** Is a product one of two matrices, not of batches, with A stored so? */
export const isPlain = (trace: Trace, node: number, transposeA: 0 | 1): boolean =>
  trace.attribute(node, FormAt.transposeA) === transposeA && trace.attribute(node, FormAt.outer) === 1 && trace.attribute(node, FormAt.inner) === 1;

/** What a third input of a product is. */
export type Addend = "matrix" | "bias";

/** Launches the product of inputs 0 and 1 of a node, to which input 2 is added if there is one. */
export function lowerProduct(lowering: Lowering, node: number, addend: Addend): void {
  const { trace } = lowering;
  const value = lowering.define(node);
  if (lowering.size(node) === 0) return;
  const adds = trace.inputCount(node) === 3;
  lowering.launch(product, node);
  lowering.output(value);
  lowering.input(trace.input(node, 0));
  lowering.input(trace.input(node, 1));
  if (adds) lowering.input(trace.input(node, 2));
  else lowering.operand(value);
  const { transposeA, transposeB, m, n, k, outer, inner } = decodeForm(trace.attributes(node));
  writeParameters(productParameters, lowering.code, {
    m, n, k,
    rowA: transposeA ? 1 : k, columnA: transposeA ? m : 1, rowB: transposeB ? 1 : n, columnB: transposeB ? k : 1,
    mode: !adds ? ProductMode.plain : addend === "matrix" ? ProductMode.matrix : ProductMode.row,
    count0: outer.count, batchA0: outer.a, batchB0: outer.b, count1: inner.count, batchA1: inner.a, batchB1: inner.b,
  });
}

/** A product added to a matrix, input 2. Only plans contain it. */
export const productPlus: Lowerable = {
  name: "matmul",
  id: /*#__PURE__*/ nextOperationId(),
  lower: (lowering, node) => { lowerProduct(lowering, node, "matrix"); },
};
