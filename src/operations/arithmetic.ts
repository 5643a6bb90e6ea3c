/** Elementwise arithmetic and comparisons. All broadcast by NumPy's rule; numbers stand for scalars. */

import { ValueError } from "../support/errors.ts";
import type { Operand } from "../engine/step.ts";
import { checkArguments } from "../support/options.ts";
import type { Variable } from "../engine/variable.ts";
import { identity } from "./broadcasting.ts";
import { builtin } from "./elementwise.ts";

/** a + b */
export const add = /*#__PURE__*/ builtin("add", (a, b) => a.add(b));
/** a − b */
export const sub = /*#__PURE__*/ builtin("sub", (a, b) => a.sub(b));
/** a · b, element by element */
export const mul = /*#__PURE__*/ builtin("mul", (a, b) => a.mul(b));
/** a / b */
export const div = /*#__PURE__*/ builtin("div", (a, b) => a.div(b));
/** −x */
export const neg = /*#__PURE__*/ builtin("neg", (x) => x.neg());
/** 1 / x */
export const recip = /*#__PURE__*/ builtin("recip", (x) => x.recip());
/** |x|; its derivative at 0 is 0. */
export const abs = /*#__PURE__*/ builtin("abs", (x) => x.abs());
/** eˣ */
export const exp = /*#__PURE__*/ builtin("exp", (x) => x.exp());
/** The natural logarithm. */
export const log = /*#__PURE__*/ builtin("log", (x) => x.log());
/** √x */
export const sqrt = /*#__PURE__*/ builtin("sqrt", (x) => x.sqrt());
export const sin = /*#__PURE__*/ builtin("sin", (x) => x.sin());
export const cos = /*#__PURE__*/ builtin("cos", (x) => x.cos());
/** The larger of both; where equal, each gets half of the gradient. */
export const maximum = /*#__PURE__*/ builtin("maximum", (a, b) => a.maximum(b));
/** The smaller of both; where equal, each gets half of the gradient. */
export const minimum = /*#__PURE__*/ builtin("minimum", (a, b) => a.minimum(b));
const clipped = /*#__PURE__*/ builtin("clip", (x, low, high) => {
  const raised = x.less(low).where(low, x);
  // A bound that is NaN is the result.
  return low.equal(low).where(high.equal(high).where(raised.greater(high).where(high, raised), high), low);
});

/**
 * x, but at least `low` and at most `high`; where `low` is above `high`, that is `high`. No gradient reaches x outside of the bounds.
 * @throws ValueError if both bounds are numbers and `low` is above `high`
 */
export function clip(x: Operand, low: Operand, high: Operand): Variable {
  checkArguments("clip", arguments, 3);
  if (typeof low === "number" && typeof high === "number" && low > high) {
    throw new ValueError(`clip got the bounds ${low} and ${high}: give the lower one first.`);
  }
  return clipped(x, low, high);
}

/** a where the condition is not 0, else b. */
export const where = /*#__PURE__*/ builtin("where", (condition, a, b) => condition.where(a, b));

const power = /*#__PURE__*/ builtin("pow", (x, exponent) => x.pow(exponent));
const square = /*#__PURE__*/ builtin("square", (x) => x.mul(x));
const cube = /*#__PURE__*/ builtin("cube", (x) => x.mul(x).mul(x));

/** x to the power of the exponent. Exponents that are the numbers 1, 2, 3, ½ and −1 are computed directly. */
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

/** a = b */
export const equal = /*#__PURE__*/ builtin("equal", (a, b) => a.equal(b));
/** a ≠ b */
export const notEqual = /*#__PURE__*/ builtin("notEqual", (a, b) => a.notEqual(b));
/** a < b */
export const less = /*#__PURE__*/ builtin("less", (a, b) => a.less(b));
/** a ≤ b */
export const lessEqual = /*#__PURE__*/ builtin("lessEqual", (a, b) => a.lessEqual(b));
/** a > b */
export const greater = /*#__PURE__*/ builtin("greater", (a, b) => a.greater(b));
/** a ≥ b */
export const greaterEqual = /*#__PURE__*/ builtin("greaterEqual", (a, b) => a.greaterEqual(b));
