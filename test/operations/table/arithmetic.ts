/** Arithmetic and comparisons: exact where IEEE 754 rounds correctly. Errors of the vector mathematics have tests of their own. */

import * as flimsy from "../../../src/index.ts";
import type { Variable } from "../../../src/index.ts";
import { type Domain, type Draw, domains } from "../draw.ts";
import { binary, type Elementwise, operands, type Slope, unary } from "../entry.ts";
import { pointwise } from "../plain.ts";

const { max, min } = Math;
const { plain, positive, nonzero, integers } = domains;

const one: Slope = () => 1;
const zero: Slope = () => 0;

/** As in C: JavaScript differs where 1 or −1 is taken to an infinite power, or 1 to NaN. */
const pow = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y);

/** Of the larger (the smaller if turned): a tie is shared; where one is NaN each gets all. */
const chosen = (isLess: (a: number, b: number) => boolean): [Slope, Slope] =>
  [(a, b) => (isLess(a, b) ? 0 : a === b ? 0.5 : 1), (a, b) => (isLess(b, a) ? 0 : a === b ? 0.5 : 1)];

const distinctOperands = (count: number) => (draw: Draw): unknown[] => draw.broadcastable(count).map((shape) => draw.distinct(shape));
const smoothNonzero = (draw: Draw): unknown[] => operands(draw, nonzero);

/** 1 or 0, without gradient. A NaN is unequal to all, and no comparison holds of it but that. */
const comparison = (holds: (a: number, b: number) => boolean): Elementwise => {
  const ofNan = holds(NaN, NaN) ? 1 : 0;
  return binary((a, b) => (holds(a, b) ? 1 : 0), [zero, zero], [integers, integers], { smooth: null, nan: [ofNan, ofNan] });
};

export const entries = {
  add: binary((a, b) => a + b, [one, one], [plain, plain]),
  sub: binary((a, b) => a - b, [one, () => -1], [plain, plain]),
  mul: binary((a, b) => a * b, [(_, b) => b, (a) => a], [plain, plain]),
  div: binary((a, b) => a / b, [(_, b) => 1 / b, (a, b) => -(a / b / b)], [plain, nonzero]),
  neg: unary((x) => -x, () => -1, plain),
  recip: unary((x) => 1 / x, (x) => -(1 / x / x), nonzero),
  sqrt: unary(Math.sqrt, (x) => 0.5 / Math.sqrt(x), positive),
  abs: unary((x) => (x < 0 ? -x : x), (x) => (Number.isNaN(x) ? NaN : Math.sign(x)), plain, { smooth: smoothNonzero }),
  exp: unary(Math.exp, Math.exp, plain, { ulps: 2 }),
  log: unary(Math.log, (x) => 1 / x, positive, { ulps: 2 }),
  sin: unary(Math.sin, Math.cos, plain, { ulps: 2 }),
  cos: unary(Math.cos, (x) => -Math.sin(x), plain, { ulps: 2 }),
  maximum: binary((a, b) => max(a, b), chosen((a, b) => a < b), [integers, plain], { smooth: distinctOperands(2) }),
  minimum: binary((a, b) => min(a, b), chosen((a, b) => a > b), [plain, integers], { smooth: distinctOperands(2) }),
  clip: {
    meaning: pointwise((x, low, high) => min(max(x, low), high)),
    // A bound that is NaN is the result; else x between the bounds, these included, and a NaN.
    slopes: [
      (x, low, high) => (Number.isNaN(low) || Number.isNaN(high) || max(x, low) > high || x < low ? 0 : 1),
      (x, low, high) => (Number.isNaN(low) || (!Number.isNaN(high) && x < low && low <= high) ? 1 : 0),
      (x, low, high) => (!Number.isNaN(low) && (Number.isNaN(high) || (x < low ? low : x) > high) ? 1 : 0),
    ],
    draw: (draw) => operands(draw, plain, (random) => random.uniform(-2, 0), (random) => random.uniform(0, 2)),
    smooth: (draw) => {
      // The bounds half way between the multiples of ½ around which x lies.
      const bound = (sign: number): Domain => (random) => sign * (0.25 + 0.5 * random.integer(0, 3));
      return operands(draw, (random) => 0.5 * random.integer(-3, 4) + random.uniform(-0.2, 0.2), bound(-1), bound(1));
    },
  },
  // x⁰ is 1 everywhere; and 0ʸ stays 0, or 1, for all larger y.
  pow: binary(pow, [
    (x, y) => (y === 0 ? 0 : y * pow(x, y - 1)), (x, y) => (x === 0 && y >= 0 ? 0 : pow(x, y) * Math.log(x)),
  ], [positive, plain], { ulps: 1 }),
  square: unary((x) => x * x, (x) => 2 * x, plain, { f: (x: Variable) => flimsy.pow(x, 2) }),
  // Two roundings.
  cube: unary((x) => x * x * x, (x) => 3 * x * x, plain, { ulps: 1.01, f: (x: Variable) => flimsy.pow(x, 3) }),
  equal: comparison((a, b) => a === b),
  notEqual: comparison((a, b) => a !== b),
  less: comparison((a, b) => a < b),
  lessEqual: comparison((a, b) => a <= b),
  greater: comparison((a, b) => a > b),
  greaterEqual: comparison((a, b) => a >= b),
} satisfies Record<string, Elementwise>;
