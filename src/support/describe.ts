/** Values, names and errors as messages say them. */

import { isList, isPlainObject } from "./arrays.ts";

/** A short description of any value. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  if (isList(value)) return value.length === 0 ? "an empty list" : `an array of ${value.length}`;
  const { shape, then } = value as { readonly shape?: unknown; readonly then?: unknown };
  if (typeof then === "function") return "a promise: await it first";
  const name = value.constructor?.name || "object";
  if (Array.isArray(shape)) return `a ${name} [${shape.join(", ")}]`;
  return isPlainObject(value) ? "an object" : `a value of type ${name}`;
}

/** A list for a message: at most `most` entries. */
export function listed(entries: readonly string[], most = 10, separator = ", "): string {
  const rest = entries.length - most;
  return entries.slice(0, most).join(separator) + (rest > 0 ? `${separator}and ${rest} more` : "");
}

/** What an error says, whatever was thrown. */
export const messageOf = (error: unknown): string => (error as Error | null)?.message ?? String(error);
