/** Sums that compute some of their terms themselves: products, which add to what is there, and what adds up over uses. */

import { sameShape, sizeOf } from "../../support/shape.ts";
import type { Graph } from "./graph.ts";
import { Ranks } from "./ranks.ts";
import { Role } from "../role.ts";

/** Fewer terms than this are added up one by one. */
export const MANY = 4;

/** A sum: its terms, and for each the node behind views that the sum can compute itself, −1 where there is none. */
export interface Sum {
  readonly terms: readonly number[];
  readonly own: readonly number[];
}

/** A sum with those that are its terms and nobody else's, taken apart. */
interface Flat {
  readonly node: number;
  readonly terms: readonly number[];
  readonly inner: readonly number[];
}

export class Sums {
  /** The sums by their nodes. */
  readonly found = new Map<number, Sum>();
  /** 1 for terms that their sum computes, and for sums that are part of another. */
  readonly absorbed: Uint8Array;
  readonly ranks: Ranks;

  constructor(private readonly graph: Graph) {
    const { trace, needed } = graph;
    this.absorbed = new Uint8Array(trace.count);
    this.ranks = new Ranks(graph);
    const seen = new Uint8Array(trace.count);
    /** Sums of many, which may turn out to be of what some gradient joins. */
    const long: Flat[] = [];
    for (let node = trace.count - 1; node >= 0; node--) {
      if (needed[node] === 0 || seen[node] === 1 || !this.isSum(node)) continue;
      const flat = this.flatten(node, seen);
      const own = flat.terms.map((term) => this.addable(term));
      if (own.some((found) => found >= 0)) {
        this.put(flat, own);
        this.ranks.add(own.filter((found) => found >= 0 && graph.isGradient(found)));
      } else if (flat.terms.length >= MANY) long.push(flat);
    }
    for (const flat of long) if (this.ranks.joined(flat.terms).length >= MANY) this.put(flat, flat.terms.map(() => -1));
  }

  private put({ node, terms, inner }: Flat, own: readonly number[]): void {
    for (const sum of inner) this.absorbed[sum] = 1;
    for (const found of own) if (found >= 0) this.absorbed[found] = 1;
    this.found.set(node, { terms, own });
  }

  private flatten(node: number, seen: Uint8Array): Flat {
    const { trace, uses } = this.graph;
    const terms: number[] = [];
    const inner: number[] = [];
    const open = [node];
    while (open.length > 0) {
      const sum = open.pop() as number;
      for (let k = trace.inputCount(sum) - 1; k >= 0; k--) {
        const input = trace.input(sum, k);
        if (uses[input] === 1 && this.isSum(input)) {
          seen[input] = 1;
          inner.push(input);
          open.push(input);
        } else terms.push(input);
      }
    }
    return { node, terms, inner };
  }

  private isSum(node: number): boolean {
    const { trace, role } = this.graph;
    if (role[node] !== Role.add) return false;
    const shape = trace.shapes[node];
    return trace.inputCount(node) > 2 || (sameShape(trace.shapes[trace.input(node, 0)], shape) && sameShape(trace.shapes[trace.input(node, 1)], shape));
  }

  /** What a sum can compute itself of a term, −1 for nothing. */
  private addable(term: number): number {
    const { trace, role } = this.graph;
    const node = this.graph.own(term);
    if (node < 0) return -1;
    switch (role[node]) {
      case Role.product: return sizeOf(trace.shapes[node]) > 0 ? node : -1;
      case Role.scatterAdd: return sizeOf(trace.shapes[trace.input(node, 1)]) > 0 ? node : -1;
      case Role.sum: return this.isColumnSum(node) ? node : -1;
      default: return -1;
    }
  }

  private isColumnSum(node: number): boolean {
    const { trace } = this.graph;
    return trace.attributeCount(node) === 2 && trace.attribute(node, 1) === 0 && trace.shapes[trace.input(node, 0)].length === 2;
  }
}
