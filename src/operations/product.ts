/** Matrix products and what is made of them. */

import { defineOperation } from "../engine/operation.ts";
import { ShapeError } from "../support/errors.ts";
import { argument, type Expr } from "../kernels/expression.ts";
import { type RowKernel, row } from "../kernels/kernel.ts";
import { Role } from "../plan/role.ts";
import { decodeForm, encodeForm, type Form, type Level, lowerProduct, once, recordLinear } from "../plan/product.ts";
import { openStep, record } from "../engine/recording.ts";
import { broadcastOrThrow, broadcastStrides, formatShape, normalizeAxes, type Shape, sameShape, sizeOf } from "../support/shape.ts";
import { checkArguments } from "../support/options.ts";
import { Variable } from "../engine/variable.ts";
import { add, div, equal, mul, where } from "./arithmetic.ts";
import { type Axes, broadcastTo, reducedShape, sum, view } from "./broadcasting.ts";
import { checkCall, checkReduction, checkVariable } from "./check.ts";
import { moveLast } from "./layout.ts";

/** Inputs: A, B and for `affine` the bias. */
const productOperation = defineOperation({
  name: "matmul",
  role: Role.product,
  lower: (lowering, node) => { lowerProduct(lowering, node, "bias"); },
  reverse: (input) => (gradient, node) => {
    if (input === 2) return gradient.shape.length === 1 ? gradient : sum(view(gradient, [sizeOf(node.shape.slice(0, -1)), ...node.inputShape(2)]), 0);
    const { transposeA, transposeB, m, n, k, outer, inner } = decodeForm(node.attributes());
    const [a, b] = [node.input(0), node.input(1)];
    const step = m * n; // between the matrices of the gradient, which has all of the batch
    const level = (count: number, gradientStride: number, first: number, gradientFirst: boolean): Level =>
      gradientFirst ? { count, a: gradientStride, b: first } : { count, a: first, b: gradientStride };
    const build = (x: Variable, y: Variable, gradientFirst: boolean, form: Omit<Form, "outer" | "inner">, other: "a" | "b"): Variable => {
      if (outer.count === 1 && inner.count === 1) return multiply(x, y, { ...form, outer: once, inner: once }, node.inputShape(input));
      // An operand that served several matrices gets the sum of their gradients.
      const own = other === "b" ? "a" : "b";
      const shared = [outer, inner].flatMap((l, axis) => (l[own] === 0 && l.count !== 1 ? [axis] : []));
      const full = multiply(x, y, {
        ...form,
        outer: level(outer.count, inner.count * step, outer[other], gradientFirst),
        inner: level(inner.count, step, inner[other], gradientFirst),
      }, shared.length === 0 ? node.inputShape(input) : [outer.count, inner.count, form.m, form.n]);
      return shared.length === 0 ? full : view(sum(full, shared, true), node.inputShape(input));
    };
    if (input === 0) {
      return transposeA
        ? build(b, gradient, false, { transposeA: transposeB, transposeB: true, m: k, n: m, k: n }, "b")
        : build(gradient, b, true, { transposeA: false, transposeB: !transposeB, m, n: k, k: n }, "b");
    }
    return transposeB
      ? build(gradient, a, true, { transposeA: true, transposeB: transposeA, m: n, n: k, k: m }, "a")
      : build(a, gradient, false, { transposeA: !transposeA, transposeB: false, m: k, n, k: m }, "a");
  },
});

function multiply(a: Variable, b: Variable, form: Form, shape: Shape, bias?: Variable): Variable {
  return record(productOperation, shape, bias === undefined ? [a, b] : [a, b, bias], encodeForm(form, shape));
}

/**
 * The matrix product over the last two axes, batched and broadcast over the others. A vector on the left is a row, on
 * the right a column, and that axis is absent from the result (as in NumPy).
 * @param a [..., m, k] or [k]
 * @param b [..., k, n] or [k]
 * @returns [..., m, n]
 * @throws ShapeError
 */
export function matmul(a: Variable, b: Variable): Variable {
  checkCall("matmul", arguments, 2, 2);
  if (a.shape.length === 0 || b.shape.length === 0) {
    throw new ShapeError(`matmul got shapes ${formatShape(a.shape)} and ${formatShape(b.shape)}: both need at least one axis. Use mul to multiply by a number.`);
  }
  const x = a.shape.length === 1 ? view(a, [1, a.shape[0]]) : a;
  const y = b.shape.length === 1 ? view(b, [b.shape[0], 1]) : b;
  const [m, k] = x.shape.slice(-2);
  const [k2, n] = y.shape.slice(-2);
  if (k !== k2) {
    throw new ShapeError(
      `matmul got shapes ${formatShape(a.shape)} and ${formatShape(b.shape)}: the last axis of the first (${k}) must equal ` +
        `${b.shape.length === 1 ? "the only" : "the last but one"} axis of the second (${k2}). Transpose one of them, or use linear(w, x) for x·wᵀ.`,
    );
  }
  const batchA = x.shape.slice(0, -2);
  const batchB = y.shape.slice(0, -2);
  const batch = broadcastOrThrow("matmul (over the batch axes)", batchA, batchB);
  const shape = [...batch, ...(a.shape.length === 1 ? [] : [m]), ...(b.shape.length === 1 ? [] : [n])];
  // One matrix for all: the batch is just more rows.
  if (sizeOf(batchB) === 1 && sameShape(batch, batchA)) {
    return multiply(x, y, { transposeA: false, transposeB: false, m: m * sizeOf(batch), n, k, outer: once, inner: once }, shape);
  }
  const levels = batchLevels(batch, broadcastStrides(batchA, batch).map((s) => s * m * k), broadcastStrides(batchB, batch).map((s) => s * k * n));
  if (levels === null) return view(matmul(broadcastTo(x, [...batch, m, k]), broadcastTo(y, [...batch, k, n])), shape);
  return multiply(x, y, { transposeA: false, transposeB: false, m, n, k, ...levels }, shape);
}

/** Batch axes as two levels, or null if it takes more. */
function batchLevels(batch: Shape, a: readonly number[], b: readonly number[]): { outer: Level; inner: Level } | null {
  const levels: Level[] = []; // innermost first
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    if (batch[axis] === 1) continue;
    const last = levels[levels.length - 1];
    if (last !== undefined && a[axis] === last.a * last.count && b[axis] === last.b * last.count) {
      levels[levels.length - 1] = { ...last, count: last.count * batch[axis] };
    } else levels.push({ count: batch[axis], a: a[axis], b: b[axis] });
  }
  return levels.length > 2 ? null : { inner: levels[0] ?? once, outer: levels[1] ?? once };
}

/** One shape [n] for all vectors of a size: shapes that are the same object need no comparing. One that a user has written into is given up. */
const vectorShapes: Shape[] = [];

function newVectorShape(n: number): Shape {
  const shape = [n];
  if (n < 4096) vectorShapes[n] = shape;
  return shape;
}

/** The shape of x·wᵀ. */
function linearShape(operation: string, w: Variable, x: Variable): Shape {
  if (w.shape.length !== 2) {
    throw new ShapeError(`${operation} takes weights of shape [outputs, inputs], but got ${formatShape(w.shape)}.`);
  }
  const [n, k] = w.shape;
  if (x.shape.length === 0 || x.shape[x.shape.length - 1] !== k) {
    throw new ShapeError(
      `${operation} got weights ${formatShape(w.shape)} ([outputs, inputs]) and x ${formatShape(x.shape)}: the last axis of x must have size ${k}. ` +
        "x holds samples in rows, [samples, inputs], or one sample [inputs].",
    );
  }
  if (x.shape.length > 1) return [...x.shape.slice(0, -1), n];
  const known = vectorShapes[n];
  return known !== undefined && known[0] === n && known.length === 1 ? known : newVectorShape(n);
}

/** Records x·wᵀ, or x·wᵀ + b: much of what a step records, so by a way of its own. */
function recordLinearMap(shape: Shape, w: Variable, x: Variable, b: Variable | null): Variable {
  const [n, k] = w.shape;
  const m = shape.length === 1 ? 1 : sizeOf(shape.slice(0, -1));
  const step = openStep();
  if (step === null) return multiply(x, w, { transposeA: false, transposeB: true, m, n, k, outer: once, inner: once }, shape, b ?? undefined);
  const rows = step.node(x);
  const weights = step.node(w);
  const node = recordLinear(step.trace, productOperation, shape, rows, weights, b === null ? -1 : step.node(b), m, n, k);
  step.called(node);
  return new Variable(shape, productOperation, step, node, null);
}

/**
 * x·wᵀ: a linear map of every sample.
 * @param w [outputs, inputs]
 * @param x [..., inputs]
 * @returns [..., outputs]
 * @throws ShapeError
 */
export function linear(w: Variable, x: Variable): Variable;
export function linear(w: Variable, x: Variable, more?: unknown, list?: unknown): Variable {
  if (more !== undefined) checkArguments("linear", [w, x, more, list], 2);
  checkVariable("linear", w);
  checkVariable("linear", x);
  const shape = linearShape("linear", w, x);
  return recordLinearMap(shape, w, x, null);
}

/**
 * x·wᵀ + b: an affine map of every sample.
 * @param w [outputs, inputs]
 * @param x [..., inputs]
 * @param b [outputs]
 * @returns [..., outputs]
 * @throws ShapeError
 */
export function affine(w: Variable, x: Variable, b: Variable): Variable;
export function affine(w: Variable, x: Variable, b: Variable, more?: unknown, list?: unknown): Variable {
  if (more !== undefined) checkArguments("affine", [w, x, b, more, list], 3);
  checkVariable("affine", w);
  checkVariable("affine", x);
  checkVariable("affine", b);
  const shape = linearShape("affine", w, x);
  if (b.shape.length !== 1 || b.shape[0] !== w.shape[0]) {
    throw new ShapeError(`affine got weights ${formatShape(w.shape)} and bias ${formatShape(b.shape)}: the bias must have shape [${w.shape[0]}], one number an output.`);
  }
  return recordLinearMap(shape, w, x, b);
}

const dotKernel = row(["element", "element"], [{ reduce: "sum", value: argument(0).mul(argument(1)) }], [{ per: "row", value: argument(2) }]);

const dotOperation = defineOperation({
  name: "dot",
  role: Role.row,
  lower: (lowering, node) => {
    const shape = lowering.shape(lowering.trace.input(node, 0));
    lowering.row(node, dotKernel, lowering.size(node), shape[shape.length - 1]);
  },
  reverse: (k) => (gradient, node) => mul(node.input(1 - k), view(gradient, [...gradient.shape, 1])),
});

/**
 * The inner product of each sample: the sum of a·b over the last axis.
 * @param a [..., n]
 * @param b [..., n]
 * @returns [...]
 * @throws ShapeError if the shapes differ
 */
export function dot(a: Variable, b: Variable): Variable {
  checkCall("dot", arguments, 2, 2);
  if (a.shape.length === 0 || !sameShape(a.shape, b.shape)) {
    throw new ShapeError(`dot got shapes ${formatShape(a.shape)} and ${formatShape(b.shape)}: both must have the same shape with at least one axis.`);
  }
  return record(dotOperation, a.shape.slice(0, -1), [a, b]);
}

/**
 * A power of two by which numbers are multiplied before they are squared, given the sum of their magnitudes, so that in float32 no sum of squares
 * overflows and none that counts underflows: the norm is at most that sum, and at least that over √n. For usual numbers it is 1, and no bit changes.
 */
export const squaringScale = (sum: Expr): Expr => sum.greater(2 ** 48).where(2 ** -84, sum.less(2 ** -30).where(2 ** 90, 1));

/** Gives something of the Euclidean norm of numbers that were scaled, and of their scale. A function, which bundlers drop where nobody calls it. */
export function normKernel(result: (norm: Expr, scale: Expr) => Expr): RowKernel {
  const scale = squaringScale(argument(1));
  const scaled = argument(0).mul(scale);
  return row(["element"], [{ reduce: "sum", value: argument(0).abs() }, { reduce: "sum", value: scaled.mul(scaled) }], [{ per: "row", value: result(argument(2).sqrt(), scale) }]);
}
const wholeNorm = normKernel((norm, scale) => norm.div(scale));

/** Over the last axis. */
const normOperation = defineOperation({
  name: "norm2",
  role: Role.row,
  lower: (lowering, node) => {
    const shape = lowering.shape(lowering.trace.input(node, 0));
    lowering.row(node, wholeNorm, lowering.size(node), shape[shape.length - 1]);
  },
  reverse: () => (gradient, node) => {
    const norm = node.output;
    // There is no direction at 0; dividing by 1 there keeps it finite. The direction comes first: a quotient of gradient and norm may overflow.
    const zero = equal(norm, 0);
    const column = (x: Variable): Variable => view(x, [...norm.shape, 1]);
    return mul(div(node.input(0), column(add(norm, zero))), column(where(zero, 0, gradient)));
  },
});

/**
 * The Euclidean norm over axes; by default the last one, so that each sample has its norm. Squares neither overflow nor underflow on the way.
 * Its gradient at 0 is 0.
 * @param keepdims keep reduced axes with size 1
 */
export function norm2(x: Variable, axes: Axes = -1, keepdims = false): Variable {
  checkReduction("norm2", arguments);
  if (x.shape.length === 0) return norm2(view(x, [1]));
  const list = normalizeAxes("norm2", axes, x.shape);
  const last = moveLast(x, list);
  const norm = record(normOperation, last.shape.slice(0, -1), [last]);
  return view(norm, reducedShape(x.shape, list, keepdims));
}
