/**
 * The order of a batched trace, as in on-the-fly batching (Neubig et al., arXiv:1705.07860): whenever nothing else can be computed, the kind
 * with the least average depth runs, with all that is ready of it. Linear in the number of nodes.
 */

import type { Graph } from "./graph.ts";
import type { Kind, Kinds } from "./kinds.ts";

/** What happens in that order. */
export interface Scheduled {
  /** A node of no kind, whose inputs are there. */
  node(node: number): void;
  /** The members of a kind that are ready. */
  kind(kind: Kind, members: number[]): void;
}

export function schedule(graph: Graph, { list, of }: Kinds, run: Scheduled): void {
  const { trace, needed } = graph;
  // The consumers of each node, in one array.
  const first = new Int32Array(trace.count + 1);
  const waiting = new Int32Array(trace.count);
  for (let node = 0; node < trace.count; node++) {
    if (needed[node] === 0) continue;
    waiting[node] = trace.inputCount(node);
    for (let k = waiting[node] - 1; k >= 0; k--) first[trace.input(node, k) + 1]++;
  }
  for (let node = 0; node < trace.count; node++) first[node + 1] += first[node];
  const fill = first.slice();
  const consumers = new Int32Array(first[trace.count]);
  for (let node = 0; node < trace.count; node++) {
    if (needed[node] === 0) continue;
    for (let k = trace.inputCount(node) - 1; k >= 0; k--) consumers[fill[trace.input(node, k)]++] = node;
  }
  const queue = new Int32Array(trace.count);
  let end = 0;
  for (let node = 0; node < trace.count; node++) if (needed[node] === 1 && waiting[node] === 0) queue[end++] = node;
  const complete = (node: number): void => {
    for (let i = first[node]; i < first[node + 1]; i++) if (--waiting[consumers[i]] === 0) queue[end++] = consumers[i];
  };

  // No kind before this one has members that are ready.
  let least = 0;
  for (let at = 0; ; ) {
    while (at < end) {
      const node = queue[at++];
      const place = of[node] - 1;
      if (place >= 0) {
        list[place].ready.push(node);
        if (place < least) least = place;
      } else {
        run.node(node);
        complete(node);
      }
    }
    while (least < list.length && list[least].ready.length === 0) least++;
    if (least === list.length) return;
    const kind = list[least];
    const members = kind.ready;
    kind.ready = [];
    run.kind(kind, members);
    for (const node of members) complete(node);
  }
}
