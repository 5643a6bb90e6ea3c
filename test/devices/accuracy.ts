/** How exact the functions of a device are: what to try them on, and the errors in units in the last place. */

import { type BinaryName, evaluateUnary, type UnaryName } from "../../src/kernels/expression.ts";

export const unaryNames: readonly UnaryName[] = [
  "neg", "abs", "sign", "floor", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "sigmoid", "relu",
];
export const binaryNames: readonly BinaryName[] = [
  "add", "sub", "mul", "div", "pow", "maximum", "minimum", "equal", "less", "lessEqual",
];

const scratch = new Float32Array(1);
const scratchBits = new Int32Array(scratch.buffer);

function bitsOf(value: number): number {
  scratch[0] = value;
  return scratchBits[0];
}

/** The distance of float32 numbers around a value: 2⁻¹⁴⁹ for denormals. */
function unit(value: number): number {
  const exponent = (bitsOf(value) >>> 23) & 0xff;
  return 2 ** (Math.min(Math.max(exponent, 1), 254) - 150);
}

/** Infinity counts as the number after the largest one. */
const finite = (value: number): number => Math.min(Math.max(value, -(2 ** 128)), 2 ** 128);

function error(computed: number, exact: number): number {
  if (Number.isNaN(exact) || Number.isNaN(computed)) return Number.isNaN(exact) && Number.isNaN(computed) ? 0 : Infinity;
  const rounded = Math.fround(exact);
  if (computed === rounded && !Number.isFinite(rounded)) return 0;
  // An infinity or a zero that is one by nature, not by rounding, must be met exactly.
  if (!Number.isFinite(exact) || exact === 0) return computed === exact ? 0 : Infinity;
  return Math.abs(finite(computed) - finite(exact)) / unit(exact);
}

/** Bit patterns at a regular distance over all of float32, and each one around points of interest. */
export const samples = (() => {
  const bits: number[] = [];
  for (let pattern = 0; pattern < 2 ** 32; pattern += 4099) bits.push(pattern | 0);
  const interesting = [
    0, 2 ** -126, 2 ** -24, 2 ** -12, 0.22, 0.25, 0.3, Math.LN2 / 2, 0.625, Math.LN2, Math.SQRT1_2, 1, Math.SQRT2, 2,
    9.01, 10, 17.33, 20, 87.34, 88.02, 88.72, 89, 103.28, 103.97, 104, 2 ** 24, 2 ** 28, 2 ** 28 * Math.PI, 3.4e38, Infinity,
    // The float32 closest to a multiple of π/2, relatively (Muller, Elementary Functions).
    16367173 * 2 ** 72,
  ];
  for (let i = 1; i < 40; i++) interesting.push((i * Math.LN2) / 2 + Math.LN2, (i * Math.PI) / 4, 10 ** i * Math.PI);
  for (const point of interesting) {
    for (let i = -500; i < 500; i++) bits.push(bitsOf(point) + i, bitsOf(-point) + i);
  }
  return new Float32Array(Int32Array.from(bits).buffer);
})();

export const specials = Float32Array.of(
  0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 2.5, -2.5, 1e-45, -1e-45, 1e-40, 2 ** -126, 1e-30, -1e-30, 0.99999994, 1.0000001,
  100, -100, 127, 128, -149, -150, 16777215, -16777215, 16777216, 1e10, 3.4028235e38, -3.4028235e38,
  Infinity, -Infinity, NaN, 7,
);

/** All pairs of special values and many pairs of the size at which powers neither overflow nor vanish. */
export const pairs = (() => {
  const a: number[] = [];
  const b: number[] = [];
  for (const x of specials) {
    for (const y of specials) {
      a.push(x);
      b.push(y);
    }
  }
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes
    return state / 2 ** 32;
  };
  for (let i = 0; i < 200_000; i++) {
    const x = Math.fround(2 ** ((random() * 2 - 1) * 149 * random() ** 4));
    a.push(i % 100 === 0 ? -x : x);
    b.push(i % 3 === 0 ? Math.round(random() * 20 - 10) : ((random() * 2 - 1) * 155) / Math.abs(Math.log2(x) || 1));
  }
  return [Float32Array.from(a), Float32Array.from(b)];
})();

const known = new Map<UnaryName, Float64Array>();

/** The function of the samples, computed once for all modes. */
export function exact(name: UnaryName): Float64Array {
  let values = known.get(name);
  if (values === undefined) {
    values = new Float64Array(samples.length);
    for (let i = 0; i < samples.length; i++) values[i] = evaluateUnary(name, samples[i]);
    known.set(name, values);
  }
  return values;
}

/** What goes wrong most: the largest error and where. */
export function worst(computed: Float32Array, expected: ArrayLike<number>): { at: number; ulp: number } {
  let at = 0;
  let ulp = 0;
  for (let i = 0; i < computed.length; i++) {
    const e = error(computed[i], expected[i]);
    if (e > ulp) [at, ulp] = [i, e];
  }
  return { at, ulp };
}
