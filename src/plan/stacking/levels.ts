/**
 * The order in which operations are stacked: by *level*, a number of products that come before and, after the last of them, a number of
 * other operations. Operations of a kind and a level are stacked. A product goes to the last level at which its result is in time, so the
 * products of one member stand together whenever their operands became known (cf. dynamic batching: Looks et al., arXiv:1702.02181).
 */

import { type Alike, UNNEEDED } from "./alike.ts";
import { Role, roleOf } from "../role.ts";

export interface Levels {
  /** All needed operations, level by level. */
  readonly order: Int32Array;
  /** The level of each node. */
  readonly level: Int32Array;
}

export function levelsOf(alike: Alike): Levels {
  slide(alike);
  const { trace, kind, stage, place } = alike;
  let stages = 0;
  for (let node = 0; node < trace.count; node++) if (stage[node] >= stages) stages = stage[node] + 1;
  // The places of all stages one after another.
  const base = new Int32Array(stages + 1);
  for (let node = 0; node < trace.count; node++) if (place[node] >= base[stage[node] + 1]) base[stage[node] + 1] = place[node] + 1;
  for (let s = 0; s < stages; s++) base[s + 1] += base[s];
  const level = new Int32Array(trace.count);
  const starts = new Int32Array(base[stages] + 1);
  let total = 0;
  for (let node = 0; node < trace.count; node++) {
    if (kind[node] === UNNEEDED || trace.isLeaf(node)) continue;
    level[node] = base[stage[node]] + place[node];
    starts[level[node] + 1]++;
    total++;
  }
  for (let l = 0; l < base[stages]; l++) starts[l + 1] += starts[l];
  const order = new Int32Array(total);
  for (let node = 0; node < trace.count; node++) if (kind[node] !== UNNEEDED && !trace.isLeaf(node)) order[starts[level[node]]++] = node;
  return { order, level };
}

/** Moves products to the last stage at which they are in time. */
function slide({ trace, kind, stage }: Alike): void {
  const latest = new Int32Array(trace.count).fill(-1);
  for (let node = trace.count - 1; node >= 0; node--) {
    if (kind[node] === UNNEEDED) continue;
    const isProduct = roleOf(trace, node) === Role.product;
    const before = isProduct ? stage[node] - 1 : stage[node];
    for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
      const input = trace.input(node, k);
      if (latest[input] < 0 || latest[input] > before) latest[input] = before;
    }
    if (isProduct && kind[node] >= 0 && latest[node] > stage[node]) stage[node] = latest[node];
  }
}

/** How many operations are left when those of a kind and a level are one. */
export function countLeft({ kind, kinds, common }: Alike, { order, level }: Levels): number {
  const seen = new Int32Array(kinds).fill(-1);
  let left = 0;
  for (let i = 0; i < order.length; i++) {
    const node = order[i];
    const number = kind[node];
    if (number >= 0) {
      if (seen[number] === level[node]) continue;
      seen[number] = level[node];
    } else if (common[node] >= 0 && common[node] !== node) continue;
    left++;
  }
  return left;
}
