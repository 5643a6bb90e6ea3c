/** Runs of elements of several arrays, one after another: what stacking adds to a trace. Only plans contain it. */

import { Ints } from "./ints.ts";
import type { Lowerable } from "./lowering.ts";
import type { Shape } from "../support/shape.ts";
import { nextOperationId, type Trace } from "./trace.ts";

/** Attributes: for each run the input (−1 for zeros), where in it the run begins, and its length. */
export const collect: Lowerable = {
  name: "collect",
  id: /*#__PURE__*/ nextOperationId(),
  lower: (lowering, node) => { lowering.collect(node, lowering.trace.attributes(node)); },
};

/** A list of runs as it is put together: those that go on where the last one ended are joined to it. */
export class Runs {
  /** For each run its source, −1 for zeros, its start and its length. */
  readonly words = new Ints();

  clear(): void { this.words.length = 0; }

  add(source: number, start: number, length: number): void {
    const { words } = this;
    const last = words.length - 3;
    if (last >= 0 && words.at(last) === source && (source < 0 || words.at(last + 1) + words.at(last + 2) === start)) {
      words.put(last + 2, words.at(last + 2) + length);
      return;
    }
    words.push(source);
    words.push2(start, length);
  }

  /** The sources, each once, and the runs as a table over them. */
  table(): { readonly sources: number[]; readonly table: Int32Array } {
    const table = this.words.toArray();
    const sources: number[] = [];
    const places = new Map<number, number>();
    for (let at = 0; at < table.length; at += 3) {
      const source = table[at];
      if (source < 0) continue;
      let place = places.get(source);
      if (place === undefined) {
        place = sources.push(source) - 1;
        places.set(source, place);
      }
      table[at] = place;
    }
    return { sources, table };
  }
}

/** Adds a node with some runs of other nodes to a trace. */
export function addCollect(trace: Trace, shape: Shape, runs: Runs): number {
  const { sources, table } = runs.table();
  return trace.general(collect, shape, sources, table);
}
