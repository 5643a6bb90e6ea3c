/**
 * Which operations of a trace are alike: those with the same attributes, operands of the same shapes, and the same operands where these
 * are not their own, such as weights.
 */

import { sizeOf } from "../../support/shape.ts";
import { Interned } from "../interned.ts";
import { FormAt, isPlain } from "../product.ts";
import { isShared, Role, roleOf } from "../role.ts";
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
  private readonly descriptions = new Interned();

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

  get kinds(): number { return this.descriptions.count; }

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
    const ways = new Interned();
    /** By the number of a way, or of an array used in a way: how often, and the numbers of both. */
    const counts: number[] = [];
    const used: { readonly array: number; readonly way: number }[] = [];
    for (let node = 0; node < trace.count; node++) {
      if (kind[node] === UNNEEDED || trace.isLeaf(node)) continue;
      const role = roleOf(trace, node);
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
        const array = trace.input(node, k);
        if (this.uses[array] < SHARED || common[array] >= 0 || !trace.isLeaf(array)) continue;
        if (isShared(role, k)) {
          common[array] = array;
          continue;
        }
        ways.add(trace.words[trace.start[node]]);
        ways.add(k);
        ways.add(role === Role.product ? trace.input(node, 1) : -1);
        const shape = trace.shapes[array];
        for (let axis = 0; axis < shape.length; axis++) ways.add(shape[axis]);
        const way = ways.number();
        ways.add(-1 - way);
        ways.add(array);
        const both = ways.number();
        counts[way] = (counts[way] ?? 0) + 1;
        counts[both] = (counts[both] ?? 0) + 1;
        used[both] ??= { array, way };
      }
    }
    used.forEach(({ array, way }, both) => { if (counts[both] >= SHARED && counts[both] >= SHARE * counts[way]) common[array] = array; });
    ways.release();
  }

  private classify(): void {
    const { trace, kind, common, stage, place } = this;
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
      if (own < 0) continue;
      const number = this.descriptions.number();
      if (own > 0) kind[node] = number;
      else {
        first[number] ??= node;
        common[node] = first[number];
      }
    }
    this.descriptions.release();
  }

  /**
   * Writes down what operations must have in common with this one to be stacked.
   * @returns the number of operands that are its own, −1 if it cannot be stacked
   */
  private describe(node: number): number {
    const { trace, descriptions } = this;
    const role = roleOf(trace, node);
    if (!this.isSmall(node) || !this.canStack(role, node)) return -1;
    descriptions.add(trace.words[trace.start[node]]);
    const inputs = trace.inputCount(node);
    if (role === Role.product) {
      descriptions.add(trace.attribute(node, FormAt.transposeB));
      descriptions.add(trace.attribute(node, FormAt.n));
      descriptions.add(inputs);
    } else {
      const count = trace.attributeCount(node);
      descriptions.add(count);
      for (let i = 0; i < count; i++) descriptions.add(trace.attribute(node, i));
    }
    let own = 0;
    for (let k = 0; k < inputs; k++) {
      const input = trace.input(node, k);
      if (isShared(role, k)) descriptions.add(this.one(input));
      else own += this.describeOperand(node, input);
    }
    return own;
  }

  private isSmall(node: number): boolean {
    const size = sizeOf(this.trace.shapes[node]);
    return size > 0 && size <= LARGE;
  }

  private canStack(role: Role | 0, node: number): boolean {
    const { trace } = this;
    switch (role) {
      case Role.map: case Role.add: return true;
      case Role.row: case Role.sum: return this.isSmall(trace.input(node, 0));
      case Role.view: return trace.inputCount(node) === 1;
      case Role.product: return isPlain(trace, node, 0);
      case Role.gather: return trace.attribute(node, 0) === 0;
      default: return false;
    }
  }

  /**
   * An operand that is common to all is described by what it is; a product, or another result of the same stage, by its kind, so that what is
   * stacked comes from what is stacked; any other by its shape. The first word tells which, so that no two descriptions look the same.
   * @returns 1 for one that is not common to all
   */
  private describeOperand(node: number, input: number): 0 | 1 {
    const { trace, kind, descriptions } = this;
    if (this.common[input] >= 0) {
      descriptions.add(-1 - this.common[input]);
      return 0;
    }
    const shape = trace.shapes[input];
    const isOfKind = kind[input] >= 0 && (this.stage[input] === this.stage[node] || roleOf(trace, input) === Role.product);
    descriptions.add(2 * shape.length + (isOfKind ? 1 : 0));
    if (isOfKind) descriptions.add(kind[input]);
    else for (let axis = 0; axis < shape.length; axis++) descriptions.add(shape[axis]);
    return 1;
  }
}
