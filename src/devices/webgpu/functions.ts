/**
 * The scalar functions of kernels in WGSL: within 4 units in the last place on every adapter, with the special values of the wasm device.
 *
 * WGSL's own are bounded by hundreds of units, and say nothing of NaN and ∞; compilers may also reassociate sums and contract products, which takes
 * the exact steps of an argument's reduction away. So what must be rounded as written passes `exactly`: an exclusive or with a zero that only the
 * launch knows. What depends on NaN looks at bits, as compilers may assume that there is none. Subnormal results may be flushed to 0.
 *
 * Methods: Cephes (single precision) for the reduction of exp and log and the polynomials of sin and cos; fdlibm for the corrections of log1p and for
 * logarithms in two parts; Payne and Hanek (1983) for angles. The polynomials of exp and log are those of the wasm device.
 */

import type { BinaryName, UnaryName } from "../../kernels/expression.ts";
import { COS, EXP, LN2_HIGH, LN2_LOW, LOG, SIN } from "../coefficients.ts";

/** A number as its bits, which says it exactly. */
export function literal(value: number): string {
  const [bits] = new Uint32Array(Float32Array.of(value).buffer);
  const hex = `0x${bits.toString(16)}u`;
  // ∞ and NaN are refused as constants, and a product with 0 may be taken for 0; what depends on the launch is no constant.
  return Number.isFinite(Math.fround(value)) && value !== 0 ? `bitcast<f32>(${hex})` : `number(${hex})`;
}

/** A polynomial of `x`, coefficients from the highest power on. */
const horner = (x: string, [first, ...rest]: readonly number[]): string => rest.reduce((sum, c) => `(${sum} * ${x} + ${literal(c)})`, literal(first));

/** The first 12 bits of a number, and what they leave: products of two such numbers are exact. */
const twelveBits = (value: number): [number, number] => {
  const [bits] = new Uint32Array(Float32Array.of(value).buffer);
  const [high] = new Float32Array(Uint32Array.of(bits & 0xfffff000).buffer);
  return [high, value - high];
};

const [TWO_OVER_LN2_HIGH, TWO_OVER_LN2_LOW] = twelveBits(2 / Math.LN2);

/** 2/π after one word of zeros, 32 bits a word. */
const TWO_OVER_PI = [0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab];

const ROUND = literal(1.5 * 2 ** 23);
const INFINITE = "number(0x7f800000u)";
const NAN = "number(0x7fc00000u)";

/** By name; which others each one calls stands in its text. */
const definitions: Readonly<Record<string, string>> = {
  number: `fn number(bits: u32) -> f32 { return bitcast<f32>(bits ^ zero); }`,
  exactly: `fn exactly(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ zero); }`,
  exactly4: `fn exactly4(x: vec4f) -> vec4f { return bitcast<vec4f>(bitcast<vec4u>(x) ^ vec4u(zero)); }`,
  isNan: `fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,
  twelve: `fn twelve(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & (0xfffff000u ^ zero)); }`,
  powerOfTwo: `fn powerOfTwo(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23u); }`,

  negOf: `fn negOf(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }`,
  absOf: `fn absOf(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }`,
  signOf: `fn signOf(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  if (size == 0u || size > 0x7f800000u) { return x; }
  return bitcast<f32>((bits & 0x80000000u) | 0x3f800000u);
}`,
  reluOf: `fn reluOf(x: f32) -> f32 { let bits = bitcast<u32>(x); return select(x, 0.0, bits > 0x80000000u && bits <= 0xff800000u); }`,
  // From 2²³ on, and where x is NaN or ∞, it is x itself.
  floorOf: `fn floorOf(x: f32) -> f32 { return select(floor(x), x, (bitcast<u32>(x) & 0x7fffffffu) >= 0x4b000000u); }`,
  // Of a number from 1 to 4, with a step of Newton's method for what the driver leaves.
  sqrtOf: `fn sqrtOf(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) == 0u || bits == 0x7f800000u || isNan(x)) { return x; }
  if (bits > 0x80000000u) { return ${NAN}; }
  let subnormal = bits < 0x00800000u;
  let y = select(x, 2.0 * f32(bits), subnormal);
  let half = (i32(bitcast<u32>(y) >> 23u) - 127) >> 1u;
  let m = exactly(exactly(y * powerOfTwo(-half)) * powerOfTwo(-half));
  let root = sqrt(m);
  let high = twelve(root);
  let low = exactly(root - high);
  let rest = exactly(exactly(exactly(m - exactly(high * high)) - exactly(2.0 * high * low)) - exactly(low * low));
  return exactly(root + rest / (2.0 * root)) * powerOfTwo(half - select(0, 75, subnormal));
}`,

  addOf: `fn addOf(a: f32, b: f32) -> f32 { return exactly(a + b); }`,
  // x − x is no 0 where x is NaN or ∞, but compilers may take it for one.
  subOf: `fn subOf(a: f32, b: f32) -> f32 { return exactly(a - exactly(b)); }`,
  mulOf: `fn mulOf(a: f32, b: f32) -> f32 { return exactly(a * b); }`,
  // Drivers may lose divisors beyond 2¹²⁶.
  divOf: `fn divOf(a: f32, b: f32) -> f32 {
  let size = bitcast<u32>(b) & 0x7fffffffu;
  if (size == 0u || size >= 0x7f800000u) {
    let sizeOfA = bitcast<u32>(a) & 0x7fffffffu;
    let sign = (bitcast<u32>(a) ^ bitcast<u32>(b)) & 0x80000000u;
    if (size > 0x7f800000u || sizeOfA > 0x7f800000u || (size == 0u && sizeOfA == 0u) || (size != 0u && sizeOfA == 0x7f800000u)) { return ${NAN}; }
    return number(select(0u, 0x7f800000u, size == 0u) | sign);
  }
  if (size >= 0x7e000000u) { return exactly(exactly(a * 0.0625) / exactly(b * 0.0625)); }
  return exactly(a / b);
}`,
  maximumOf: `fn maximumOf(a: f32, b: f32) -> f32 {
  if (isNan(a) || isNan(b)) { return ${NAN}; }
  if (a == b) { return bitcast<f32>(bitcast<u32>(a) & bitcast<u32>(b)); }
  return select(b, a, a > b);
}`,
  minimumOf: `fn minimumOf(a: f32, b: f32) -> f32 {
  if (isNan(a) || isNan(b)) { return ${NAN}; }
  if (a == b) { return bitcast<f32>(bitcast<u32>(a) | bitcast<u32>(b)); }
  return select(b, a, a < b);
}`,
  equalOf: `fn equalOf(a: f32, b: f32) -> f32 { return select(0.0, 1.0, a == b && !isNan(a) && !isNan(b)); }`,
  lessOf: `fn lessOf(a: f32, b: f32) -> f32 { return select(0.0, 1.0, a < b && !isNan(a) && !isNan(b)); }`,
  lessEqualOf: `fn lessEqualOf(a: f32, b: f32) -> f32 { return select(0.0, 1.0, a <= b && !isNan(a) && !isNan(b)); }`,
  // The bits of a where the condition is not 0 (NaN is not), else those of b.
  selectOf: `fn selectOf(condition: f32, a: f32, b: f32) -> f32 { return select(b, a, (bitcast<u32>(condition) & 0x7fffffffu) != 0u); }`,

  // -- pairs: a number, and what rounding has taken from it (Dekker 1971)
  isFinite: `fn isFinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }`,
  pair: `fn pair(x: f32, taken: f32) -> vec2f {
  let sum = exactly(x + taken);
  return vec2f(sum, exactly(taken - exactly(sum - x)));
}`,
  pairPlus: `fn pairPlus(a: vec2f, b: f32) -> vec2f {
  let sum = exactly(a.x + b);
  if (!isFinite(sum)) { return vec2f(sum, 0.0); }
  let other = exactly(sum - a.x);
  return pair(sum, exactly(a.y + exactly(exactly(a.x - exactly(sum - other)) + exactly(b - other))));
}`,
  pairTimes: `fn pairTimes(a: vec2f, b: f32) -> vec2f {
  let product = exactly(a.x * b);
  if (!isFinite(product)) { return vec2f(product, 0.0); }
  let aHigh = twelve(a.x);
  let aLow = exactly(a.x - aHigh);
  let bHigh = twelve(b);
  let bLow = exactly(b - bHigh);
  let taken = exactly(exactly(exactly(exactly(aHigh * bHigh) - product) + exactly(aHigh * bLow)) + exactly(aLow * bHigh));
  return pair(product, exactly(exactly(taken + exactly(aLow * bLow)) + exactly(a.y * b)));
}`,

  // -- numbers that the heap holds
  fromHalves: `fn fromHalves(at: u32) -> u32 { return u32(heap[at]) | (u32(heap[at + 1u]) << 16u); }`,
  next: `fn next(links: u32, k: u32) -> u32 { return u32(heap[links + k]); }`,

  // -- exponentials: x = n ln 2 + r with |r| ≤ ln 2 / 2
  Reduced: `struct Reduced { n: i32, r: f32 }`,
  reduce: `fn reduce(x: f32) -> Reduced {
  let n = exactly(exactly(x * ${literal(Math.LOG2E)} + ${ROUND}) - ${ROUND});
  return Reduced(i32(n), exactly(exactly(x - exactly(n * ${literal(LN2_HIGH)})) - exactly(n * ${literal(LN2_LOW)})));
}`,
  expm1Reduced: `fn expm1Reduced(r: f32) -> f32 { return exactly(exactly(${horner("r", EXP)} * exactly(r * r)) + r); }`,
  // 2ⁿ eʳ: in two factors, as 2ⁿ itself may be too large or too small where that is not.
  scaledExp: `fn scaledExp(n: i32, r: f32) -> f32 {
  let half = n >> 1u;
  return exactly(exactly(exactly(1.0 + expm1Reduced(r)) * powerOfTwo(half)) * powerOfTwo(n - half));
}`,
  expOf: `fn expOf(x: f32) -> f32 {
  if (isNan(x)) { return x; }
  if (x > 89.0) { return ${INFINITE}; }
  if (x < -104.0) { return 0.0; }
  let by = reduce(x);
  return scaledExp(by.n, by.r);
}`,
  // 2ⁿ (eʳ − 1) + (2ⁿ − 1), divided and multiplied by a power
  expm1Of: `fn expm1Of(x: f32) -> f32 {
  if (isNan(x) || x == 0.0) { return x; }
  if (x > 89.0) { return ${INFINITE}; }
  if (x < -20.0) { return -1.0; }
  let by = reduce(x);
  let half = by.n >> 1u;
  let power = powerOfTwo(half);
  let other = by.n - half;
  return exactly(exactly(exactly(expm1Reduced(by.r) * power) + exactly(power - powerOfTwo(-other))) * powerOfTwo(other));
}`,
  // (e²ˣ − 1) / (e²ˣ + 1)
  tanhOf: `fn tanhOf(x: f32) -> f32 {
  if (isNan(x)) { return x; }
  let size = bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu);
  var y = 1.0;
  if (size < ${literal(2 ** -13)}) {
    y = size;
  } else if (size < 10.0) {
    let by = reduce(2.0 * size);
    let power = powerOfTwo(by.n);
    let u = exactly(exactly(expm1Reduced(by.r) * power) + exactly(power - 1.0));
    y = exactly(u / exactly(u + 2.0));
  }
  return bitcast<f32>(bitcast<u32>(y) | (bitcast<u32>(x) & 0x80000000u));
}`,
  sigmoidOf: `fn sigmoidOf(x: f32) -> f32 {
  if (isNan(x)) { return x; }
  let e = expOf(bitcast<f32>(bitcast<u32>(x) | 0x80000000u));
  return exactly(select(1.0, e, x < 0.0) / exactly(1.0 + e));
}`,

  // -- logarithms: x = 2ᵏ m with √½ ≤ m < √2; subnormal x are their bits as an integer times 2⁻¹⁴⁹
  Apart: `struct Apart { k: f32, m: f32 }`,
  apart: `fn apart(bits: u32) -> Apart {
  let subnormal = bits < 0x00800000u;
  let y = select(bits, bitcast<u32>(f32(bits)), subnormal) - 0x3f3504f3u;
  return Apart(f32((bitcast<i32>(y) >> 23u) - select(0, 149, subnormal)), bitcast<f32>((y & 0x7fffffu) + 0x3f3504f3u));
}`,
  logOf: `fn logOf(x: f32, correction: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) == 0u) { return number(0xff800000u); }
  if (bits >= 0x7f800000u) { return select(${NAN}, x, bits == 0x7f800000u); }
  let by = apart(bits);
  let k = by.k;
  let f = by.m - 1.0;
  let square = exactly(f * f);
  // Smallest parts first.
  var sum = exactly(exactly(exactly(${horner("f", LOG)} * f) * square) + correction);
  sum = exactly(exactly(k * ${literal(LN2_LOW)}) + sum);
  sum = exactly(exactly(sum - 0.5 * square) + f);
  return exactly(exactly(k * ${literal(LN2_HIGH)}) + sum);
}`,
  log1pOf: `fn log1pOf(x: f32) -> f32 {
  let size = bitcast<u32>(x) & 0x7fffffffu;
  if (size < 0x33000000u || bitcast<u32>(x) == 0x7f800000u || isNan(x)) { return x; }
  let u = exactly(1.0 + x);
  // What rounding took away: exact, as what is subtracted from u is the larger of 1 and x.
  let taken = select(exactly(1.0 - exactly(u - x)), exactly(x - exactly(u - 1.0)), x < 1.0);
  return logOf(u, exactly(taken / u));
}`,

  // -- sine and cosine: |x| = n π/2 + r with |r| ≤ π/4
  mulHigh: `fn mulHigh(a: u32, b: u32) -> u32 {
  let t = (a >> 16u) * (b & 0xffffu) + (((a & 0xffffu) * (b & 0xffffu)) >> 16u);
  let u = (a & 0xffffu) * (b >> 16u) + (t & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (t >> 16u) + (u >> 16u);
}`,
  circular: `const twoOverPi = array<u32, ${TWO_OVER_PI.length}>(${TWO_OVER_PI.map((word) => `${word}u`).join(", ")});
fn circular(x: f32, shift: u32, sign: u32) -> f32 {
  let size = bitcast<u32>(x) & 0x7fffffffu;
  if (size >= 0x7f800000u) { return ${NAN}; }
  var n = shift;
  var r = bitcast<f32>(size);
  if (size > 0x3f490fdau) {
    // |x| · 2/π modulo 4 is an integer of 24 bits by a window of 96 bits of 2/π: those before count multiples of 4.
    let start = (size >> 23u) - 120u;
    var table = twoOverPi;
    let word = start >> 5u;
    let by = start & 31u;
    var window: array<u32, 3>;
    for (var i = 0u; i < 3u; i++) { window[i] = (table[word + i] << by) | ((table[word + i + 1u] >> 1u) >> (31u - by)); }
    let m = (size & 0x7fffffu) | 0x800000u;
    let middle = m * window[1];
    let low = middle + mulHigh(m, window[2]);
    let high = m * window[0] + mulHigh(m, window[1]) + select(0u, 1u, low < middle);
    n += high >> 30u;
    var first = (high << 2u) | (low >> 30u);
    var second = low << 2u;
    let negative = first >= 0x80000000u;
    if (negative) {
      n += 1u;
      second = ~second + 1u;
      first = ~first + select(0u, 1u, second == 0u);
    }
    var zeros = 32u;
    if (first == 0u) { first = second; second = 0u; zeros = 64u; }
    let lead = min(countLeadingZeros(first), 31u);
    zeros += lead;
    first = (first << lead) | ((second >> 1u) >> (31u - lead));
    let scale = powerOfTwo(-i32(zeros));
    let h = f32(first & 0xffffff00u);
    let l = f32(first & 0xffu);
    r = exactly(h * ${literal(Math.PI / 2)}) + exactly(exactly(l * ${literal(Math.PI / 2)}) + exactly(h * ${literal(Math.PI / 2 - Math.fround(Math.PI / 2))}));
    r = exactly(r * scale);
    if (negative) { r = -r; }
  }
  let square = exactly(r * r);
  let y = select(exactly(${horner("square", SIN)} * exactly(square * r)) + r, ${horner("square", COS)}, (n & 1u) == 1u);
  return bitcast<f32>(bitcast<u32>(y) ^ ((n & 2u) << 30u) ^ sign);
}`,
  sinOf: `fn sinOf(x: f32) -> f32 { return circular(x, 0u, bitcast<u32>(x) & 0x80000000u); }`,
  cosOf: `fn cosOf(x: f32) -> f32 { return circular(x, 1u, 0u); }`,

  // -- powers: 2 to the b log₂(a), in two parts, as an error of the logarithm counts b times
  log2Of: `fn log2Of(bits: u32) -> vec2f {
  let by = apart(bits);
  let k = by.k;
  let m = by.m;
  // log₂(m) by the series in s = f / (2 + f), of which the first 12 bits are exact
  let f = m - 1.0;
  let d = exactly(m + 1.0);
  let dHigh = twelve(d);
  let dLow = exactly(exactly(m - exactly(d - 1.0)) + exactly(d - dHigh));
  let high = twelve(exactly(f / d));
  let low = exactly(exactly(exactly(f - exactly(high * dHigh)) - exactly(high * dLow)) / d);
  let s = exactly(high + low);
  let square = exactly(s * s);
  let series = exactly(exactly(s * square) * ${horner("square", [5, 4, 3, 2, 1, 0].map((i) => 2 / Math.LN2 / (2 * i + 3)))});
  let product = exactly(high * ${literal(TWO_OVER_LN2_HIGH)});
  let rest = exactly(exactly(series + exactly(high * ${literal(TWO_OVER_LN2_LOW)})) + exactly(low * ${literal(2 / Math.LN2)}));
  let sum = exactly(k + product);
  let tail = exactly(exactly(product - exactly(sum - k)) + rest);
  let whole = exactly(sum + tail);
  return vec2f(whole, exactly(exactly(sum - whole) + tail));
}`,
  powOf: `fn powOf(a: f32, b: f32) -> f32 {
  let bits = bitcast<u32>(a);
  let sizeOfA = bits & 0x7fffffffu;
  let sizeOfB = bitcast<u32>(b) & 0x7fffffffu;
  if (sizeOfB == 0u || bits == 0x3f800000u) { return 1.0; }
  if (sizeOfA > 0x7f800000u || sizeOfB > 0x7f800000u) { return ${NAN}; }
  let isNegative = bits >= 0x80000000u;
  let isPositivePower = bitcast<u32>(b) < 0x80000000u;
  if (sizeOfB == 0x7f800000u) {
    if (sizeOfA == 0x3f800000u) { return 1.0; }
    return select(0.0, ${INFINITE}, (sizeOfA > 0x3f800000u) == isPositivePower);
  }
  let isInteger = sizeOfB >= 0x4b000000u || floor(b) == b;
  let isOdd = isInteger && sizeOfB < 0x4b800000u && (i32(b) & 1) == 1;
  let sign = select(0u, 0x80000000u, isNegative && isOdd);
  if (sizeOfA == 0u || sizeOfA == 0x7f800000u) { return number(select(0u, 0x7f800000u, (sizeOfA != 0u) == isPositivePower) | sign); }
  if (isNegative && !isInteger) { return ${NAN}; }
  let log = log2Of(sizeOfA);
  var whole = exactly(b * log.x);
  var rest = 0.0;
  if (whole > 200.0) { whole = 200.0; } else if (whole < -200.0) { whole = -200.0; } else {
    let bHigh = twelve(b);
    let bLow = exactly(b - bHigh);
    let high = twelve(log.x);
    let low = exactly(exactly(log.x - high) + log.y);
    whole = exactly(bHigh * high);
    rest = exactly(exactly(b * low) + exactly(bLow * high));
  }
  let n = exactly(exactly(whole + ${ROUND}) - ${ROUND});
  let y = scaledExp(i32(n), exactly(exactly(exactly(whole - n) + rest) * ${literal(Math.LN2)}));
  return bitcast<f32>(bitcast<u32>(y) | sign);
}`,
};

/** The call of a function; `where` of expressions is "select". */
export function call(name: UnaryName | BinaryName | "select", ...operands: readonly string[]): string {
  return name === "log" ? `logOf(${operands[0]}, 0.0)` : `${name}Of(${operands.join(", ")})`;
}

/**
 * The functions that some code calls, with those that they call, each once, in WGSL. A module has `var<private> zero: u32`, and sets it to a 0 that its
 * compiler cannot know.
 */
export function functionsFor(text: string): string {
  const found = new Set<string>();
  const add = (code: string): void => {
    for (const [name] of code.matchAll(/\b\w+(?=\()/g)) {
      if (!Object.hasOwn(definitions, name) || found.has(name)) continue;
      found.add(name);
      add(definitions[name]);
    }
  };
  add(text);
  return [...found].map((name) => definitions[name]).join("\n");
}
