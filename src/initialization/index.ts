/**
 * Values for parameters to start from. Each is drawn for a shape [outputs, inputs].
 * @module initialization
 */

export { normal, uniform } from "./distributions.ts";
export type { ActivationName, GainOptions } from "./gain.ts";
export { glorot, he, type ScaledOptions } from "./glorot.ts";
export { orthonormal } from "./orthonormal.ts";
export { type SparseOptions, sparse } from "./sparse.ts";
export { spectral } from "./spectral.ts";
export type { InitializationOptions } from "./weights.ts";
