/** What a user keeps with a checkpoint: values that JSON has, and numbers that are not finite. */

import { ValueError } from "../index.ts";
import { isPlainObject } from "../support/options.ts";
import { define } from "./holdings.ts";
import { isRecord, mostLevels } from "./json.ts";
import type { Json } from "./structure.ts";

/** A value that may be kept: what JSON has, and any number. */
export type Metadata = null | boolean | number | string | readonly Metadata[] | { readonly [key: string]: Metadata };

const others = ["NaN", "Infinity", "-Infinity", "-0"];

/** @throws ValueError for what cannot be kept */
export function encodeMetadata(caller: string, value: unknown, path = "metadata", level = 0): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: Object.is(value, -0) ? "-0" : String(value) };
  if (level >= mostLevels.saved) throw new ValueError(`${caller} cannot save ${path.slice(0, 60)}…: it is nested in more than ${mostLevels.saved} levels, or contains itself.`);
  if (Array.isArray(value)) return Array.from(value, (entry, i) => encodeMetadata(caller, entry, `${path}[${i}]`, level + 1));
  if (isPlainObject(value)) {
    if ("$" in value) throw new ValueError(`${caller} cannot save ${path}: the key "$" is taken for numbers that JSON does not have. Choose another.`);
    const json: { [key: string]: Json } = {};
    for (const [key, entry] of Object.entries(value)) define(json, key, encodeMetadata(caller, entry, `${path}.${key}`, level + 1));
    return json;
  }
  const what = typeof value === "object" ? `an object of the class ${value.constructor?.name || "without a name"}` : value === undefined ? "undefined" : `a ${typeof value}`;
  throw new ValueError(`${caller} cannot save ${path}, which is ${what}. Numbers, strings, booleans, null, arrays and plain objects can be kept.`);
}

/** The value of JSON that has been read, its nesting checked. */
export function decodeMetadata(json: unknown): Metadata {
  if (Array.isArray(json)) return json.map(decodeMetadata);
  if (!isRecord(json)) return json as Metadata;
  if (others.includes(json.$ as string) && Object.keys(json).length === 1) return Number(json.$);
  const object = {};
  for (const [key, entry] of Object.entries(json)) define(object, key, decodeMetadata(entry));
  return object;
}
