/** Where an object holds things: in its fields, and in the lists, maps and plain objects that are there. */

import { isMap, isPlainObject } from "./arrays.ts";

/** One thing that is held, and where. */
export interface Place {
  readonly holder: object;
  readonly key: unknown;
  readonly value: unknown;
  /** Where the holder is held itself; null for the fields of the root. */
  readonly outer: Place | null;
  /** How many keys lead to it. */
  readonly depth: number;
}

/** May it hold other things, whatever these are? Arrays, maps and plain objects may. */
export const isContainer = (value: unknown): value is object => Array.isArray(value) || isMap(value) || isPlainObject(value);

/**
 * All that is held, in the order of the fields; what is held twice appears twice.
 * @param isPart whether to go on into the fields of an object that is no container
 */
export function* places(root: object, isPart: (value: unknown) => boolean): Generator<Place, void> {
  const levels = [{ holder: root, outer: null as Place | null, entries: entriesOf(root) }];
  const open = new Set<unknown>([root]); // a part may know what it is part of
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { done, value: entry } = level.entries.next();
    if (done === true) {
      levels.pop();
      open.delete(level.holder);
      continue;
    }
    const value = entry[1];
    const place: Place = { holder: level.holder, key: entry[0], value, outer: level.outer, depth: levels.length };
    yield place;
    if (!open.has(value) && (isContainer(value) || isPart(value))) {
      open.add(value);
      levels.push({ holder: value as object, outer: place, entries: entriesOf(value as object) });
    }
  }
}

/** The keys that lead to a place, from the root on. */
export function keysOf(place: Place): unknown[] {
  const keys: unknown[] = [];
  for (let at: Place | null = place; at !== null; at = at.outer) keys.push(at.key);
  return keys.reverse();
}

/** Keys as one name, such as `layers.0.w`. */
export const nameOfPath = (keys: readonly unknown[]): string => keys.reduce<string>((path, key) => (path === "" ? String(key) : `${path}.${String(key)}`), "");

const entriesOf = (holder: object): Iterator<[unknown, unknown]> => (isMap(holder) ? holder.entries() : Object.entries(holder).values());
