/** A trace as a graph, as batching looks at it: how often each node is used, by what counts, and what it is a view of. */

import { FormAt, isPlain } from "../product.ts";
import { Role, roleOf } from "../role.ts";
import type { Trace } from "../trace.ts";

export class Graph {
  readonly uses: Int32Array;
  readonly role: Uint8Array;

  /** @param needed marks the nodes that count, `roots` are those whose values are wanted */
  constructor(readonly trace: Trace, readonly needed: Uint8Array, roots: readonly number[]) {
    this.uses = new Int32Array(trace.count);
    this.role = new Uint8Array(trace.count);
    for (let node = 0; node < trace.count; node++) {
      this.role[node] = roleOf(trace, node);
      if (needed[node] === 0) continue;
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) this.uses[trace.input(node, k)]++;
    }
    for (const root of roots) this.uses[root]++;
  }

  /** What a node is a view of. */
  source(node: number): number {
    let found = node;
    while (this.role[found] === Role.view && this.trace.inputCount(found) === 1) found = this.trace.input(found, 0);
    return found;
  }

  /** The node behind views that nothing else uses, itself used once; −1 if there is none. */
  own(term: number): number {
    const { trace, uses } = this;
    let found = term;
    while (uses[found] === 1 && this.role[found] === Role.view && trace.inputCount(found) === 1) found = trace.input(found, 0);
    return uses[found] === 1 ? found : -1;
  }

  /** Is a node a product that sums over all uses of a matrix: both operands have a row for each? */
  isGradient(node: number): boolean {
    return this.role[node] === Role.product && this.trace.inputCount(node) === 2 && isPlain(this.trace, node, 1) &&
      this.trace.attribute(node, FormAt.transposeB) === 0;
  }
}
