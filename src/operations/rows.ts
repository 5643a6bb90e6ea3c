/** What operations on rows, along the last axis, have in common. */

import { defineOperation, type Operation } from "../engine/operation.ts";
import { record } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { argument, type Expr, index } from "../kernels/expression.ts";
import { row, type RowKernel } from "../kernels/kernel.ts";
import { Role } from "../plan/role.ts";
import { mul, sub } from "./arithmetic.ts";
import { sumOver } from "./broadcasting.ts";

/** An operation on [rows…, n]. */
export const onRows = (name: string, kernel: RowKernel, reverse: Operation["reverse"]): Operation =>
  defineOperation({ name, role: Role.row, lower: (lowering, node) => lowering.row(node, kernel), reverse });

/** Is it the largest or smallest element? Where one is NaN, those that are. */
export const isExtreme = (x: Expr, extreme: Expr): Expr => x.equal(x).where(x.equal(extreme), 1);
/** The position of an element that is the largest or NaN, else infinity: the smallest of these is the first. */
export const candidate = (x: Expr, largest: Expr): Expr => isExtreme(x, largest).where(index(), Infinity);

/** y·(g − Σ y·g), from y and g. */
const softmaxGradientKernel = row(
  ["element", "element"],
  [{ reduce: "sum", value: argument(0).mul(argument(1)) }],
  [{ per: "element", value: argument(0).mul(argument(1).sub(argument(2))) }],
);

const softmaxGradientOperation: Operation = onRows("softmax′", softmaxGradientKernel, (k) => (v, node) => {
  const [y, g] = [node.input(0), node.input(1)];
  if (k === 1) return softmaxGradient(y, v);
  const overRow = (a: Variable, b: Variable): Variable => sumOver(mul(a, b), [v.shape.length - 1], true);
  return sub(mul(v, sub(g, overRow(y, g))), mul(g, overRow(v, y)));
});

/** The gradient of scores, from probabilities and their gradient, along the last axis. */
export const softmaxGradient = (y: Variable, g: Variable): Variable => record(softmaxGradientOperation, y.shape, [y, g]);
