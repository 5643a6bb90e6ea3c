/**
 * Batching: what is the same and does not depend on each other runs as one. A trace becomes another one, in which
 *
 * - products with the same matrix are one product over all their rows: the input projections of all time steps, the same
 *   gate at many nodes of trees or in many sequences; look-ups in one table are one look-up;
 * - the gradient of a matrix that was used many times, a sum of products, is one product over all uses; sums of biases'
 *   and tables' gradients likewise;
 * - a sum that has a product among its terms is added up by the product itself.
 *
 * What is elementwise is computed when something needs it, so that it comes in long runs and can be fused. Linear in the number of nodes.
 */

import { sizeOf } from "../../support/shape.ts";
import { AddUp } from "./add-up.ts";
import { Graph } from "./graph.ts";
import { findKinds, type Kind } from "./kinds.ts";
import { FormAt } from "../product.ts";
import { Rewrite } from "./rewrite.ts";
import { Role, roleOf } from "../role.ts";
import { schedule } from "./schedule.ts";
import { Sums } from "./sums.ts";
import type { Trace } from "../trace.ts";

/**
 * The trace with like operations batched, or null where there is nothing to batch.
 * It is valid until the next call.
 * @param needed marks the nodes that are needed, `roots` are those whose values are
 */
export function batch(trace: Trace, needed: Uint8Array, roots: readonly number[]): Rewrite | null {
  let candidates = 0;
  for (let node = 0; node < trace.count; node++) {
    if (needed[node] === 0) continue;
    const role = roleOf(trace, node);
    if (role === Role.product || role === Role.gather || role === Role.scatterAdd) candidates++;
  }
  if (candidates < 2) return null;
  const graph = new Graph(trace, needed, roots);
  const kinds = findKinds(graph);
  const sums = new Sums(graph);
  if (kinds.list.length === 0 && sums.found.size === 0) return null;
  const rewrite = new Rewrite(graph);
  const addUp = new AddUp(rewrite, sums);
  schedule(graph, kinds, {
    node: (node) => {
      const sum = sums.found.get(node);
      if (sum !== undefined) addUp.emit(node, sum);
      else if (sums.absorbed[node] === 0 && !canWait(graph, node)) rewrite.emit(node);
    },
    kind: (kind, members) => {
      if (members.length > 1) emitKind(rewrite, kind, sums.ranks.ordered(members, kind.transposeB < 0 ? 1 : 0));
      else if (sums.absorbed[members[0]] === 0) rewrite.emit(members[0]);
    },
  });
  for (const root of roots) rewrite.emit(root);
  return rewrite;
}

/** Is a node cheap enough to be computed only when something needs it, or made of what is there all the time, as random numbers are? */
function canWait({ trace, role }: Graph, node: number): boolean {
  if (trace.isLeaf(node)) return true;
  switch (role[node]) {
    case Role.map: case Role.add: case Role.view: case Role.move: return true;
    default:
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
        let source = trace.input(node, k);
        while (role[source] === Role.view) source = trace.input(source, 0);
        if (!trace.isLeaf(source)) return false;
      }
      return true;
  }
}

/** Runs several members of a kind as one node, of which each is a part. */
function emitKind(rewrite: Rewrite, kind: Kind, members: readonly number[]): void {
  const { trace } = rewrite.graph;
  const shared = rewrite.emit(kind.shared);
  let whole: number;
  if (kind.transposeB < 0) {
    const count = members.reduce((total, node) => total + sizeOf(trace.shapes[trace.input(node, 1)]), 0);
    whole = rewrite.addFor(members, [count, ...trace.shapes[kind.shared].slice(1)], [shared, rewrite.joinInputs(members, 1, [count])], [0]);
  } else {
    const rows = members.reduce((total, node) => total + trace.attribute(node, FormAt.m), 0);
    const depth = trace.attribute(members[0], FormAt.k);
    const inputs = [rewrite.joinInputs(members, 0, [rows, depth]), shared];
    if (kind.bias >= 0) inputs.push(rewrite.emit(kind.bias));
    whole = rewrite.addFor(members, [rows, kind.width], inputs, [0, kind.transposeB, rows, kind.width, depth, 1, 0, 0, 1, 0, 0]);
  }
  rewrite.split(whole, members);
}
