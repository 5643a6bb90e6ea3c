/**
 * The slope of each elementwise operation by each operand, in closed form; where finite differences cannot tell, at NaN, infinities, ties, kinks
 * and extremes, as PyTorch has it, but for what docs/operations.md says.
 */

type Slope = (...x: number[]) => number;

const { NaN: none } = Number;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const pow = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y);
const one: Slope = () => 1;
const zero: Slope = () => 0;
/** Of the larger (the smaller if turned): a tie is shared; where one is NaN each gets all. */
const chosen = (isLess: (a: number, b: number) => boolean): Slope[] =>
  [(a, b) => (isLess(a, b) ? 0 : a === b ? 0.5 : 1), (a, b) => (isLess(b, a) ? 0 : a === b ? 0.5 : 1)];

/** d/dx of x / (1 + e⁻ᵘ) for u = 2√(2/π)(x + 0.044715x³); its limits where that is far from 0. */
function gelu(x: number): number {
  if (Math.abs(x) > 22) return x > 0 ? 1 : 0;
  const c = 2 * Math.sqrt(2 / Math.PI);
  const s = sigmoid(c * (x + 0.044715 * x ** 3));
  return s + x * s * (1 - s) * c * (1 + 3 * 0.044715 * x * x);
}

export const slopes: Record<string, readonly Slope[]> = {
  add: [one, one],
  sub: [one, () => -1],
  mul: [(_, b) => b, (a) => a],
  div: [(_, b) => 1 / b, (a, b) => -(a / b / b)],
  neg: [() => -1],
  recip: [(x) => -(1 / x / x)],
  sqrt: [(x) => 0.5 / Math.sqrt(x)],
  square: [(x) => 2 * x],
  cube: [(x) => 3 * x * x],
  abs: [(x) => (Number.isNaN(x) ? none : Math.sign(x))],
  relu: [(x) => (x <= 0 ? 0 : 1)],
  maximum: chosen((a, b) => a < b),
  minimum: chosen((a, b) => a > b),
  // A bound that is NaN is the result; else x between the bounds, these included, and a NaN.
  clip: [
    (x, low, high) => (Number.isNaN(low) || Number.isNaN(high) || Math.max(x, low) > high || x < low ? 0 : 1),
    (x, low, high) => (Number.isNaN(low) || (!Number.isNaN(high) && x < low && low <= high) ? 1 : 0),
    (x, low, high) => (!Number.isNaN(low) && (Number.isNaN(high) || (x < low ? low : x) > high) ? 1 : 0),
  ],
  where: [zero, (condition) => (condition !== 0 ? 1 : 0), (condition) => (condition !== 0 ? 0 : 1)],
  equal: [zero, zero],
  notEqual: [zero, zero],
  less: [zero, zero],
  lessEqual: [zero, zero],
  greater: [zero, zero],
  greaterEqual: [zero, zero],
  exp: [Math.exp],
  log: [(x) => 1 / x],
  sin: [Math.cos],
  cos: [(x) => -Math.sin(x)],
  tanh: [(x) => 1 - Math.tanh(x) ** 2],
  sigmoid: [(x) => sigmoid(x) * (1 - sigmoid(x))],
  // x⁰ is 1 everywhere; and 0ʸ stays 0, or 1, for all larger y.
  pow: [(x, y) => (y === 0 ? 0 : y * pow(x, y - 1)), (x, y) => (x === 0 && y >= 0 ? 0 : pow(x, y) * Math.log(x))],
  softplus: [sigmoid],
  gelu: [gelu],
};
