/** Matrix products and what is made of them. */

import { ShapeError } from "../support/errors.ts";
import { argument } from "../kernels/expression.ts";
import { row } from "../kernels/kernel.ts";
import { type Level, once } from "../plan/product.ts";
import { record } from "../engine/recording.ts";
import { broadcastOrThrow, formatShape, mergedAxes, normalizeAxes, sameShape, sizeOf, stridesOf } from "../support/shape.ts";
import type { Variable } from "../engine/variable.ts";
import { add, div, equal, mul } from "./arithmetic.ts";
import { type Axes, reduceRows } from "./axes.ts";
import { view } from "./broadcasting.ts";
import { checkCall, checkReduction } from "./check.ts";
import { broadcastTo } from "./layout.ts";
import { multiply } from "./multiply.ts";
import { normKernel } from "./norm.ts";
import { onRows } from "./rows.ts";
import { where } from "./where.ts";

/**
 * The matrix product over the last two axes, batched and broadcast over the others. A vector on the left is a row, on
 * the right a column, and that axis is absent from the result (as in NumPy).
 * @param a [..., m, k] or [k]
 * @param b [..., k, n] or [k]
 * @returns [..., m, n]
 * @throws ShapeError
 * @example
 * const a = input([[1, 2], [3, 4]]);
 * matmul(a, input([[0, 1], [1, 0]])).toArray(); // [[2, 1], [4, 3]]
 * matmul(a, input([1, 1])).toArray(); // [3, 7]
 * matmul(zeros([5, 1, 2, 3]), zeros([4, 3, 6])).shape; // [5, 4, 2, 6]
 */
export function matmul(a: Variable, b: Variable): Variable {
  checkCall("matmul", arguments, 2, 2);
  if (a.shape.length === 0 || b.shape.length === 0) {
    throw new ShapeError(
      `matmul got shapes ${formatShape(a.shape)} and ${formatShape(b.shape)}: both need at least one axis. ` +
        "Use mul to multiply by a number.",
    );
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
  const [inner = once, outer = once, more] = mergedAxes(batch, stridesOf(batchA, batch), stridesOf(batchB, batch))
    .map(({ size, steps }): Level => ({ count: size, a: steps[0] * m * k, b: steps[1] * k * n }));
  if (more !== undefined) return view(matmul(broadcastTo(x, [...batch, m, k]), broadcastTo(y, [...batch, k, n])), shape);
  return multiply(x, y, { transposeA: false, transposeB: false, m, n, k, outer, inner }, shape);
}

const dotKernel = row(["element", "element"], [{ reduce: "sum", value: argument(0).mul(argument(1)) }], [{ per: "row", value: argument(2) }]);

const dotOperation = onRows("dot", dotKernel, (k) => (gradient, node) => mul(node.input(1 - k), view(gradient, [...gradient.shape, 1])));

/**
 * The inner product of each sample: the sum of a·b over the last axis.
 * @param a [..., n]
 * @param b [..., n]
 * @returns [...]
 * @throws ShapeError if the shapes differ
 * @example
 * dot(input([[1, 2], [3, 4]]), input([[1, 0], [1, 1]])).toArray(); // [1, 7]
 */
export function dot(a: Variable, b: Variable): Variable {
  checkCall("dot", arguments, 2, 2);
  if (a.shape.length === 0 || !sameShape(a.shape, b.shape)) {
    throw new ShapeError(`dot got shapes ${formatShape(a.shape)} and ${formatShape(b.shape)}: both must have the same shape with at least one axis.`);
  }
  return record(dotOperation, a.shape.slice(0, -1), [a, b]);
}

const wholeNorm = normKernel((norm, scale) => norm.div(scale));

/** Over the last axis. */
const normOperation = onRows("norm2", wholeNorm, () => (gradient, node) => {
  const norm = node.output;
  // There is no direction at 0; dividing by 1 there keeps it finite. The direction comes first: a quotient of gradient and norm may overflow.
  const zero = equal(norm, 0);
  const column = (x: Variable): Variable => view(x, [...norm.shape, 1]);
  return mul(div(node.input(0), column(add(norm, zero))), column(where(zero, 0, gradient)));
});

/**
 * The Euclidean norm over axes; by default the last one, so that each sample has its norm. Squares neither overflow nor underflow on the way.
 * Its gradient at 0 is 0.
 * @param keepdims keep reduced axes with size 1
 * @throws ShapeError for axes that x does not have
 * @example
 * norm2(input([[3, 4], [0, 0]])).toArray(); // [5, 0]
 * norm2(ones([2, 2]), [0, 1]).item(); // 2
 */
export function norm2(x: Variable, axes: Axes = -1, keepdims = false): Variable {
  checkReduction("norm2", arguments);
  if (x.shape.length === 0) return norm2(view(x, [1]));
  return reduceRows(normOperation, x, normalizeAxes("norm2", axes, x.shape), keepdims);
}
