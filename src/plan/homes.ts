/**
 * Where arrays that are used together are made: in rows, one after another, so that joining them costs nothing.
 * Each `join` of a trace asks that its inputs follow one another; those wishes that agree become rows.
 */

import { sizeOf } from "../support/shape.ts";
import { Role, roleOf } from "./role.ts";
import type { Trace } from "./trace.ts";

export interface Homes {
  /** The row of each node, −1 for none, and where in the row it begins. */
  readonly row: Int32Array;
  readonly start: Int32Array;
  /** The elements of each row. */
  readonly sizes: number[];
  /** The value of each row, −1 before anything is in it. */
  readonly values: number[];
  /** The joins whose inputs follow one another in a row. */
  readonly joins: ReadonlySet<number>;
  /** 1 for nodes that were made elsewhere and have been copied to their place in the row. */
  readonly filled: Uint8Array;
}

/**
 * @param joins nodes, in order of their importance: where wishes contradict each other, the earlier counts
 * @param unit arrays begin at multiples of so many elements
 */
export function homesOf(trace: Trace, joins: readonly number[], unit: number): Homes {
  const { count } = trace;
  const next = new Int32Array(count).fill(-1);
  const previous = new Int32Array(count).fill(-1);
  /** For both ends of a row the other one. */
  const end = new Int32Array(count).map((_, node) => node);
  const follows = (a: number, b: number): boolean => {
    if (next[a] === b) return true;
    if (next[a] >= 0 || previous[b] >= 0 || end[a] === b) return false;
    next[a] = b;
    previous[b] = a;
    const [head, tail] = [end[a], end[b]];
    end[head] = tail;
    end[tail] = head;
    return true;
  };
  const inRow = new Set<number>();
  for (const join of joins) {
    let isMade = false;
    let fits = true;
    const inputs = trace.inputCount(join);
    for (let k = 0; k < inputs; k++) {
      const input = trace.input(join, k);
      const role = roleOf(trace, input);
      if (!trace.isLeaf(input) && role !== Role.view && role !== Role.move) isMade = true;
      if (sizeOf(trace.shapes[input]) % unit !== 0) fits = false;
    }
    if (!isMade || !fits) continue;
    for (let k = 1; k < inputs && fits; k++) fits = follows(trace.input(join, k - 1), trace.input(join, k));
    if (fits) inRow.add(join);
  }

  const homes: Homes = {
    row: new Int32Array(count).fill(-1), start: new Int32Array(count), sizes: [], values: [], joins: inRow, filled: new Uint8Array(count),
  };
  for (let head = 0; head < count; head++) {
    if (previous[head] >= 0 || next[head] < 0) continue;
    const row = homes.sizes.push(0) - 1;
    homes.values.push(-1);
    for (let node = head; node >= 0; node = next[node]) {
      homes.row[node] = row;
      homes.start[node] = homes.sizes[row];
      homes.sizes[row] += sizeOf(trace.shapes[node]);
    }
  }
  return homes;
}
