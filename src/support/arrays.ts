/** What programs hold numbers in, also where another realm made it (Jest, `node:vm`, frames): its classes are other objects there. */

import type { Url } from "./platform.ts";

export type TypedArray =
  | Float32Array | Float64Array | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array
  | BigInt64Array | BigUint64Array;

/** Numbers in a row: an array or a typed array of any kind. */
export type NumberList = ArrayLike<number> | TypedArray;

/** The name of the built-in class of a value, such as `Map`. */
export const kindOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

export const isMap = (value: unknown): value is Map<unknown, unknown> => kindOf(value) === "Map";

export const isUrl = (value: unknown): value is Url => kindOf(value) === "URL";

/** An array, or a typed one: a row of a table is often a Float32Array. */
export const isList = (value: unknown): value is ArrayLike<unknown> => Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value);

/** A list as it is, but for arrays of 64-bit integers, whose elements become numbers. */
export const withNumbers = <T>(list: T): T => (kindOf(list).startsWith("Big") ? Array.from(list as BigInt64Array, Number) as T : list);

/** Made by `{…}`, in whatever realm. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || (Object.getPrototypeOf(prototype) === null && !Array.isArray(value));
}
