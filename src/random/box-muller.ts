/**
 * Two uniform numbers into one normal number, from additions, products, quotients and square roots only.
 * IEEE 754 rounds these in one way; Math.log and Math.cos may differ between JavaScript engines.
 *
 * G. E. P. Box, M. E. Muller: A note on the generation of random normal deviates. 1958.
 */

/**
 * √(−2 ln(1 − a/2²⁴)) · cos(2π b/2²⁴) for integers 0 ≤ a, b < 2²⁴: a standard normal number.
 * 1 − a/2²⁴ is never 0, so the result is finite: at most √(48 ln 2) ≈ 5.77 in magnitude.
 */
export function boxMuller(a: number, b: number): number {
  return Math.sqrt(-2 * logarithm(0x1000000 - a)) * cosine(b);
}

/** ln(m / 2²⁴) for an integer 0 < m ≤ 2²⁴: an exponent of two and a series around 1. */
function logarithm(m: number): number {
  let exponent = 31 - Math.clz32(m);
  let fraction = m / (1 << exponent);
  if (fraction > Math.SQRT2) {
    fraction /= 2;
    exponent++;
  }
  // ln f = 2 artanh((f − 1) / (f + 1)); |s| < 0.172, so the first term left out is below 2⁻⁵⁸ of the first.
  const s = (fraction - 1) / (fraction + 1);
  const t = s * s;
  const series =
    1 + t * (1 / 3 + t * (1 / 5 + t * (1 / 7 + t * (1 / 9 + t * (1 / 11 +
    t * (1 / 13 + t * (1 / 15 + t * (1 / 17 + t * (1 / 19 + t * (1 / 21))))))))));
  return (exponent - 24) * Math.LN2 + 2 * s * series;
}

/** cos(2π b / 2²⁴) for an integer 0 ≤ b < 2²⁴: the quarter of the circle is known exactly. */
function cosine(b: number): number {
  const quarter = b >>> 22;
  const rest = b & 0x3fffff;
  const sine = sineOfQuarter((quarter & 1) === 0 ? 0x400000 - rest : rest);
  return quarter === 0 || quarter === 3 ? sine : -sine;
}

/** sin(π/2 · i/2²²) for an integer 0 ≤ i ≤ 2²², by its Taylor series up to x²³. */
function sineOfQuarter(i: number): number {
  const x = i * (Math.PI / 0x800000);
  const t = x * x;
  const series =
    1 - t * (1 / 6) * (1 - t * (1 / 20) * (1 - t * (1 / 42) * (1 - t * (1 / 72) * (1 - t * (1 / 110) *
    (1 - t * (1 / 156) * (1 - t * (1 / 210) * (1 - t * (1 / 272) * (1 - t * (1 / 342) * (1 - t * (1 / 420) *
    (1 - t * (1 / 506)))))))))));
  return x * series;
}
