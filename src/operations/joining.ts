/** Arrays joined into one. */

import { defineOperation } from "../engine/operation.ts";
import { record } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { Role } from "../plan/role.ts";
import { ShapeError } from "../support/errors.ts";
import { formatShape, normalizeAxis, sameShape, stridesOf } from "../support/shape.ts";
import { checkCall, checkVariables } from "./check.ts";
import { identity, unsqueeze } from "./layout.ts";
import { cut } from "./pieces.ts";

/** Attributes: the axis, and where on it each input begins. */
const concatOperation = defineOperation({
  name: "concat",
  role: Role.move,
  lower: (lowering, node) => {
    const { trace } = lowering;
    const axis = trace.attribute(node, 0);
    const value = lowering.define(node);
    const strides = stridesOf(lowering.shape(node));
    for (let k = 0; k < trace.inputCount(node); k++) {
      const source = trace.input(node, k);
      const shape = lowering.shape(source);
      lowering.copy(node, value, trace.attribute(node, 1 + k) * strides[axis], source, 0, shape, strides, stridesOf(shape));
    }
  },
  reverse: (k) => (gradient, node) => {
    const strides = stridesOf(node.shape);
    return cut(gradient, { offset: node.attribute(1 + k) * strides[node.attribute(0)], sizes: node.inputShape(k), strides });
  },
});

/**
 * The arrays one after another along an axis; all other axes must agree.
 * @throws ShapeError if they do not; ValueError for an empty list
 * @example
 * concat([input([[1, 2]]), input([[3, 4], [5, 6]])]).toArray(); // [[1, 2], [3, 4], [5, 6]]
 * concat([zeros([2, 3]), zeros([2, 1])], 1).shape; // [2, 4]
 */
export function concat(xs: readonly Variable[], axis = 0): Variable {
  checkCall("concat", arguments, 2, 0);
  checkVariables("concat", xs);
  const [first] = xs;
  if (first.shape.length === 0) throw new ShapeError("concat got scalars, which have no axis to be joined along. Use stack to make a vector of them.");
  const along = normalizeAxis("concat", axis, first.shape);
  const attributes = [along];
  let size = 0;
  for (const x of xs) {
    if (x.shape.length !== first.shape.length || x.shape.some((n, i) => i !== along && n !== first.shape[i])) {
      throw new ShapeError(`concat along axis ${along} got shapes ${formatShape(first.shape)} and ${formatShape(x.shape)}: all other axes must agree.`);
    }
    attributes.push(size);
    size += x.shape[along];
  }
  if (xs.length === 1) return identity(first);
  return record(concatOperation, first.shape.map((n, i) => (i === along ? size : n)), xs, attributes);
}

/**
 * The arrays, all of one shape, along a new axis.
 * @throws ShapeError if the shapes differ; ValueError for an empty list
 * @example
 * const rows = [input([1, 2]), input([3, 4])];
 * stack(rows).toArray(); // [[1, 2], [3, 4]]
 * stack(rows, 1).toArray(); // [[1, 3], [2, 4]]
 */
export function stack(xs: readonly Variable[], axis = 0): Variable {
  checkCall("stack", arguments, 2, 0);
  checkVariables("stack", xs);
  const [first] = xs;
  for (const x of xs) {
    if (!sameShape(x.shape, first.shape)) {
      throw new ShapeError(`stack got shapes ${formatShape(first.shape)} and ${formatShape(x.shape)}: all must be the same.`);
    }
  }
  const at = normalizeAxis("stack", axis, [...first.shape, 1]);
  return concat(xs.map((x) => unsqueeze(x, at)), at);
}
