/** Operations that leave values as they are and change what gradients do. */

import { detached } from "../engine/constant-part.ts";
import { defineOperation, type ReverseRule } from "../engine/operation.ts";
import { record1, record2 } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { checkNumber } from "../support/check.ts";
import { abs, add, div, equal, mul } from "./arithmetic.ts";
import { view } from "./broadcasting.ts";
import { checkCall } from "./check.ts";
import { norm2 } from "./product.ts";
import { max } from "./reduction.ts";
import { where } from "./where.ts";

/**
 * x as a constant: no gradient passes.
 * @example
 * const x = input([3]);
 * // Of x² it would be 6.
 * gradients(() => mul(x, detach(x)).sum(), [x])[0].toArray(); // [3]
 */
export function detach(x: Variable): Variable {
  checkCall("detach", arguments, 1);
  return record1(detached, x.shape, x);
}

const rescale: ReverseRule = (gradient, node) => {
  if (gradient.size === 0) return gradient;
  const rows = gradient.shape.length === 0 ? view(gradient, [1]) : gradient;
  // Relative to the largest entry, so that the norm is of usual size whatever the gradient is.
  const largest = detach(max(abs(rows), -1, true));
  const zero = equal(largest, 0);
  const relative = where(zero, 0, div(rows, add(largest, zero)));
  return view(mul(div(relative, add(norm2(relative, -1, true), zero)), node.input(1)), gradient.shape);
};

const gradnormOperation = defineOperation({ ...detached, name: "gradnorm", reverse: (k) => (k === 0 ? rescale : null) });

/**
 * x itself, but the gradient that passes is rescaled to Euclidean norm `scale`, for each sample (along the last axis).
 * A gradient of 0 stays 0.
 * @throws ValueError for a scale that is not a finite number of at least 0
 * @example
 * const x = input([0, 0]);
 * gradients(() => dot(x, input([3, 4])), [x])[0].toArray(); // [3, 4]
 * gradients(() => dot(gradnorm(x), input([3, 4])), [x])[0].toArray(); // [0.6, 0.8]
 */
export function gradnorm(x: Variable, scale = 1): Variable {
  checkCall("gradnorm", arguments, 2);
  checkNumber("gradnorm", "scale", scale, 0);
  return record2(gradnormOperation, x.shape, x, scale);
}
