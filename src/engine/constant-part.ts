/** Parts of a step that are constants: no gradient passes from what is computed in them to anything outside. */

import { Role } from "../plan/role.ts";
import { defineOperation } from "./operation.ts";
import { type Operand, Step } from "./step.ts";
import { Variable } from "./variable.ts";

/** x itself, as a constant. */
export const detached = defineOperation({
  name: "detach",
  role: Role.view,
  lower: (lowering, node) => lowering.alias(node, lowering.trace.input(node, 0)),
  reverse: () => null,
});

/**
 * The constant parts of a step. Within one, operations are recorded as everywhere, so derivatives are as everywhere too, also by what lies outside.
 * Whatever way its nodes are used from outside, when it has been left, it is through a `detach`.
 */
class Parts {
  /** Where those that have been left begin and end: one after the other, as one that is left swallows those in it. */
  private readonly begins: number[] = [];
  private readonly ends: number[] = [];
  /** What nodes in them are outside. */
  private readonly known = new Map<number, number>();

  constructor(private readonly step: Step) {
    const { node } = Step.prototype;
    step.node = (operand: Operand): number => {
      const found = node.call(step, operand);
      return step.constants === this ? this.nodeFor(found) : found;
    };
  }

  leave(begin: number): void {
    const { begins, ends, step: { trace } } = this;
    while (begins.length > 0 && begins[begins.length - 1] >= begin) {
      begins.pop();
      ends.pop();
    }
    begins.push(begin);
    ends.push(trace.count);
  }

  private has(node: number): boolean {
    let [low, high] = [0, this.begins.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] <= node) low = middle + 1;
      else high = middle;
    }
    return this.begins[low] <= node && !this.step.trace.isLeaf(node);
  }

  /** What stands for a node where it is used now: a constant, if it is of a part that has been left. */
  private nodeFor(node: number): number {
    let found = node;
    // A constant that stands for it may have been recorded in a part that has been left as well.
    while (this.has(found)) found = this.known.get(found) ?? this.constant(found);
    return found;
  }

  constant(node: number): number {
    const { step, step: { trace } } = this;
    const found = trace.unary(detached, trace.shapes[node], node);
    step.called(found);
    this.known.set(node, found);
    return found;
  }
}

/**
 * Runs `body` as a constant part of an open step, in which nothing is trained. A Variable that it gives is a constant.
 * @param dropout whether dropout acts; undefined: as it does where nothing is trained already
 */
export function asConstant<T>(step: Step, dropout: boolean | undefined, body: () => T): T {
  const parts = (step.constants as Parts | null) ?? new Parts(step);
  const { isEvaluating, dropout: before, trace: { count } } = step;
  step.constants = parts;
  step.isEvaluating = true;
  step.dropout = dropout ?? before;
  try {
    const result = body();
    if (!(result instanceof Variable)) return result;
    const node = step.node(result);
    return node < count || step.trace.isLeaf(node) ? (step.variable(parts.constant(node)) as T) : result; // one from outside is a constant too
  } finally {
    step.isEvaluating = isEvaluating;
    step.dropout = before;
    parts.leave(count);
  }
}
