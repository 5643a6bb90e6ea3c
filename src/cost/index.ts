/** Costs: what training makes small. Summed over samples by default, as a negative log likelihood is. */

export { bernoulliCrossEntropy, bernoulliCrossEntropyWithScores } from "./bernoulli.ts";
export { categoricalCrossEntropy, categoricalCrossEntropyWithScores } from "./categorical.ts";
export { type CtcCostOptions, ctcWithScores } from "./ctc.ts";
export { mse } from "./mse.ts";
export type { CostOptions, Labels, Numbers } from "./samples.ts";
