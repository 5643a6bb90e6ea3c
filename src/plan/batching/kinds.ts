/** What batching runs as one: products with the same matrix and bias, and look-ups in the same table. */

import { sizeOf } from "../../support/shape.ts";
import type { Graph } from "./graph.ts";
import { Interned } from "../interned.ts";
import { FormAt, isPlain } from "../product.ts";
import { Role } from "../role.ts";
import type { Trace } from "../trace.ts";

/** Products or look-ups that share an operand. */
export interface Kind {
  readonly shared: number;
  /** The bias of products, −1 for none. */
  readonly bias: number;
  /** −1 for look-ups. */
  readonly transposeB: number;
  readonly width: number;
  /** The region of its members, 0 for none: regions are computed one after another. */
  readonly region: number;
  /** Its members that can run now. */
  ready: number[];
}

export interface Kinds {
  /** Those of several members, the ones with the least average depth first. */
  readonly list: readonly Kind[];
  /** For each node 1 + the place of its kind in the list, 0 for none. */
  readonly of: Int32Array;
}

/** A kind while its members are counted. */
interface Counted extends Kind {
  count: number;
  /** The depths of all members. */
  depth: number;
}

export function findKinds(graph: Graph): Kinds {
  const { trace, needed } = graph;
  const depth = new Int32Array(trace.count);
  const of = new Int32Array(trace.count);
  const numbers = new Interned();
  const all: Counted[] = [];
  const regions = regionsOf(trace);
  /** For each region the depth of what comes before it. */
  const before: number[] = [0];
  let most = 0;
  for (let node = 0; node < trace.count; node++) {
    if (needed[node] === 0) continue;
    const region = regions === null ? 0 : regions[node];
    before[region] ??= most;
    let deepest = before[region];
    for (let k = trace.inputCount(node) - 1; k >= 0; k--) deepest = Math.max(deepest, depth[trace.input(node, k)]);
    const role = graph.role[node];
    depth[node] = role === Role.view ? deepest : deepest + 1;
    if (depth[node] > most) most = depth[node];
    const isLookUp = role === Role.gather && trace.attribute(node, 0) === 0;
    if (!isLookUp && !(role === Role.product && isPlain(trace, node, 0))) continue;
    if (trace.shapes[node].length === 0 || sizeOf(trace.shapes[node]) === 0) continue;
    const shared = trace.input(node, isLookUp ? 0 : 1);
    const bias = !isLookUp && trace.inputCount(node) === 3 ? trace.input(node, 2) : -1;
    const transposeB = isLookUp ? -1 : trace.attribute(node, FormAt.transposeB);
    const width = isLookUp ? -1 : trace.attribute(node, FormAt.n);
    for (const word of [shared, bias, transposeB, width, region]) numbers.add(word);
    const number = numbers.number();
    all[number] ??= { shared, bias, transposeB, width, region, count: 0, depth: 0, ready: [] };
    all[number].count++;
    all[number].depth += depth[node];
    of[node] = number + 1;
  }
  numbers.release();
  // The number of a kind becomes its place in the order of depth.
  const list = all.filter(({ count }) => count > 1).sort((a, b) => a.depth / a.count - b.depth / b.count);
  const places = new Map(list.map((kind, i) => [kind, i + 1]));
  for (let node = 0; node < trace.count; node++) if (of[node] !== 0) of[node] = places.get(all[of[node] - 1]) ?? 0;
  return { list, of };
}

/** For each node 1 + the place of the innermost region that it lies in, 0 for none. */
function regionsOf({ regions, count }: Trace): Int32Array | null {
  if (regions.length === 0) return null;
  const of = new Int32Array(count);
  for (let i = regions.length - 1; i >= 0; i--) of.fill(i + 1, regions[i][0], regions[i][1]);
  return of;
}
