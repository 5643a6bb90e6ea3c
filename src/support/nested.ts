/** Nested lists of numbers, read in one way. */

import { isList, withNumbers } from "./arrays.ts";
import { sizeOf } from "./shape.ts";

/**
 * The numbers of nested lists row by row, and their shape: the first list of each level says how long the others are.
 * @param isNumber whether an entry stands for a number
 * @param wrong the error for an entry, and where it is, that is no list of so many (or no number, where that is null)
 */
export function readNested(
  nested: unknown, isNumber: (entry: unknown) => boolean, wrong: (entry: unknown, place: readonly number[], expected: number | null) => Error,
): { values: Float64Array; shape: number[] } {
  const shape: number[] = [];
  for (let level = nested; isList(level); level = level[0]) shape.push(level.length);
  const values = new Float64Array(sizeOf(shape));
  const place: number[] = [];
  let count = 0;
  const read = (entry: unknown, axis: number): void => {
    if (axis === shape.length) {
      if (!isNumber(entry)) throw wrong(entry, place.slice(0, axis), null);
      values[count++] = Number(entry);
      return;
    }
    if (!isList(entry) || entry.length !== shape[axis]) throw wrong(entry, place.slice(0, axis), shape[axis]);
    const list = withNumbers(entry);
    for (let i = 0; i < list.length; i++) {
      place[axis] = i;
      read(list[i], axis + 1);
    }
  };
  read(nested, 0);
  return { values, shape };
}
