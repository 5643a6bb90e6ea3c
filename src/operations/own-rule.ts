/** Reverse rules that a user writes: one function gives the gradients of all inputs. */

import { zeroGradient } from "../engine/differentiate.ts";
import type { NodeView, Operation } from "../engine/operation.ts";
import { Variable } from "../engine/variable.ts";
import { describe } from "../support/describe.ts";
import { ShapeError, ValueError } from "../support/errors.ts";
import { formatShape, sameShape } from "../support/shape.ts";

/** From the gradient of a result, the gradients of its inputs; null for one that gets none. */
export type OwnRule = (gradient: Variable, inputs: Variable[], output: Variable) => readonly (Variable | null)[];

/**
 * The reverse rules of an operation by such a function, which is asked once for all inputs.
 * @param first which input of the operation is the first that the function knows
 */
export function ownRules(name: string, first: number, rule: OwnRule): Operation["reverse"] {
  /** What the rule gave for a node, by the gradient of its result. */
  const given = new WeakMap<Variable, { readonly index: number; readonly found: readonly (Variable | null)[] }>();

  function gradientsOf(gradient: Variable, node: NodeView): readonly (Variable | null)[] {
    const inputs = Array.from({ length: node.inputCount - first }, (_, i) => node.input(first + i));
    const found = rule(gradient, inputs, node.output);
    if (Array.isArray(found) && found.length === inputs.length) return found;
    throw new ValueError(
      `The reverse rule of ${name} must return an array with a gradient (or null) for each of its ${inputs.length} inputs, but ` +
        `returned ${describe(found)}.`,
    );
  }

  return (k) => (k < first ? null : (gradient, node) => {
    const { index } = node.output;
    let known = given.get(gradient);
    if (known?.index !== index) {
      known = { index, found: gradientsOf(gradient, node) };
      given.set(gradient, known);
    }
    const part = known.found[k - first] ?? zeroGradient(node.inputShape(k));
    if (part instanceof Variable && sameShape(part.shape, node.inputShape(k))) return part;
    throw new ShapeError(
      `The reverse rule of ${name} gave ${part instanceof Variable ? formatShape(part.shape) : describe(part)} as the gradient of ` +
        `input ${k - first}, which has shape ${formatShape(node.inputShape(k))}.`,
    );
  });
}
