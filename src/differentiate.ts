/**
 * Back-propagation: the trace is walked backwards, and each operation's reverse rule records the operations that
 * carry the gradient of its result to its inputs. So gradients are ordinary variables of the step.
 */

import { argument, constant } from "./kernels/expression.ts";
import { type MapKernel, map } from "./kernels/kernel.ts";
import { addCollect, collect, Runs, runsOf } from "./plan/collect.ts";
import { sumOfRows } from "./plan/join.ts";
import type { Lowerable } from "./plan/lowering.ts";
import { Role } from "./plan/role.ts";
import { nextOperationId } from "./plan/trace.ts";
import { record, record2, type Step } from "./recorder.ts";
import { type Shape, sizeOf } from "./shape.ts";
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

/** From the gradient of the result, the gradient of one input, in that input's shape. */
export type ReverseRule = (gradient: Variable, node: NodeView) => Variable;

/** An operation: how it becomes launches, and how gradients pass through it. */
export interface Operation extends Lowerable {
  /** The rule for the k-th input, or null where no gradient flows. */
  reverse(k: number): ReverseRule | null;
}

/** As many are added up in one pass. */
const MOST = 8;
const sums: MapKernel[] = [];

function sumOf(n: number): MapKernel {
  sums[n] ??= map(n, Array.from({ length: n }, (_, k) => argument(k)).reduce((total, part) => total.add(part)));
  return sums[n];
}

/** Sums gradients that arrive by several ways; a sum of equal shapes, so each way gets the gradient as it is. */
const accumulate: Operation = {
  name: "add",
  id: /*#__PURE__*/ nextOperationId(),
  role: Role.add,
  lower: (lowering, node) => {
    const count = lowering.trace.inputCount(node);
    if (count <= MOST) lowering.map(node, sumOf(count));
    else lowering.accumulate(node, MOST, sumOf);
  },
  // Where sums of many members have been stacked, they may share a term: it gets the gradients of all.
  reverse: (k) => (gradient, node) =>
    gradient.shape.length === node.inputShape(k).length ? gradient : record(sumOfMembers, node.inputShape(k), [gradient]),
};

const sumOfMembers: Operation = { ...sumOfRows, reverse: () => null };

/** The sum of gradients of one shape. */
export const addGradients = (...parts: readonly Variable[]): Variable =>
  parts.length === 2 ? record2(accumulate, parts[0].shape, parts[0], parts[1]) : record(accumulate, parts[0].shape, parts);

const zeroKernel = /*#__PURE__*/ map(0, constant(0));
const zeroOperation: Operation = {
  name: "zeros",
  id: /*#__PURE__*/ nextOperationId(),
  role: Role.map,
  lower: (lowering, node) => lowering.map(node, zeroKernel),
  reverse: () => null,
};

/** The gradient of what does not count. */
export const zeroGradient = (shape: Shape): Variable => record(zeroOperation, shape, [], shape);

/** The view on one node after another. */
class View implements NodeView {
  node = 0;
  constructor(private readonly step: Step) {}
  get output(): Variable { return this.step.variable(this.node); }
  get shape(): Shape { return this.step.trace.shapes[this.node]; }
  get inputCount(): number { return this.step.trace.inputCount(this.node); }
  input(k: number): Variable { return this.step.variable(this.step.trace.input(this.node, k)); }
  inputShape(k: number): Shape { return this.step.trace.shapes[this.step.trace.input(this.node, k)]; }
  attribute(k: number): number { return this.step.trace.attribute(this.node, k); }
  attributes(from = 0): Int32Array { return this.step.trace.attributes(this.node, from); }
}

/** Part of the gradient of an array that has been collected: some elements of the gradient of the collection. */
interface Piece {
  readonly gradient: number;
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** The gradients of what was collected: they arrive in pieces. */
class Pieces {
  private readonly of = new Map<number, Piece[]>();
  private readonly runs = new Runs();

  constructor(private readonly step: Step) {}

  has(node: number): boolean { return this.of.has(node); }

  /** Hands the gradient of a collection to what it was collected from. */
  spread(node: number, gradient: Variable, depends: Uint8Array): void {
    const { trace } = this.step;
    const runs = runsOf(trace, node);
    for (let at = 0, from = 0; at < runs.length; from += runs[at + 2], at += 3) {
      const input = runs[at] < 0 ? -1 : trace.input(node, runs[at]);
      if (input < 0 || depends[input] === 0) continue;
      const known = this.of.get(input);
      const piece = { gradient: this.step.node(gradient), from, to: runs[at + 1], length: runs[at + 2] };
      if (known === undefined) this.of.set(input, [piece]);
      else known.push(piece);
    }
  }

  /**
   * The pieces of a node's gradient put together: arrays of its shape, each made of pieces for different elements. Where that would be
   * many arrays, or arrays that are mostly zeros because few elements have most pieces, pieces for the same elements are added up first.
   */
  take(node: number): Variable[] {
    const { step, runs } = this;
    const shape = step.trace.shapes[node];
    const size = sizeOf(shape);
    let rest = byPlace(this.of.get(node) ?? []);
    this.of.delete(node);
    const found: Variable[] = [];
    while (rest.length > 0) {
      if (isUneven(rest, size)) rest = rest.map((pieces) => [this.total(pieces)]);
      let end = 0;
      let left = 0;
      runs.clear();
      for (const pieces of rest) {
        if (pieces[0].to >= end) {
          const { gradient, from, to, length } = pieces.pop() as Piece;
          if (to > end) runs.add(-1, 0, to - end);
          runs.add(gradient, from, length);
          end = to + length;
        }
        if (pieces.length > 0) rest[left++] = pieces;
      }
      if (end < size) runs.add(-1, 0, size - end);
      rest.length = left;
      found.push(step.variable(addCollect(step.trace, shape, runs)));
    }
    return found;
  }

  /** Pieces for the same elements as one. */
  private total(pieces: Piece[]): Piece {
    const { trace } = this.step;
    const [{ to, length }] = pieces;
    while (pieces.length > 1) {
      this.runs.clear();
      const some = pieces.splice(0, MOST_INPUTS);
      for (const piece of some) this.runs.add(piece.gradient, piece.from, length);
      const rows = addCollect(trace, [some.length, length], this.runs);
      pieces.push({ gradient: trace.general(sumOfRows, [length], [rows], []), from: 0, to, length });
    }
    return pieces[0];
  }
}

/** Pieces for the same elements together, the last ones first, in the order of these elements. */
function byPlace(pieces: Piece[]): Piece[][] {
  pieces.reverse().sort((a, b) => a.to - b.to || a.length - b.length);
  const found: Piece[][] = [];
  let last: Piece | null = null;
  for (const piece of pieces) {
    if (last !== null && last.to === piece.to && last.length === piece.length) found[found.length - 1].push(piece);
    else found.push([piece]);
    last = piece;
  }
  return found;
}

/** Have few elements many pieces? */
function isUneven(places: readonly Piece[][], size: number): boolean {
  const most = places.reduce((found, { length }) => Math.max(found, length), 0);
  return most > 1 && (most > 8 * places.length || places.reduce((sum, [{ length }]) => sum + length, 0) < size / 4);
}

/** More gradients of one node are added up in parts. */
const MOST_INPUTS = 2 ** 15;

/**
 * Records the gradients of a result by some nodes.
 * @returns for each target its gradient, or null where the result does not depend on it
 */
export function differentiate(step: Step, result: Variable, targets: readonly number[]): (Variable | null)[] {
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
  if (depends[last] === 1) gradients[last] = step.variable(trace.scalar(1, result.shape));
  const pieces = new Pieces(step);
  const total = (node: number): Variable | null => {
    let found = gradients[node];
    if (pieces.has(node)) found = [found ?? [], pieces.take(node)].flat();
    if (!Array.isArray(found)) return found ?? null;
    if (found.length === 1) {
      [gradients[node]] = found;
      return found[0];
    }
    while (found.length > MOST_INPUTS) found.push(addGradients(...found.splice(0, MOST_INPUTS)));
    const sum = addGradients(...found);
    gradients[node] = sum;
    return sum;
  };

  const view = new View(step);
  for (let node = last; node >= 0; node--) {
    if ((gradients[node] === null && !pieces.has(node)) || trace.isLeaf(node)) continue;
    const gradient = total(node) as Variable;
    if (trace.operations[node] === collect) {
      pieces.spread(node, gradient, depends);
      continue;
    }
    const operation = trace.operations[node] as Operation;
    for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
      const input = trace.input(node, k);
      if (depends[input] === 0) continue;
      const rule = operation.reverse(k);
      if (rule === null) continue;
      view.node = step.reversing = node;
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
