/** What a user keeps with a checkpoint: values that JSON has, and numbers that are not finite. */

import { ValueError } from "../index.ts";
import { isPlainObject } from "../support/arrays.ts";
import { describe } from "../support/describe.ts";
import { type TypedArray, typedArrayName, typedArrays } from "./dtypes.ts";
import { define } from "./holdings.ts";
import { isRecord, mostLevels } from "./json.ts";
import { quoted } from "./messages.ts";
import type { Json } from "./structure.ts";
import type { TensorFile } from "./tensor-file.ts";

/** A value that may be kept: what JSON has, any number, and typed arrays, which become tensors of the file. */
export type Metadata = null | boolean | number | string | TypedArray | readonly Metadata[] | { readonly [key: string]: Metadata };

/** What the names of its tensors begin with. */
export const metadataPrefix = "metadata/";

const others = ["NaN", "Infinity", "-Infinity", "-0"];

/**
 * @param add puts a typed array into the file, and gives the name that it has there
 * @throws ValueError for what cannot be kept
 */
export function encodeMetadata(caller: string, value: unknown, add: (array: TypedArray) => string, path = "metadata", level = 0): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: Object.is(value, -0) ? "-0" : String(value) };
  if (level >= mostLevels.saved) {
    throw new ValueError(`${caller} cannot save ${path.slice(0, 60)}…: it is nested in more than ${mostLevels.saved} levels, or contains itself.`);
  }
  if (Array.isArray(value)) return Array.from(value, (entry, i) => encodeMetadata(caller, entry, add, `${path}[${i}]`, level + 1));
  const type = typedArrayName(value);
  if (type !== null) return { $: "array", type, tensor: add(value as TypedArray) };
  if (isPlainObject(value)) {
    if ("$" in value) throw new ValueError(`${caller} cannot save ${path}: the key "$" is taken for numbers that JSON does not have. Choose another.`);
    const json: { [key: string]: Json } = {};
    for (const [key, entry] of Object.entries(value)) define(json, key, encodeMetadata(caller, entry, add, `${path}.${key}`, level + 1));
    return json;
  }
  throw new ValueError(
    `${caller} cannot save ${path}, which is ${describe(value)}. Numbers, strings, booleans, null, arrays, typed arrays and plain objects can be kept.`,
  );
}

/**
 * The value of JSON that has been read, its nesting checked.
 * @param tensors gets the names of the tensors that belong to it
 * @throws CheckpointError for typed arrays that the file does not have
 */
export function decodeMetadata(file: TensorFile, json: unknown, tensors: Set<string>): Metadata {
  if (Array.isArray(json)) return json.map((entry) => decodeMetadata(file, entry, tensors));
  if (!isRecord(json)) return json as Metadata;
  if (others.includes(json.$ as string) && Object.keys(json).length === 1) return Number(json.$);
  if (json.$ === "array") return decodeArray(file, json, tensors);
  const object = {};
  for (const [key, entry] of Object.entries(json)) define(object, key, decodeMetadata(file, entry, tensors));
  return object;
}

function decodeArray(file: TensorFile, { type, tensor }: Record<string, unknown>, tensors: Set<string>): TypedArray {
  const { make, dtype } = typedArrays.get(type as string) ?? {};
  if (make === undefined || typeof tensor !== "string" || !tensor.startsWith(metadataPrefix) || !file.has(tensor) || tensors.has(tensor) ||
    file.dtype(tensor) !== dtype || file.shape(tensor).length !== 1) {
    throw file.damaged(`its metadata have an array of the type ${quoted(type)} in the tensor ${quoted(tensor)}, which is not there, is of ` +
      "another type, or has been taken already.");
  }
  tensors.add(tensor);
  return file.array(tensor, make);
}
