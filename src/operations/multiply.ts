/** The product of matrices as an operation. */

import { defineOperation } from "../engine/operation.ts";
import { record } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { decodeForm, encodeForm, type Form, type Level, lowerProduct, once } from "../plan/product.ts";
import { Role } from "../plan/role.ts";
import { type Shape, sizeOf } from "../support/shape.ts";
import { sumOver, view } from "./broadcasting.ts";

/** Inputs: A, B and for `affine` the bias. */
export const productOperation = defineOperation({
  name: "matmul",
  role: Role.product,
  lower: (lowering, node) => { lowerProduct(lowering, node, "bias"); },
  reverse: (input) => (gradient, node) => {
    if (input === 2) return gradient.shape.length === 1 ? gradient : sumOver(view(gradient, [sizeOf(node.shape.slice(0, -1)), ...node.inputShape(2)]), [0]);
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
      return shared.length === 0 ? full : view(sumOver(full, shared, true), node.inputShape(input));
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

/** Records a product. */
export function multiply(a: Variable, b: Variable, form: Form, shape: Shape, bias?: Variable): Variable {
  return record(productOperation, shape, bias === undefined ? [a, b] : [a, b, bias], encodeForm(form, shape));
}
