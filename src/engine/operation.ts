/** What an operation is, and how one is defined. */

import type { Box } from "../plan/box.ts";
import type { Lowerable } from "../plan/lowering.ts";
import { nextOperationId } from "../plan/trace.ts";
import type { Shape } from "../support/shape.ts";
import type { Step } from "./step.ts";
import type { Variable } from "./variable.ts";

/** What a reverse rule can see of the node that it differentiates. */
export interface NodeView {
  readonly output: Variable;
  readonly shape: Shape;
  readonly inputCount: number;
  input(k: number): Variable;
  inputShape(k: number): Shape;
  /** The integers that the operation was recorded with. */
  attribute(k: number): number;
  attributes(from?: number): Int32Array;
}

/** A view that can be led to another node, by its number in the trace. */
export interface Cursor extends NodeView {
  node: number;
}

/** From the gradient of the result, the gradient of one input, in that input's shape. */
export type ReverseRule = (gradient: Variable, node: NodeView) => Variable;

/** Gradients that arrive in pieces, from each of several uses one, in one backward pass. What they are of gets them put together. */
export interface Pieces {
  /** Takes the gradient of a node, in pieces for those of its inputs that depend on what gradients are wanted for. */
  put(view: Cursor, gradient: Variable, depends: Uint8Array): void;
  /** Are there pieces for a node? */
  has(node: number): boolean;
  /** The gradient of a node: the sum of these. */
  take(node: number): Variable[];
}

/** @param whole nodes whose gradients are wanted as a whole */
export type PiecesClass = new (step: Step, whole: ReadonlySet<number>) => Pieces;

/** An operation: how it becomes launches, and how gradients pass through it. */
export interface Operation extends Lowerable {
  /** The rule for the k-th input, or null where no gradient flows. */
  reverse(k: number): ReverseRule | null;
  /** Which elements of its input the result consists of, where it consists of such and nothing else. */
  readonly elements?: ((node: NodeView) => Box) | undefined;
  /** What takes its gradient, in place of reverse rules, where those would make arrays that are mostly zeros. */
  readonly pieces?: PiecesClass | undefined;
}

/** What makes an operation: all but its id. */
export type Definition = Omit<Operation, "id">;

/** An operation with an id of its own. All are objects of one form, whatever they leave out, which recording reads fast. */
export function newOperation({ name, role, lower, reverse, elements, pieces }: Definition): Operation {
  return { name, id: nextOperationId(), role, lower, reverse, elements, pieces };
}

const table = new Map<string, Operation>();

/** The operations of the library by name: tests walk them, so that none can be forgotten. */
export const operations: ReadonlyMap<string, Operation> = table;

/** Defines an operation of the library. */
export function defineOperation(definition: Definition): Operation {
  const operation = newOperation(definition);
  table.set(operation.name, operation);
  return operation;
}
