/**
 * Back-propagation: the trace is walked backwards, and each operation's reverse rule records the operations that
 * carry the gradient of its result to its inputs. So gradients are ordinary variables of the step.
 */

import { argument, constant } from "../kernels/expression.ts";
import { type MapKernel, map } from "../kernels/kernel.ts";
import { CollectedPieces } from "./collected.ts";
import { collect } from "../plan/collect.ts";
import { sumOfRows } from "../plan/join.ts";
import { Role } from "../plan/role.ts";
import { type Cursor, newOperation, type Operation, type Pieces } from "./operation.ts";
import { record, record2 } from "./recording.ts";
import type { Again, Step } from "./step.ts";
import type { Shape } from "../support/shape.ts";
import type { Variable } from "./variable.ts";

/** As many are added up in one pass. */
const MOST = 8;
const sums: MapKernel[] = [];

function sumOf(n: number): MapKernel {
  sums[n] ??= map(n, Array.from({ length: n }, (_, k) => argument(k)).reduce((total, part) => total.add(part)));
  return sums[n];
}

/** Sums gradients that arrive by several ways; a sum of equal shapes, so each way gets the gradient as it is. */
const accumulate = newOperation({
  name: "add",
  role: Role.add,
  lower: (lowering, node) => {
    const count = lowering.trace.inputCount(node);
    if (count <= MOST) lowering.map(node, sumOf(count));
    else lowering.accumulate(node, MOST, sumOf);
  },
  // Where sums of many members have been stacked, they may share a term: it gets the gradients of all.
  reverse: (k) => (gradient, node) =>
    gradient.shape.length === node.inputShape(k).length ? gradient : record(sumOfMembers, node.inputShape(k), [gradient]),
});

const sumOfMembers: Operation = { ...sumOfRows, reverse: () => null };

/** The sum of gradients of one shape. */
export const addGradients = (...parts: readonly Variable[]): Variable =>
  parts.length === 2 ? record2(accumulate, parts[0].shape, parts[0], parts[1]) : record(accumulate, parts[0].shape, parts);

const zeroKernel = map(0, constant(0));
const zeroOperation = newOperation({
  name: "zeros",
  role: Role.map,
  lower: (lowering, node) => lowering.map(node, zeroKernel),
  reverse: () => null,
});

/** The gradient of what does not count. */
export const zeroGradient = (shape: Shape): Variable => record(zeroOperation, shape, [], shape);

/** The view on one node after another. */
class View implements Cursor {
  node = 0;
  constructor(private readonly step: Step, private readonly again: Again | null) {}
  get output(): Variable { return this.valueOf(this.node); }
  get shape(): Shape { return this.step.trace.shapes[this.node]; }
  get inputCount(): number { return this.step.trace.inputCount(this.node); }
  input(k: number): Variable { return this.valueOf(this.step.trace.input(this.node, k)); }
  inputShape(k: number): Shape { return this.step.trace.shapes[this.step.trace.input(this.node, k)]; }
  attribute(k: number): number { return this.step.trace.attribute(this.node, k); }
  attributes(from = 0): Int32Array { return this.step.trace.attributes(this.node, from); }
  private valueOf(node: number): Variable { return this.step.variable(this.again === null ? node : this.again.nodeFor(node)); }
}

/** More gradients of one node are added up in parts. */
const MOST_INPUTS = 2 ** 15;

/**
 * Records the gradients of a result by some nodes.
 * @param seed the gradient of the result; 1 for a single number
 * @returns for each target its gradient, or null where the result does not depend on it
 */
export function differentiate(step: Step, result: Variable, targets: readonly number[], seed?: Variable): (Variable | null)[] {
  const { trace } = step;
  const last = result.index;
  // The nodes between the targets and the result; only they need gradients.
  const depends = new Uint8Array(trace.count);
  for (const target of targets) depends[target] = 1;
  for (let node = 0; node <= last; node++) {
    for (let k = trace.inputCount(node) - 1; k >= 0 && depends[node] === 0; k--) depends[node] = depends[trace.input(node, k)];
  }
  /** What has arrived at each node. */
  const gradients: (Variable | Variable[] | null)[] = new Array(last + 1).fill(null);
  if (depends[last] === 1) gradients[last] = seed ?? step.variable(trace.scalar(1, result.shape));
  const wanted = new Set(targets);
  const pieces: Pieces[] = [];
  const hasPieces = (node: number): boolean => {
    for (let i = 0; i < pieces.length; i++) if (pieces[i].has(node)) return true;
    return false;
  };
  const addUp = (node: number): Variable | null => {
    let found = gradients[node];
    if (!Array.isArray(found)) return found ?? null;
    if (found.length > 1) {
      while (found.length > MOST_INPUTS) found.push(addGradients(...found.splice(0, MOST_INPUTS)));
      found = [addGradients(...found)];
    }
    [gradients[node]] = found;
    return found[0];
  };
  const total = (node: number): Variable | null => {
    if (hasPieces(node)) gradients[node] = [gradients[node] ?? [], pieces.flatMap((some) => (some.has(node) ? some.take(node) : []))].flat();
    return addUp(node);
  };

  const again = step.again === null ? null : new step.again(step, result, (node, then) => {
    const sum = addUp(node);
    if (sum !== null) gradients[node] = then(sum);
  });
  const view = new View(step, again);
  for (let node = last; node >= 0; node--) {
    if ((gradients[node] === null && !hasPieces(node)) || trace.isLeaf(node)) continue;
    const gradient = total(node) as Variable;
    const operation = trace.operations[node] as Operation;
    const kind = trace.operations[node] === collect ? CollectedPieces : operation.pieces;
    view.node = step.reversing = node;
    again?.reach(node, gradient);
    if (kind !== undefined) {
      let some = pieces.find((known) => known instanceof kind);
      if (some === undefined) {
        some = new kind(step, wanted);
        pieces.push(some);
      }
      some.put(view, gradient, depends);
      continue;
    }
    for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
      const input = trace.input(node, k);
      if (depends[input] === 0) continue;
      const rule = operation.reverse(k);
      if (rule === null) continue;
      const part = rule(gradient, view);
      const before = gradients[input];
      if (before === null) gradients[input] = part;
      else if (Array.isArray(before)) before.push(part);
      else gradients[input] = [before, part];
    }
  }
  step.reversing = -1;
  return targets.map(total);
}
