/** What messages have in common. */

/** A list for a message: at most `most` entries. */
export function listed(entries: readonly string[], most = 10, separator = ", "): string {
  const rest = entries.length - most;
  return entries.slice(0, most).join(separator) + (rest > 0 ? `${separator}and ${rest} more` : "");
}

/** A name, or whatever is in its place, that comes from a file. */
export function quoted(name: unknown): string {
  if (typeof name === "string") return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
  return typeof name === "object" && name !== null ? (Array.isArray(name) ? "[…]" : "{…}") : String(name);
}

/** A path of fields, which may be long. */
export const pathText = (path: string): string => (path.length > 120 ? `${path.slice(0, 120)}…` : path);

/** A shape that may come from a file. */
export const shapeText = (shape: readonly number[]): string => `[${listed(shape.map(String), 12)}]`;

export const messageOf = (error: unknown): string => (error as Error | null)?.message ?? String(error);
