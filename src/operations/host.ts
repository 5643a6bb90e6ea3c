/** Operations that a user writes as a plain loop. */

import { type NodeView, type Operation, zeroGradient } from "../differentiate.ts";
import { ShapeError, ValueError } from "../errors.ts";
import type { HostArray, HostFunction } from "../kernels/kernel.ts";
import { nextOperationId } from "../plan/trace.ts";
import { openStep, record } from "../recorder.ts";
import { checkShape, describe, formatShape, type Shape, sameShape } from "../shape.ts";
import { Variable } from "../variable.ts";

/** How an operation is declared to `operation`. */
export interface OperationDefinition {
  /** For messages. */
  readonly name: string;
  /** The shape of the result from those of the inputs; throw a ShapeError where they do not fit. */
  shape(...inputs: Shape[]): Shape;
  /** Writes every element of `y.data`. Runs when the step runs, once for each use, on the host. */
  forward(y: HostArray, ...inputs: HostArray[]): void;
  /**
   * From the gradient of the result, the gradients of the inputs in their shapes; null for an input without one.
   * Made of operations on Variables, so it can be differentiated again. It is asked in every step, so it may also use numbers
   * from outside that change. Left out, no gradient passes.
   */
  reverse?(gradient: Variable, y: Variable, ...inputs: Variable[]): readonly (Variable | null)[];
}

/**
 * A new operation from a loop over arrays and a reverse rule. It runs on every device (data are handed to the host).
 * Prefer `elementwise` where one expression says it all: that is faster and derives the rule.
 *
 *     const reverse = operation({
 *       name: "reverse",
 *       shape: (x) => x,
 *       forward(y, x) { for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[x.data.length - 1 - i]; },
 *       reverse: (g) => [reverse(g)],
 *     });
 */
export function operation(definition: OperationDefinition): (...inputs: (Variable | number)[]) => Variable {
  const { name } = definition ?? {};
  if (typeof name !== "string" || typeof definition.shape !== "function" || typeof definition.forward !== "function") {
    throw new ValueError("operation takes { name, shape, forward, reverse }: a string and functions. See its documentation for an example.");
  }
  const run: HostFunction = (y, ...x) => definition.forward(y, ...x);

  const recorded: Operation = {
    name,
    id: /*#__PURE__*/ nextOperationId(),
    lower: (lowering, node) => lowering.host(node, run),
    reverse: (k) => (definition.reverse === undefined ? null : (gradient, node) => gradientOf(gradient, node, k)),
  };

  function gradientOf(gradient: Variable, node: NodeView, k: number): Variable {
    const inputs = Array.from({ length: node.inputCount }, (_, i) => node.input(i));
    const found = definition.reverse?.(gradient, node.output, ...inputs) ?? [];
    if (!Array.isArray(found) || found.length !== inputs.length) {
      throw new ValueError(`The reverse rule of ${name} must return an array with a gradient (or null) for each of its ${inputs.length} inputs, but returned ${describe(found)}.`);
    }
    const part = found[k] ?? zeroGradient(inputs[k].shape);
    if (!(part instanceof Variable) || !sameShape(part.shape, inputs[k].shape)) {
      throw new ShapeError(
        `The reverse rule of ${name} gave ${part instanceof Variable ? formatShape(part.shape) : describe(part)} as the gradient of input ${k}, which has shape ${formatShape(inputs[k].shape)}.`,
      );
    }
    return part;
  }

  return (...inputs) => {
    const variables = inputs.map((x) => {
      if (x instanceof Variable || typeof x === "number") return x;
      throw new ValueError(`${name} takes Variables and numbers, but got ${describe(x)}. Wrap arrays with input(…).`);
    });
    const shape = checkShape(name, definition.shape(...variables.map((x) => (typeof x === "number" ? [] : x.shape))));
    const step = openStep();
    if (step !== null && definition.reverse !== undefined) step.ownRules = true;
    return record(recorded, shape.slice(), variables, shape);
  };
}
