/** Linear and affine maps of every sample. */

import { openStep } from "../engine/recording.ts";
import { Variable } from "../engine/variable.ts";
import { once, recordLinear } from "../plan/product.ts";
import { ShapeError } from "../support/errors.ts";
import { checkArguments } from "../support/options.ts";
import { formatShape, type Shape, sizeOf } from "../support/shape.ts";
import { checkVariable } from "./check.ts";
import { multiply, productOperation } from "./multiply.ts";

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
  const n = w.shape[0]; // no pattern: that goes by an iterator, which is garbage where the engine has not compiled it away
  const k = w.shape[1];
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
  const n = w.shape[0];
  const k = w.shape[1];
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
 * @example
 * const w = input([[1, 2], [0, 3]]);
 * linear(w, input([10, 1])).toArray(); // [12, 3]
 * linear(w, input([[10, 1], [0, 2]])).toArray(); // [[12, 3], [4, 6]]
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
 * @example
 * affine(input([[1, 2], [0, 3]]), input([10, 1]), input([0.5, -1])).toArray(); // [12.5, 2]
 */
export function affine(w: Variable, x: Variable, b: Variable): Variable;
export function affine(w: Variable, x: Variable, b: Variable, more?: unknown, list?: unknown): Variable {
  if (more !== undefined) checkArguments("affine", [w, x, b, more, list], 3);
  checkVariable("affine", w);
  checkVariable("affine", x);
  checkVariable("affine", b);
  const shape = linearShape("affine", w, x);
  if (b.shape.length !== 1 || b.shape[0] !== w.shape[0]) {
    throw new ShapeError(
      `affine got weights ${formatShape(w.shape)} and bias ${formatShape(b.shape)}: ` +
        `the bias must have shape [${w.shape[0]}], one number an output.`,
    );
  }
  return recordLinearMap(shape, w, x, b);
}
