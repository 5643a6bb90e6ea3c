/**
 * A training loop with progress, metrics, early stopping and checkpoints.
 * @module train
 */

export type { Data } from "./batches.ts";
export { fit } from "./fit.ts";
export { type HeatmapOptions, type HeatmapValues, heatmap, heatmapAsync } from "./heatmap.ts";
export type { EpochRecord, History, LossCurve, Stopped } from "./history.ts";
export * as metric from "./metric.ts";
export { type MetricsRecord, readMetrics } from "./metrics.ts";
export type {
  CheckpointOptions, EpochEvent, FitOptions, Measured, MetricsOptions, ProgressMode, StepEvent, TensorBoardOptions, Validation,
} from "./options.ts";
export { type Cell, type Curves, type ReportOptions, report, type Run, type Section } from "./report.ts";
export { DivergenceError, TrainingError } from "./training-error.ts";
