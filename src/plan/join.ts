/** Arrays one after another, and parts of arrays: what batching adds to a trace. Only plans contain them. */

import type { Lowerable, Lowering } from "./lowering.ts";
import { Role } from "./role.ts";
import { nextOperationId } from "./trace.ts";

/** The elements of all inputs, one input after another. */
export const join: Lowerable = {
  name: "join",
  id: /*#__PURE__*/ nextOperationId(),
  lower: (lowering, node) => { lowering.join(node); },
};

/** Arrays put together along an axis. Attributes: how many elements of the result there are for each entry of the axes before it. */
export const joinAlong: Lowerable = {
  name: "join",
  id: /*#__PURE__*/ nextOperationId(),
  lower: (lowering, node) => {
    const { trace } = lowering;
    const value = lowering.define(node);
    const length = trace.attribute(node, 0);
    const outer = lowering.size(node) / length;
    for (let k = 0, at = 0; k < trace.inputCount(node); k++) {
      const source = trace.input(node, k);
      const own = lowering.size(source) / outer;
      lowering.copy(node, value, at, source, 0, [outer, own], [length, 1], [own, 1]);
      at += own;
    }
  },
};

/** The sum of the rows of a matrix. */
export const sumOfRows: Lowerable = {
  name: "sum",
  id: /*#__PURE__*/ nextOperationId(),
  role: Role.sum,
  lower: (lowering, node) => { lowering.reduce(node, "sum", [0]); },
};

/** Part of an array. Attributes: where it begins, then its shape. */
export const part: Lowerable = {
  name: "part",
  id: /*#__PURE__*/ nextOperationId(),
  role: Role.view,
  lower: (lowering: Lowering, node: number) => { lowering.alias(node, lowering.trace.input(node, 0), lowering.trace.attribute(node, 0)); },
};
