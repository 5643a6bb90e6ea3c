/** What a function of the user gives. */

import { isMap, kindOf } from "../support/arrays.ts";
import { Variable } from "./variable.ts";

/** Every Variable in arrays, objects, maps and sets, each once. */
export function variablesIn(value: unknown): Variable[] {
  if (value instanceof Variable) return [value];
  const found = new Set<Variable>();
  const seen = new Set<unknown>();
  const open: unknown[] = [value]; // no recursion: a result may be a list with ten thousand links
  while (open.length > 0) {
    const part = open.pop();
    if (typeof part !== "object" || part === null || seen.has(part) || ArrayBuffer.isView(part)) continue;
    seen.add(part);
    if (part instanceof Variable) found.add(part);
    else if (Array.isArray(part) || isMap(part) || kindOf(part) === "Set") (part as Map<unknown, unknown>).forEach((entry, key) => open.push(key, entry));
    else for (const entry of Object.values(part)) open.push(entry);
  }
  return [...found];
}
