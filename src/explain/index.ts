/**
 * What the planner makes of a program.
 * @module explain
 */

export { type Explanation, explain, type ExplainOptions, type LaunchReport, type StepReport } from "./explain.ts";
export type { GpuReport } from "./gpu.ts";
