/** Elementwise arithmetic and comparisons. All broadcast by NumPy's rule; numbers stand for scalars. */

import { ValueError } from "../support/errors.ts";
import type { Operand } from "../engine/step.ts";
import { checkArguments } from "../support/options.ts";
import type { Variable } from "../engine/variable.ts";
import { defineElementwise } from "./define-elementwise.ts";
import { identity } from "./layout.ts";

/** a + b */
export const add = defineElementwise("add", (a, b) => a.add(b));
/** a − b */
export const sub = defineElementwise("sub", (a, b) => a.sub(b));
/** a · b, element by element */
export const mul = defineElementwise("mul", (a, b) => a.mul(b));
/** a / b */
export const div = defineElementwise("div", (a, b) => a.div(b));
/** −x */
export const neg = defineElementwise("neg", (x) => x.neg());
/** 1 / x */
export const recip = defineElementwise("recip", (x) => x.recip());
/** |x|; its derivative at 0 is 0. */
export const abs = defineElementwise("abs", (x) => x.abs());
/** eˣ */
export const exp = defineElementwise("exp", (x) => x.exp());
/** The natural logarithm. */
export const log = defineElementwise("log", (x) => x.log());
/** √x */
export const sqrt = defineElementwise("sqrt", (x) => x.sqrt());
/** The sine of an angle in radians. */
export const sin = defineElementwise("sin", (x) => x.sin());
/** The cosine of an angle in radians. */
export const cos = defineElementwise("cos", (x) => x.cos());
/** The larger of both; where equal, each gets half of the gradient. */
export const maximum = defineElementwise("maximum", (a, b) => a.maximum(b));
/** The smaller of both; where equal, each gets half of the gradient. */
export const minimum = defineElementwise("minimum", (a, b) => a.minimum(b));
const clipped = defineElementwise("clip", (x, low, high) => {
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

const power = defineElementwise("pow", (x, exponent) => x.pow(exponent));
const square = defineElementwise("square", (x) => x.mul(x));
const cube = defineElementwise("cube", (x) => x.mul(x).mul(x));

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
export const equal = defineElementwise("equal", (a, b) => a.equal(b));
/** a ≠ b */
export const notEqual = defineElementwise("notEqual", (a, b) => a.notEqual(b));
/** a < b */
export const less = defineElementwise("less", (a, b) => a.less(b));
/** a ≤ b */
export const lessEqual = defineElementwise("lessEqual", (a, b) => a.lessEqual(b));
/** a > b */
export const greater = defineElementwise("greater", (a, b) => a.greater(b));
/** a ≥ b */
export const greaterEqual = defineElementwise("greaterEqual", (a, b) => a.greaterEqual(b));
