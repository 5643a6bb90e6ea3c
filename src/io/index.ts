/**
 * Saving and restoring: components with their training, as safetensors files.
 * @module io
 */

export {
  type Checkpoint, type Inspection, inspect, type RestoreOptions, readTensors, restore, type SaveOptions, save, serialize, serializeTensors, type Tensors,
  type TensorsOptions, writeTensors,
} from "./checkpoint.ts";
export { saveAsync, serializeAsync, serializeTensorsAsync, writeTensorsAsync } from "./later.ts";
export type { Dtype } from "./dtypes.ts";
export { FileError } from "../support/file-error.ts";
export { CheckpointError } from "./errors.ts";
export type { Metadata } from "./metadata.ts";
export { type ComponentClass, registerComponents } from "./registry.ts";
export type { TensorInfo } from "./safetensors.ts";
export type { Source } from "./source.ts";
export type { OneOrMore } from "./training.ts";
