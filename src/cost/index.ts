/** Costs: what training makes small. Summed over samples by default, as a negative log likelihood is. */

export * from "./bernoulli.ts";
export * from "./categorical.ts";
export { type CtcCostOptions, ctcWithScores } from "./ctc.ts";
export * from "./dice.ts";
export * from "./embeddings.ts";
export * from "./focal.ts";
export * from "./hinge.ts";
export * from "./kl-divergence.ts";
export * from "./mse.ts";
export * from "./robust.ts";
export type { CostOptions, Labels, Numbers } from "./samples.ts";
