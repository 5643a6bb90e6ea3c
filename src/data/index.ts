/**
 * Bringing data to a model: random order, batches, padding.
 * @module data
 */

export { type BatchOptions, type Column, minibatches, type Rows, sampleCount, type TableBatchOptions } from "./minibatches.ts";
export { type PaddedSequences, type PadOptions, padSequences, type SequenceLike, unpadSequences } from "./pad-sequences.ts";
export { type ShuffleOptions, shuffled } from "./shuffled.ts";
export type { AsyncSource, Source } from "./source.ts";
export { StreamError } from "./stream-error.ts";
