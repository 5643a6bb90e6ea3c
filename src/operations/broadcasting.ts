/** Sums, views and broadcasting: what every other family of operations rests on, so un-broadcasting is solved once, here. */

import { defineOperation } from "../engine/operation.ts";
import { argument } from "../kernels/expression.ts";
import { map } from "../kernels/kernel.ts";
import { whole } from "../plan/box.ts";
import { Role } from "../plan/role.ts";
import { record } from "../engine/recording.ts";
import type { Operand } from "../engine/step.ts";
import { sameShape, type Shape } from "../support/shape.ts";
import type { Variable } from "../engine/variable.ts";

/** The shape after reducing axes. */
export function reducedShape(shape: Shape, axes: readonly number[], keepdims: boolean): Shape {
  return keepdims ? shape.map((size, i) => (axes.includes(i) ? 1 : size)) : shape.filter((_, i) => !axes.includes(i));
}

/** Attributes: keepdims, then the axes. */
const sumOperation = defineOperation({
  name: "sum",
  role: Role.sum,
  lower: (lowering, node) => lowering.reduce(node, "sum", [...lowering.trace.attributes(node, 1)]),
  reverse: () => (gradient, node) => {
    const shape = node.inputShape(0);
    return extend(view(gradient, reducedShape(shape, [...node.attributes(1)], true)), shape);
  },
});

/** The sum over axes, for whoever has checked them. */
export const sumOver = (x: Variable, axes: readonly number[], keepdims = false): Variable =>
  record(sumOperation, reducedShape(x.shape, axes, keepdims), [x], [keepdims ? 1 : 0, ...axes]);

/** Attributes: the shape. */
const reshapeOperation = defineOperation({
  name: "reshape",
  role: Role.view,
  lower: (lowering, node) => lowering.alias(node, lowering.trace.input(node, 0)),
  reverse: () => (gradient, node) => view(gradient, node.inputShape(0)),
  elements: (node) => whole(node.shape),
});

/** x in a shape with as many elements. */
export const reshaped = (x: Variable, shape: Shape): Variable => record(reshapeOperation, shape.slice(), [x], shape);

/** As `reshaped`; x itself where it has that shape. Within operations: what a user calls gives a new Variable. */
export const view = (x: Variable, shape: Shape): Variable => (sameShape(x.shape, shape) ? x : reshaped(x, shape));

const copyKernel = map(1, argument(0));

/** Attributes: the shape. */
const broadcastOperation = defineOperation({
  name: "broadcastTo",
  role: Role.map,
  lower: (lowering, node) => lowering.map(node, copyKernel),
  reverse: () => (gradient, node) => sumTo(gradient, node.inputShape(0)),
});

/** x repeated to a shape that extends its own. */
export const repeated = (x: Operand, shape: Shape): Variable => record(broadcastOperation, shape.slice(), [x], shape);

/** As `repeated`; x itself where it has that shape. */
export const extend = (x: Variable, shape: Shape): Variable => (sameShape(x.shape, shape) ? x : repeated(x, shape));

/** The adjoint of broadcasting: sums over the axes along which a smaller array was repeated. */
export function sumTo(x: Variable, shape: Shape): Variable {
  if (sameShape(x.shape, shape)) return x;
  const extra = x.shape.length - shape.length;
  const axes = x.shape.flatMap((size, i) => (i < extra || (shape[i - extra] === 1 && size !== 1) ? [i] : []));
  return view(sumOver(x, axes), shape);
}
