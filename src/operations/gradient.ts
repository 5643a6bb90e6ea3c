/** Operations that leave values as they are and change what gradients do. */

import type { Operation, ReverseRule } from "../differentiate.ts";
import type { Lowering } from "../plan/lowering.ts";
import { Role } from "../plan/role.ts";
import { nextOperationId } from "../plan/trace.ts";
import { record1, record2 } from "../recorder.ts";
import { checkNumber } from "../shape.ts";
import type { Variable } from "../variable.ts";
import { add, div, equal, mul, where } from "./arithmetic.ts";
import { checkCall } from "./check.ts";
import { norm2 } from "./product.ts";
import { register } from "./registry.ts";

const alias = (lowering: Lowering, node: number): void => lowering.alias(node, lowering.trace.input(node, 0));

function passing(name: string, rule: ReverseRule | null): Operation {
  return register({ name, id: /*#__PURE__*/ nextOperationId(), role: Role.view, lower: alias, reverse: (k) => (k === 0 ? rule : null) });
}

const detachOperation = /*#__PURE__*/ passing("detach", null);

/** x as a constant: no gradient passes. */
export function detach(x: Variable): Variable {
  checkCall("detach", arguments, 1);
  return record1(detachOperation, x.shape, x);
}

const gradnormOperation = /*#__PURE__*/ passing("gradnorm", (gradient, node) => {
  const norm = norm2(gradient, -1, true);
  const zero = equal(norm, 0);
  return mul(gradient, where(zero, 0, div(node.input(1), add(norm, zero))));
});

/**
 * x itself, but the gradient that passes is rescaled to Euclidean norm `scale`, for each sample (along the last axis).
 * A gradient of 0 stays 0.
 */
export function gradnorm(x: Variable, scale = 1): Variable {
  checkCall("gradnorm", arguments, 2);
  checkNumber("gradnorm", "scale", scale, 0);
  return record2(gradnormOperation, x.shape, x, scale);
}
