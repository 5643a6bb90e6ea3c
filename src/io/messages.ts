/** What messages about files have in common. */

import { describe, listed } from "../support/describe.ts";

/** A name, or whatever is in its place, that comes from a file: names of tensors are long. */
export const quoted = (name: unknown): string =>
  (typeof name === "string" ? JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name) : describe(name));

/** A path of fields, which may be long. */
export const pathText = (path: string): string => (path.length > 120 ? `${path.slice(0, 120)}…` : path);

/** A shape that may come from a file. */
export const shapeText = (shape: readonly number[]): string => `[${listed(shape.map(String), 12)}]`;
