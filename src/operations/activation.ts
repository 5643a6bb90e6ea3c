/** Elementwise activation functions. */

import { defineElementwise } from "./define-elementwise.ts";

/** The hyperbolic tangent. */
export const tanh = defineElementwise("tanh", (x) => x.tanh());
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = defineElementwise("sigmoid", (x) => x.sigmoid());
/** max(x, 0); its derivative at 0 is 0. */
export const relu = defineElementwise("relu", (x) => x.relu());
/** log(1 + eˣ); beyond 33 that is x to the last bit. */
export const softplus = defineElementwise("softplus", (x) => x.greater(33).where(x, x.exp().log1p()));
/** The Gaussian error linear unit, in its tanh form (Hendrycks & Gimpel, arXiv:1606.08415). */
export const gelu = defineElementwise("gelu", (x) => {
  const curve = x.mul(x.mul(x).mul(0.044715).add(1).mul(x).mul(2 * Math.sqrt(2 / Math.PI)).sigmoid());
  // From there on it is 0 or x to the last bit, and x³ might be infinite.
  return x.abs().greater(22).where(x.relu(), curve);
});
