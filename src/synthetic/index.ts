/**
 * Tasks with known distributions, to try models on.
 * @module synthetic
 */

export { AddTask, type SequenceWithTarget } from "./add-task.ts";
export { type BabiStory, BabiTask, type BabiTaskOptions, formatBabi, words } from "./babi-task.ts";
export type { Length, TaskOptions } from "./check.ts";
export { CopyTask, type CopyTaskOptions } from "./copy-task.ts";
export { type LabelledSamples, MixtureTask } from "./mixture-task.ts";
export { type LabelledSequence, XorTask } from "./xor-task.ts";
