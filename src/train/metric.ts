/** Metrics over all samples of an epoch: what a cost for `fit` returns by a name beside the loss. */

export { auc } from "./auc.ts";
export { type AverageOptions, confusionMatrix, f1, precision, recall } from "./classification.ts";
export { accuracy, perplexity, ratio, topK } from "./ratio.ts";
export type { Average, Kind, Matrix, Result } from "./metric-results.ts";
export { Metric, Running, type RunningState } from "./running.ts";
export type { MetricOptions, ThresholdOptions, Truth } from "./metric-samples.ts";
