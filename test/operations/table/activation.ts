/** Activations. */

import { type Draw, domains } from "../draw.ts";
import { type Elementwise, operands, unary } from "../entry.ts";

const { PI, exp, sqrt } = Math;
const { plain, nonzero } = domains;

const sigmoid = (x: number): number => 1 / (1 + exp(-x));

/** 2√(2/π)(x + 0.044715x³) */
const curve = (x: number): number => 2 * sqrt(2 / PI) * (x + 0.044715 * x ** 3);

/** d/dx of x / (1 + e⁻ᵘ) for u as above; its limits where that is far from 0. */
function geluSlope(x: number): number {
  if (Math.abs(x) > 22) return x > 0 ? 1 : 0;
  const s = sigmoid(curve(x));
  return s + x * s * (1 - s) * 2 * sqrt(2 / PI) * (1 + 3 * 0.044715 * x * x);
}

export const entries = {
  tanh: unary(Math.tanh, (x) => 1 - Math.tanh(x) ** 2, plain, { ulps: 3 }),
  sigmoid: unary(sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x)), plain, { ulps: 3 }),
  relu: unary((x) => (x < 0 ? 0 : x), (x) => (x <= 0 ? 0 : 1), plain, { smooth: (draw: Draw) => operands(draw, nonzero) }),
  // exp, then log1p, whose condition number is below 1.
  softplus: unary((x) => Math.max(x, 0) + Math.log1p(exp(-Math.abs(x))), sigmoid, plain, { ulps: 5 }),
  // Hendrycks & Gimpel, arXiv:1606.08415: ½x(1 + tanh(√(2/π)(x + 0.044715x³))), where ½(1 + tanh u) is 1 / (1 + e⁻²ᵘ). At −∞ its limit.
  // The argument of sigmoid has 4 roundings and counts as much as it is large: at most 4 between ±2.
  gelu: unary((x) => (x === -Infinity ? 0 : x / (1 + exp(-curve(x)))), geluSlope, plain, { ulps: 20 }),
} satisfies Record<string, Elementwise>;
