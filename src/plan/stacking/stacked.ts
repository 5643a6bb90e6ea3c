/** The trace that stacking makes: one operation for each kind and level, over arrays with one more axis, that of the members. */

import { sameShape, type Shape, scalarShape, sizeOf } from "../../support/shape.ts";
import type { Alike } from "./alike.ts";
import { addCollect, Runs } from "../collect.ts";
import { Interned } from "../interned.ts";
import type { Levels } from "./levels.ts";
import { FormAt } from "../product.ts";
import { isShared, Role, roleOf } from "../role.ts";
import { Trace } from "../trace.ts";

/** More members are stacked in parts: one operation takes a limited number of arrays. */
const MOST = 2 ** 15;

export class Stacked {
  readonly trace = stackedTrace;
  /** For each root of the original the node that has its value. */
  readonly nodes: readonly number[];
  /** For each new node the one of the original that it computes, or the first of them. */
  readonly origins: number[] = [];
  /** For each new node how many of the original it computes: none if it collects. */
  readonly memberCounts: number[] = [];
  private readonly from: Trace;
  /** Where a node's value is: a new node, and the row in it, −1 for all of it. */
  private readonly holder: Int32Array;
  private readonly row: Int32Array;
  /** The new node that has a node's value alone, −1 while there is none. */
  private readonly alone: Int32Array;
  private readonly runs = new Runs();
  private readonly lists = new Interned();
  /** The new nodes for lists of runs. */
  private readonly collected: number[] = [];
  /** What `shapeOf` was asked last, and what it gave. */
  private last = { count: -1, shape: scalarShape, rank: 0, stacked: scalarShape };

  constructor(private readonly alike: Alike, levels: Levels, roots: readonly number[]) {
    this.from = alike.trace;
    const { count } = this.from;
    this.holder = new Int32Array(count).fill(-1);
    this.row = new Int32Array(count).fill(-1);
    this.alone = new Int32Array(count).fill(-1);
    this.trace.reset();
    this.trace.takeData(this.from);
    this.emitAll(levels);
    this.nodes = roots.map((node) => this.value(node));
    this.lists.release();
  }

  private emitAll({ order, level }: Levels): void {
    const { alike } = this;
    const members: number[][] = [];
    const present: number[] = [];
    for (let i = 0; i < order.length; i++) {
      const node = order[i];
      const number = alike.kind[node];
      if (number < 0) this.emit(alike.one(node));
      else {
        members[number] ??= [];
        if (members[number].push(node) === 1) present.push(number);
      }
      if (i + 1 < order.length && level[order[i + 1]] === level[node]) continue;
      for (const found of present) {
        const all = members[found];
        for (let from = 0; from < all.length; from += MOST) {
          if (from + 1 === all.length) this.emit(all[from]);
          else this.emitMembers(all.length <= MOST ? all : all.slice(from, from + MOST));
        }
        all.length = 0;
      }
      present.length = 0;
    }
  }

  private added(origin: number, members: number): void {
    this.origins.push(origin);
    this.memberCounts.push(members);
  }

  /** Copies a node whose operands have been made. */
  private emit(node: number): void {
    const { from, alone } = this;
    if (this.holder[node] >= 0) return;
    for (let k = from.inputCount(node) - 1; k >= 0; k--) {
      const input = from.input(node, k);
      alone[input] = this.value(input);
    }
    this.holder[node] = alone[node] = this.trace.copy(from, node, alone);
    this.added(node, 1);
  }

  /** The new node with the value of a node and nothing else. */
  private value(node: number): number {
    const one = this.alike.one(node);
    if (this.alone[one] >= 0) return this.alone[one];
    if (this.from.isLeaf(one)) this.emit(one);
    else {
      this.runs.clear();
      this.addRun(one, sizeOf(this.from.shapes[one]));
      this.alone[one] = this.collect(this.from.shapes[one], one);
    }
    return this.alone[one];
  }

  private addRun(node: number, size: number): void {
    if (this.holder[node] < 0) this.emit(node); // from outside
    this.runs.add(this.holder[node], Math.max(0, this.row[node]) * size, size);
  }

  /** The runs that have been added, as an array of a shape. */
  private collect(shape: Shape, origin: number): number {
    const { words } = this.runs;
    const [source, start, length] = [words.at(0), words.at(1), words.at(2)];
    if (words.length === 3 && start === 0 && length === sizeOf(this.trace.shapes[source]) && sameShape(this.trace.shapes[source], shape)) return source;
    for (let axis = 0; axis < shape.length; axis++) this.lists.add(shape[axis]);
    for (let i = 0; i < words.length; i++) this.lists.add(words.at(i));
    const number = this.lists.number();
    let found = this.collected[number];
    if (found === undefined) {
      found = this.collected[number] = addCollect(this.trace, shape, this.runs);
      this.added(origin, 0);
    }
    return found;
  }

  /** The shape of what stacks arrays of a shape: one more axis, and axes of size 1 for those that they lack to have some rank. */
  private shapeOf(count: number, shape: Shape, rank: number): Shape {
    // Mostly as the last one was: shapes that are the same object need no comparing later.
    const { last } = this;
    if (last.count !== count || last.shape !== shape || last.rank !== rank) {
      this.last = { count, shape, rank, stacked: [count, ...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape] };
    }
    return this.last.stacked;
  }

  /**
   * An operand of all members: one array if they share it, else theirs stacked.
   * @param rank that of the results if the operand is broadcast to their shape; −1 if it must have a row for each member
   */
  private operand(members: readonly number[], k: number, rank: number): number {
    const { from, runs } = this;
    const first = from.input(members[0], k);
    if (rank >= 0 && (this.alike.common[first] >= 0 || members.every((member) => from.input(member, k) === first))) return this.value(first);
    const shape = from.shapes[first];
    const size = sizeOf(shape);
    runs.clear();
    for (let i = 0; i < members.length; i++) this.addRun(this.alike.one(from.input(members[i], k)), size);
    return this.collect(this.shapeOf(members.length, shape, rank <= shape.length ? 0 : rank), first);
  }

  /** Runs several nodes of a kind as one. */
  private emitMembers(members: readonly number[]): void {
    const { from } = this;
    const [first] = members;
    const shape = from.shapes[first];
    const role = roleOf(from, first);
    const count = from.inputCount(first);
    // A sum of more than two takes no part in broadcasting.
    const rank = role === Role.map || (role === Role.add && count === 2) ? shape.length : -1;
    const inputs: number[] = [];
    for (let k = 0; k < count; k++) inputs.push(isShared(role, k) ? this.value(from.input(first, k)) : this.operand(members, k, rank));
    const own = from.attributes(first);
    let attributes: ArrayLike<number> = own;
    if (role === Role.product) {
      own[FormAt.m] *= members.length;
      attributes = own.subarray(0, FormAt.shape);
    } else if (role === Role.sum) attributes = own.map((word, i) => (i === 0 ? word : word + 1)); // axes, after one number
    else if (role !== Role.gather && own.length > 0) attributes = this.shapeOf(members.length, shape, 0);
    const node = this.trace.general(from.operations[first], this.shapeOf(members.length, shape, 0), inputs, attributes);
    this.added(first, members.length);
    for (let i = 0; i < members.length; i++) {
      this.holder[members[i]] = node;
      this.row[members[i]] = i;
    }
  }
}

/** One serves all, as only one trace is stacked at a time. */
const stackedTrace = new Trace();
