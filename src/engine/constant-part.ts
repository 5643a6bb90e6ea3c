/** Parts of a step that are constants: no gradient passes from what is computed in them to anything outside. */

import { LeafKind } from "../plan/trace.ts";
import { Role } from "../plan/role.ts";
import { defineOperation } from "./operation.ts";
import type { ConstantPart, Step } from "./step.ts";

/** x itself, as a constant. */
export const detached = defineOperation({
  name: "detach",
  role: Role.view,
  lower: (lowering, node) => lowering.alias(node, lowering.trace.input(node, 0)),
  reverse: () => null,
});

/**
 * What parts of one depth use from outside goes through one `detach`, and what they compute depends on nothing else. So all that holds of other operations
 * holds of these, also derivatives within the part, whatever way results leave it. Depths differ: by what is outside of an inner part, it is constant too.
 */
class Part implements ConstantPart {
  private readonly from: number;

  /** @param known what stands for nodes from outside; kept from part to part, so that those which use the same weights can be batched */
  constructor(private readonly step: Step, readonly depth: number, private readonly known: Map<number, number>) {
    this.from = step.trace.count;
  }

  nodeFor(node: number): number {
    const { step, step: { trace }, known } = this;
    const isInside = trace.isLeaf(node) ? trace.leafKind(node) === LeafKind.scalar : node >= this.from;
    if (isInside) return node;
    let found = known.get(node);
    if (found === undefined) {
      found = trace.unary(detached, trace.shapes[node], node);
      step.called(found);
      known.set(node, found).set(found, found);
    }
    return found;
  }
}

/** Of the step that had constant parts last, by depth. */
let constants: Map<number, number>[] = [];
let owner = 0;

/**
 * Runs `body` as a constant part of an open step, in which nothing is trained.
 * @param dropout whether dropout acts; undefined: as it does where nothing is trained already
 */
export function asConstant<T>(step: Step, dropout: boolean | undefined, body: () => T): T {
  if (owner !== step.serial) {
    owner = step.serial;
    constants = [];
  }
  const { constantPart, dropout: before } = step;
  const depth = constantPart === null ? 0 : constantPart.depth + 1;
  constants[depth] ??= new Map();
  step.constantPart = new Part(step, depth, constants[depth]);
  step.dropout = dropout ?? before;
  try {
    return body();
  } finally {
    step.constantPart = constantPart;
    step.dropout = before;
  }
}
