/** Elementwise arithmetic and comparisons. All broadcast by NumPy's rule; numbers stand for scalars. */

import { ValueError } from "../support/errors.ts";
import type { Operand } from "../engine/step.ts";
import { checkArguments } from "../support/options.ts";
import type { Variable } from "../engine/variable.ts";
import { defineBinary, defineElementwise, defineUnary } from "./define-elementwise.ts";
import { identity } from "./layout.ts";

/**
 * a + b
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * add(input([[1, 2], [3, 4]]), input([10, 20])).toArray(); // [[11, 22], [13, 24]]
 * input([1, 2]).add(1).toArray(); // [2, 3]
 */
export const add = defineBinary("add");
/**
 * a − b
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * sub(10, input([1, 2])).toArray(); // [9, 8]
 */
export const sub = defineBinary("sub");
/**
 * a · b, element by element
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * mul(input([[1], [2]]), input([3, 4])).toArray(); // [[3, 4], [6, 8]]
 */
export const mul = defineBinary("mul");
/**
 * a / b
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * div(1, input([4, 0])).toArray(); // [0.25, Infinity]
 */
export const div = defineBinary("div");
/**
 * −x
 * @example
 * neg(input([1, -2])).toArray(); // [-1, 2]
 */
export const neg = defineUnary("neg");
/**
 * 1 / x
 * @example
 * recip(input([2, -4])).toArray(); // [0.5, -0.25]
 */
export const recip = defineUnary("recip");
/**
 * |x|; its derivative at 0 is 0.
 * @example
 * abs(input([-3, 2])).toArray(); // [3, 2]
 */
export const abs = defineUnary("abs");
/**
 * eˣ
 * @example
 * exp(input([0, 1])).toArray(); // [1, 2.7183]
 */
export const exp = defineUnary("exp");
/**
 * The natural logarithm.
 * @example
 * log(input([1, 2, 0])).toArray(); // [0, 0.6931, -Infinity]
 */
export const log = defineUnary("log");
/**
 * √x
 * @example
 * sqrt(input([9, -1])).toArray(); // [3, NaN]
 */
export const sqrt = defineUnary("sqrt");
/**
 * The sine of an angle in radians.
 * @example
 * sin(input([0, Math.PI / 2])).toArray(); // [0, 1]
 */
export const sin = defineUnary("sin");
/**
 * The cosine of an angle in radians.
 * @example
 * cos(input([0, Math.PI / 3])).toArray(); // [1, 0.5]
 */
export const cos = defineUnary("cos");
/**
 * The larger of both; where equal, each gets half of the gradient.
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * const [a, b] = [input([1, 5]), input([3, 5])];
 * maximum(a, b).toArray(); // [3, 5]
 * gradients(() => maximum(a, b).sum(), [a])[0].toArray(); // [0, 0.5]
 */
export const maximum = defineBinary("maximum");
/**
 * The smaller of both; where equal, each gets half of the gradient.
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * minimum(input([1, 5]), 3).toArray(); // [1, 3]
 */
export const minimum = defineBinary("minimum");
const clipped = defineElementwise("clip", (x, low, high) => {
  const raised = x.less(low).where(low, x);
  // A bound that is NaN is the result.
  return low.equal(low).where(high.equal(high).where(raised.greater(high).where(high, raised), high), low);
});

/**
 * x, but at least `low` and at most `high`; where `low` is above `high`, that is `high`. No gradient reaches x outside of the bounds.
 * @throws ValueError if both bounds are numbers and `low` is above `high`
 * @example
 * clip(input([-2, 0.5, 7]), 0, 1).toArray(); // [0, 0.5, 1]
 */
export function clip(x: Operand, low: Operand, high: Operand): Variable {
  checkArguments("clip", arguments, 3);
  if (typeof low === "number" && typeof high === "number" && low > high) {
    throw new ValueError(`clip got the bounds ${low} and ${high}: give the lower one first.`);
  }
  return clipped(x, low, high);
}

const power = defineElementwise("pow", (x, exponent) => x.pow(exponent));
const square = defineElementwise("square", (x) => x.mul(x));
const cube = defineElementwise("cube", (x) => x.mul(x).mul(x));

/**
 * x to the power of the exponent. Exponents that are the numbers 1, 2, 3, ½ and −1 are computed directly.
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * pow(input([1, 2, 3]), 2).toArray(); // [1, 4, 9]
 * pow(2, input([0, 1, 3])).toArray(); // [1, 2, 8]
 */
export function pow(x: Operand, exponent: Operand): Variable {
  checkArguments("pow", arguments, 2);
  if (typeof x !== "number") {
    if (exponent === 1) return identity(x);
    if (exponent === 2) return square(x);
    if (exponent === 3) return cube(x);
    if (exponent === 0.5) return sqrt(x);
    if (exponent === -1) return recip(x);
  }
  return power(x, exponent);
}

// Comparisons: 1 where they hold, else 0. No gradient passes.

/**
 * a = b
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * equal(input([1, 2, 3]), 2).toArray(); // [0, 1, 0]
 */
export const equal = defineBinary("equal");
/**
 * a ≠ b
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * const x = input([1, NaN]);
 * notEqual(x, 2).toArray(); // [1, 1]
 * // Which elements are NaN?
 * notEqual(x, x).toArray(); // [0, 1]
 */
export const notEqual = defineBinary("notEqual");
/**
 * a < b
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * less(input([1, 2, 3]), 2).toArray(); // [1, 0, 0]
 */
export const less = defineBinary("less");
/**
 * a ≤ b
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * lessEqual(input([1, 2, 3]), 2).toArray(); // [1, 1, 0]
 */
export const lessEqual = defineBinary("lessEqual");
/**
 * a > b
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * const x = input([1, 2, 3]);
 * greater(x, 2).toArray(); // [0, 0, 1]
 * // How many are greater?
 * greater(x, 1).sum().item(); // 2
 */
export const greater = defineBinary("greater");
/**
 * a ≥ b
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * greaterEqual(input([1, 2, 3]), 2).toArray(); // [0, 1, 1]
 */
export const greaterEqual = defineBinary("greaterEqual");
