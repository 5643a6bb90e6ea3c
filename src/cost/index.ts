export { type CostOptions, categoricalCrossEntropyWithScores, type Labels } from "./cost.ts";
