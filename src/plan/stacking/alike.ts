/**
 * Which operations of a trace are alike: those with the same attributes, operands of the same shapes, and the same operands where these
 * are not their own, such as weights.
 */

import { sizeOf } from "../../support/shape.ts";
import { Interned } from "../interned.ts";
import { FormAt } from "../product.ts";
import { Role, roleOf } from "../role.ts";
import type { Trace } from "../trace.ts";

/** Kinds of nodes besides the numbers of those that can be stacked. */
export const SINGLE = -1;
export const UNNEEDED = -2;

/** An array from outside that is used so often in one way may be one that all share, */
const SHARED = 4;
/** if it is at least this part of what is used in that way. */
const SHARE = 1 / 8;
/** Larger results gain nothing: running them costs more than launching them. */
const LARGE = 4096;

export class Alike {
  /** For each node the number of its kind, or SINGLE, or UNNEEDED. */
  readonly kind: Int32Array;
  /** For what all members have in common, the first node that computes it; else −1. */
  readonly common: Int32Array;
  /** How many products come before a node, and how many other operations since the last of them. */
  readonly stage: Int32Array;
  readonly place: Int32Array;
  private readonly uses: Int32Array;

  constructor(readonly trace: Trace, roots: readonly number[]) {
    const { count } = trace;
    this.kind = new Int32Array(count).fill(UNNEEDED);
    this.common = new Int32Array(count).fill(-1);
    this.uses = new Int32Array(count);
    this.stage = new Int32Array(count);
    this.place = new Int32Array(count);
    this.count(roots);
    this.share();
    this.classify();
  }

  get kinds(): number { return kinds.count; }

  /** The node that stands for all that compute the same. */
  one(node: number): number { return this.common[node] >= 0 ? this.common[node] : node; }

  private count(roots: readonly number[]): void {
    const { trace, kind, uses } = this;
    for (const root of roots) kind[root] = SINGLE;
    for (let node = trace.count - 1; node >= 0; node--) {
      if (kind[node] === UNNEEDED) continue;
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
        const input = trace.input(node, k);
        kind[input] = SINGLE;
        uses[input]++;
      }
    }
  }

  /**
   * Finds the arrays from outside that all share: matrices and tables, and what makes up much of what is used in one way, such as an
   * initial state or a scale. The input of a cell with four gates is used as often, but by each in its own way.
   */
  private share(): void {
    const { trace, kind, common } = this;
    kinds.reset();
    /** By the number of a way, or of an array used in a way: how often, and the numbers of both. */
    const counts: number[] = [];
    const used: { readonly array: number; readonly way: number }[] = [];
    for (let node = 0; node < trace.count; node++) {
      if (kind[node] === UNNEEDED || trace.isLeaf(node)) continue;
      const role = roleOf(trace, node);
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
        const array = trace.input(node, k);
        if (this.uses[array] < SHARED || common[array] >= 0 || !trace.isLeaf(array)) continue;
        if ((role === Role.product && k > 0) || (role === Role.gather && k === 0)) {
          common[array] = array;
          continue;
        }
        kinds.add(trace.words[trace.start[node]]);
        kinds.add(k);
        kinds.add(role === Role.product ? trace.input(node, 1) : -1);
        const shape = trace.shapes[array];
        for (let axis = 0; axis < shape.length; axis++) kinds.add(shape[axis]);
        const way = kinds.number();
        kinds.add(-1 - way);
        kinds.add(array);
        const both = kinds.number();
        counts[way] = (counts[way] ?? 0) + 1;
        counts[both] = (counts[both] ?? 0) + 1;
        used[both] ??= { array, way };
      }
    }
    used.forEach(({ array, way }, both) => { if (counts[both] >= SHARED && counts[both] >= SHARE * counts[way]) common[array] = array; });
  }

  private classify(): void {
    const { trace, kind, common, stage, place } = this;
    kinds.reset();
    /** The node that first computes what is common to all, by the number of the kind. */
    const first: number[] = [];
    for (let node = 0; node < trace.count; node++) {
      if (kind[node] === UNNEEDED || trace.isLeaf(node)) continue;
      let [s, p] = [0, -1];
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
        const input = trace.input(node, k);
        if (stage[input] > s) [s, p] = [stage[input], place[input]];
        else if (stage[input] === s && place[input] > p) p = place[input];
      }
      const isProduct = roleOf(trace, node) === Role.product;
      stage[node] = isProduct ? s + 1 : s;
      place[node] = isProduct ? 0 : p + 1;

      const own = this.describe(node);
      if (own < 0) {
        kinds.drop();
        continue;
      }
      const number = kinds.number();
      if (own > 0) kind[node] = number;
      else {
        first[number] ??= node;
        common[node] = first[number];
      }
    }
  }

  /**
   * Writes down what operations must have in common with this one to be stacked.
   * @returns the number of operands that are its own, −1 if it cannot be stacked
   */
  private describe(node: number): number {
    const { trace } = this;
    if (!this.isSmall(node)) return -1;
    const inputs = trace.inputCount(node);
    kinds.add(trace.words[trace.start[node]]);
    switch (roleOf(trace, node)) {
      case Role.row: case Role.sum:
        if (!this.isSmall(trace.input(node, 0))) return -1;
        return this.describeAll(node);
      case Role.view: return inputs === 1 ? this.describeAll(node) : -1;
      case Role.map: case Role.add: return this.describeAll(node);
      case Role.product: {
        if (trace.attribute(node, FormAt.transposeA) !== 0) return -1;
        if (trace.attribute(node, FormAt.outer) !== 1 || trace.attribute(node, FormAt.inner) !== 1) return -1;
        kinds.add(trace.attribute(node, FormAt.transposeB));
        kinds.add(trace.attribute(node, FormAt.n));
        kinds.add(inputs);
        for (let k = 1; k < inputs; k++) kinds.add(this.one(trace.input(node, k)));
        return this.describeOperand(node, trace.input(node, 0));
      }
      case Role.gather:
        if (trace.attribute(node, 0) !== 0) return -1;
        kinds.add(this.one(trace.input(node, 0)));
        return this.describeOperand(node, trace.input(node, 1));
      default: return -1;
    }
  }

  private isSmall(node: number): boolean {
    const size = sizeOf(this.trace.shapes[node]);
    return size > 0 && size <= LARGE;
  }

  /** Describes the attributes and all operands; the number of those that are not common to all. */
  private describeAll(node: number): number {
    const { trace } = this;
    const count = trace.attributeCount(node);
    kinds.add(count);
    for (let i = 0; i < count; i++) kinds.add(trace.attribute(node, i));
    let own = 0;
    for (let k = 0; k < trace.inputCount(node); k++) own += this.describeOperand(node, trace.input(node, k));
    return own;
  }

  /**
   * An operand that is common to all is described by what it is; a product, or another result of the same stage, by its kind, so that what is
   * stacked comes from what is stacked; any other by its shape. The first word tells which, so that no two descriptions look the same.
   * @returns 1 for one that is not common to all
   */
  private describeOperand(node: number, input: number): 0 | 1 {
    const { trace, kind } = this;
    if (this.common[input] >= 0) {
      kinds.add(-1 - this.common[input]);
      return 0;
    }
    const shape = trace.shapes[input];
    const isOfKind = kind[input] >= 0 && (this.stage[input] === this.stage[node] || roleOf(trace, input) === Role.product);
    kinds.add(2 * shape.length + (isOfKind ? 1 : 0));
    if (isOfKind) kinds.add(kind[input]);
    else for (let axis = 0; axis < shape.length; axis++) kinds.add(shape[axis]);
    return 1;
  }
}

/** One serves all, as only one trace is stacked at a time. */
const kinds = new Interned();
