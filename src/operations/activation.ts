/** Elementwise activation functions. */

import { defineElementwise, defineUnary } from "./define-elementwise.ts";

/**
 * The hyperbolic tangent.
 * @example
 * tanh(input([0, 1])).toArray(); // [0, 0.7616]
 */
export const tanh = defineUnary("tanh");
/**
 * 1 / (1 + e⁻ˣ)
 * @example
 * sigmoid(input([0, 2])).toArray(); // [0.5, 0.8808]
 */
export const sigmoid = defineUnary("sigmoid");
/**
 * max(x, 0); its derivative at 0 is 0.
 * @example
 * const x = input([-1, 0, 2]);
 * relu(x).toArray(); // [0, 0, 2]
 * gradients(() => relu(x).sum(), [x])[0].toArray(); // [0, 0, 1]
 */
export const relu = defineUnary("relu");
/**
 * log(1 + eˣ); beyond 33 that is x to the last bit.
 * @example
 * softplus(input([0, 100])).toArray(); // [0.6931, 100]
 */
export const softplus = defineElementwise("softplus", (x) => x.greater(33).where(x, x.exp().log1p()));
/**
 * The Gaussian error linear unit, in its tanh form (Hendrycks & Gimpel, arXiv:1606.08415).
 * @example
 * gelu(input([-1, 0, 1])).toArray(); // [-0.1588, 0, 0.8412]
 */
export const gelu = defineElementwise("gelu", (x) => {
  const curve = x.mul(x.mul(x).mul(0.044715).add(1).mul(x).mul(2 * Math.sqrt(2 / Math.PI)).sigmoid());
  // From there on it is 0 or x to the last bit, and x³ might be infinite.
  return x.abs().greater(22).where(x.relu(), curve);
});
