/** Part of a trace as a trace of its own. */

import { bufferKey } from "./buffer-key.ts";
import { LeafKind, Trace } from "./trace.ts";

export interface Part {
  readonly trace: Trace;
  /** The original node of each node. */
  readonly nodes: number[];
  /** What each array leaf is: a bufferKey of the original. */
  readonly keys: number[];
  /** Which scalar of the original each scalar is. */
  readonly scalars: number[];
  /** The node for one of the original, as a leaf if it is before the part. */
  enter(node: number): number;
}

/** A trace from some node on, as a trace of its own; what it uses of the nodes before becomes leaves. */
export function extract(trace: Trace, from: number): Part {
  const part = new Trace();
  const nodes: number[] = [];
  const keys: number[] = [];
  const scalars: number[] = [];
  const position = new Map<number, number>();
  const add = (node: number, copy: number): number => {
    position.set(node, copy);
    nodes.push(node);
    return copy;
  };
  const enter = (node: number): number => {
    const known = position.get(node);
    if (known !== undefined) return known;
    const shape = trace.shapes[node];
    if (!trace.isLeaf(node)) {
      keys.push(bufferKey.pinned(node));
      return add(node, part.array(LeafKind.resident, shape));
    }
    const ordinal = trace.leafOrdinal(node);
    const kind = trace.leafKind(node);
    if (kind === LeafKind.scalar) {
      scalars.push(ordinal);
      return add(node, part.scalar(trace.scalars[ordinal], shape));
    }
    keys.push(bufferKey.value(ordinal));
    return add(node, part.array(kind, shape));
  };
  for (let node = from; node < trace.count; node++) {
    if (trace.isLeaf(node)) continue;
    const inputs = Array.from({ length: trace.inputCount(node) }, (_, k) => enter(trace.input(node, k)));
    add(node, part.general(trace.operations[node], trace.shapes[node], inputs, trace.attributes(node)));
  }
  return { trace: part, nodes, keys, scalars, enter };
}
