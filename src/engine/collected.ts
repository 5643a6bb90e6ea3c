/** The gradients of arrays that have been collected, from the gradients of the collections. */

import type { Cursor, Pieces } from "./operation.ts";
import { addCollect, Runs } from "../plan/collect.ts";
import { sumOfRows } from "../plan/join.ts";
import type { Step } from "./step.ts";
import { sizeOf } from "../support/shape.ts";
import type { Variable } from "./variable.ts";

/** Part of the gradient of an array that has been collected: some elements of the gradient of the collection. */
interface Piece {
  readonly gradient: number;
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

export class CollectedPieces implements Pieces {
  private readonly of = new Map<number, Piece[]>();
  private readonly runs = new Runs();

  constructor(private readonly step: Step) {}

  has(node: number): boolean { return this.of.has(node); }

  put({ node }: Cursor, gradient: Variable, depends: Uint8Array): void {
    const { trace } = this.step;
    const runs = trace.attributes(node);
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
   * Arrays that are each made of pieces for different elements. Where that would be many arrays, or arrays that are
   * mostly zeros because few elements have most pieces, pieces for the same elements are added up first.
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

/** As many pieces for the same elements are added up at a time. */
const MOST_INPUTS = 2 ** 15;
