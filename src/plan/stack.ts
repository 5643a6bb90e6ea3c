/**
 * Stacking: the like operations of many members, such as the nodes of trees or the sequences of a step, become one operation
 * over arrays with one more axis, that of the members. It happens before anything is differentiated, so everything that
 * follows, from the reverse rules to the launches, is done once for all members: a structure that never repeats costs little more
 * than recording it.
 *
 * Operations are alike if they have the same attributes, operands of the same shapes, and share those operands that are not
 * their own, such as weights. Those at the same *level* are stacked: a level is a number of products that come before and, after the last of
 * them, a number of other operations. A product goes to the last level at which its result is in time, so the products
 * of one member stand together whenever their operands became known (cf. dynamic batching: Looks et al., arXiv:1702.02181).
 */

import { sameShape, type Shape, sizeOf } from "../support/shape.ts";
import { addCollect, Runs } from "./collect.ts";
import { Interned } from "./interned.ts";
import { FormAt } from "./product.ts";
import { Role, roleOf } from "./role.ts";
import { Trace } from "./trace.ts";

export interface Stacked {
  readonly trace: Trace;
  /** For each root of the original the node that has its value. */
  readonly nodes: readonly number[];
  /** For each node the one of the original that it computes, or the first of them. */
  readonly origins: readonly number[];
  /** For each node how many of the original it computes: none if it collects. */
  readonly members: readonly number[];
}

/** Fewer products and look-ups than this are not worth a look. */
const FEW = 16;
/** An array from outside that is used so often in one way may be one that all share, */
const SHARED = 4;
/** if it is at least this part of what is used in that way. */
const SHARE = 1 / 8;
/** Larger results gain nothing: running them costs more than launching them. */
const LARGE = 4096;
/** More members are stacked in parts: one operation takes a limited number of arrays. */
const MOST = 2 ** 15;
/** What is left must be at most this part of the operations. */
const WORTH = 0.5;

/**
 * The trace with like operations stacked, or null where that is not worth it. It is valid until the next call.
 * @param roots nodes whose values are needed
 */
export function stack(trace: Trace, roots: readonly number[]): Stacked | null {
  let candidates = 0;
  for (let node = 0; node < trace.count && candidates < FEW; node++) {
    const role = roleOf(trace, node);
    if (role === Role.product || role === Role.gather) candidates++;
  }
  return candidates < FEW ? null : new Stacking(trace, roots).run();
}

/** Kinds of nodes besides the numbers of those that can be stacked. */
const SINGLE = -1;
const UNNEEDED = -2;

class Stacking {
  private readonly out = stackedTrace;
  /** Its kind, or SINGLE, or UNNEEDED. */
  private readonly kind: Int32Array;
  /** For what all members have in common, the first node that computes it; else −1. */
  private readonly common: Int32Array;
  private readonly uses: Int32Array;
  /** The level: products before it, other operations since the last of them. */
  private readonly stage: Int32Array;
  private readonly place: Int32Array;
  /** The nodes in the order of levels. */
  private order = new Int32Array(0);
  /** Where a node's value is: a node of the new trace, and the row in it, −1 for all of it. */
  private readonly home: Int32Array;
  private readonly row: Int32Array;
  /** The new node that has a node's value alone, −1 while there is none. */
  private readonly alone: Int32Array;
  private readonly origins: number[] = [];
  private readonly members: number[] = [];
  private readonly runs = new Runs();
  private last: { readonly count: number; readonly shape: Shape; readonly rank: number; readonly stacked: Shape } = { count: -1, shape: [], rank: 0, stacked: [] };
  /** The nodes for lists of runs. */
  private readonly collected: number[] = [];

  constructor(
    private readonly trace: Trace,
    private readonly roots: readonly number[],
  ) {
    const { count } = trace;
    this.kind = new Int32Array(count).fill(UNNEEDED);
    this.common = new Int32Array(count).fill(-1);
    this.uses = new Int32Array(count);
    this.stage = new Int32Array(count);
    this.place = new Int32Array(count);
    this.home = new Int32Array(count).fill(-1);
    this.row = new Int32Array(count).fill(-1);
    this.alone = new Int32Array(count).fill(-1);
  }

  run(): Stacked | null {
    this.count();
    this.share();
    this.classify();
    this.slide();
    if (!this.sort()) return null;
    this.out.reset();
    this.out.takeData(this.trace);
    lists.reset();
    this.emitAll();
    return { trace: this.out, nodes: this.roots.map((node) => this.value(node)), origins: this.origins, members: this.members };
  }

  private count(): void {
    const { trace, kind, uses } = this;
    for (const root of this.roots) kind[root] = SINGLE;
    for (let node = trace.count - 1; node >= 0; node--) {
      if (kind[node] === UNNEEDED) continue;
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
        const input = trace.input(node, k);
        kind[input] = SINGLE;
        uses[input]++;
      }
    }
  }

  // -- what is alike ----------------------------------------------------------------------------------

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
      if (kind[node] === UNNEEDED) continue;
      if (trace.isLeaf(node)) continue;
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
        const isPlain = trace.attribute(node, FormAt.transposeA) === 0 && trace.attribute(node, FormAt.outer) === 1 && trace.attribute(node, FormAt.inner) === 1;
        if (!isPlain) return -1;
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

  /** The node that stands for all that compute the same. */
  private one(node: number): number { return this.common[node] >= 0 ? this.common[node] : node; }

  // -- levels -----------------------------------------------------------------------------------------

  /** Moves products to the last stage at which they are in time. */
  private slide(): void {
    const { trace, kind, stage } = this;
    const latest = new Int32Array(trace.count).fill(-1);
    for (let node = trace.count - 1; node >= 0; node--) {
      if (kind[node] === UNNEEDED) continue;
      const isProduct = roleOf(trace, node) === Role.product;
      const before = isProduct ? stage[node] - 1 : stage[node];
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
        const input = trace.input(node, k);
        if (latest[input] < 0 || latest[input] > before) latest[input] = before;
      }
      if (isProduct && kind[node] >= 0 && latest[node] > stage[node]) stage[node] = latest[node];
    }
  }

  /** Puts the nodes in the order of their levels. False if too many operations would be left. */
  private sort(): boolean {
    const { trace, kind, stage, place } = this;
    let stages = 0;
    for (let node = 0; node < trace.count; node++) if (stage[node] >= stages) stages = stage[node] + 1;
    // The places of all stages one after another.
    const base = new Int32Array(stages + 1);
    for (let node = 0; node < trace.count; node++) if (place[node] >= base[stage[node] + 1]) base[stage[node] + 1] = place[node] + 1;
    for (let s = 0; s < stages; s++) base[s + 1] += base[s];
    const level = place; // from here on
    const starts = new Int32Array(base[stages] + 1);
    let total = 0;
    for (let node = 0; node < trace.count; node++) {
      if (kind[node] === UNNEEDED || trace.isLeaf(node)) continue;
      level[node] += base[stage[node]];
      starts[level[node] + 1]++;
      total++;
    }
    for (let l = 0; l < base[stages]; l++) starts[l + 1] += starts[l];
    const order = new Int32Array(total);
    for (let node = 0; node < trace.count; node++) if (kind[node] !== UNNEEDED && !trace.isLeaf(node)) order[starts[level[node]]++] = node;
    this.order = order;

    const seen = new Int32Array(kinds.count).fill(-1);
    let left = 0;
    for (let i = 0; i < total; i++) {
      const number = kind[order[i]];
      if (number >= 0) {
        if (seen[number] === level[order[i]]) continue;
        seen[number] = level[order[i]];
      } else if (this.common[order[i]] >= 0 && this.common[order[i]] !== order[i]) continue;
      left++;
    }
    return left <= WORTH * total;
  }

  // -- the new trace ----------------------------------------------------------------------------------

  private emitAll(): void {
    const { order, kind, place: level } = this;
    const members: number[][] = [];
    const present: number[] = [];
    for (let i = 0; i < order.length; i++) {
      const node = order[i];
      const number = kind[node];
      if (number < 0) this.emit(this.one(node));
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
    this.members.push(members);
  }

  /** Copies a node whose operands have been made. */
  private emit(node: number): void {
    const { trace, alone } = this;
    if (this.home[node] >= 0) return;
    for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
      const input = trace.input(node, k);
      alone[input] = this.value(input);
    }
    this.home[node] = alone[node] = this.out.copy(trace, node, alone);
    this.added(node, 1);
  }

  /** The new node with the value of a node and nothing else. */
  private value(node: number): number {
    const one = this.one(node);
    if (this.alone[one] >= 0) return this.alone[one];
    if (this.trace.isLeaf(one)) this.emit(one);
    else {
      this.runs.clear();
      this.addRun(one, sizeOf(this.trace.shapes[one]));
      this.alone[one] = this.collect(this.trace.shapes[one], one);
    }
    return this.alone[one];
  }

  private addRun(node: number, size: number): void {
    if (this.home[node] < 0) this.value(node);
    this.runs.add(this.home[node], Math.max(0, this.row[node]) * size, size);
  }

  /** The runs that have been added, as an array of a shape. */
  private collect(shape: Shape, origin: number): number {
    const { words } = this.runs;
    const [source, start, length] = [words.at(0), words.at(1), words.at(2)];
    if (words.length === 3 && start === 0 && length === sizeOf(this.out.shapes[source]) && sameShape(this.out.shapes[source], shape)) return source;
    for (let axis = 0; axis < shape.length; axis++) lists.add(shape[axis]);
    for (let i = 0; i < words.length; i++) lists.add(words.at(i));
    const number = lists.number();
    let found = this.collected[number];
    if (found === undefined) {
      found = this.collected[number] = addCollect(this.out, shape, this.runs);
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
    const { trace, runs } = this;
    const first = trace.input(members[0], k);
    if (rank >= 0 && (this.common[first] >= 0 || members.every((member) => trace.input(member, k) === first))) return this.value(first);
    const shape = trace.shapes[first];
    const size = sizeOf(shape);
    runs.clear();
    for (let i = 0; i < members.length; i++) this.addRun(this.one(trace.input(members[i], k)), size);
    return this.collect(this.shapeOf(members.length, shape, rank <= shape.length ? 0 : rank), first);
  }

  /** Runs several nodes of a kind as one. */
  private emitMembers(members: readonly number[]): void {
    const { trace } = this;
    const [first] = members;
    const shape = trace.shapes[first];
    const inputs: number[] = [];
    let attributes: ArrayLike<number> = none;
    switch (roleOf(trace, first)) {
      case Role.product:
        inputs.push(this.operand(members, 0, -1));
        for (let k = 1; k < trace.inputCount(first); k++) inputs.push(this.value(trace.input(first, k)));
        for (let i = 0; i < FormAt.shape; i++) form[i] = trace.attribute(first, i);
        form[FormAt.m] *= members.length;
        attributes = form;
        break;
      case Role.gather:
        inputs.push(this.value(trace.input(first, 0)), this.operand(members, 1, -1));
        attributes = axis0;
        break;
      case Role.sum:
        inputs.push(this.operand(members, 0, -1));
        attributes = [...trace.attributes(first)].map((word, i) => (i === 0 ? word : word + 1)); // axes, after one number
        break;
      case Role.row:
        for (let k = 0; k < trace.inputCount(first); k++) inputs.push(this.operand(members, k, -1));
        break;
      case Role.view:
        inputs.push(this.operand(members, 0, -1));
        if (trace.attributeCount(first) > 0) attributes = this.shapeOf(members.length, shape, 0);
        break;
      default: {
        // A sum of more than two takes no part in broadcasting.
        const rank = trace.inputCount(first) > 2 && roleOf(trace, first) === Role.add ? -1 : shape.length;
        for (let k = 0; k < trace.inputCount(first); k++) inputs.push(this.operand(members, k, rank));
        if (trace.attributeCount(first) > 0) attributes = this.shapeOf(members.length, shape, 0);
      }
    }
    const node = this.out.general(trace.operations[first], this.shapeOf(members.length, shape, 0), inputs, attributes);
    this.added(first, members.length);
    for (let i = 0; i < members.length; i++) {
      this.home[members[i]] = node;
      this.row[members[i]] = i;
    }
  }
}

const none: readonly number[] = [];
const axis0: readonly number[] = [0];
/** The attributes of a product on their way into the trace. */
const form = new Array<number>(FormAt.shape).fill(0);

/** One of each serves all, as only one trace is stacked at a time. */
const stackedTrace = new Trace();
const kinds = new Interned();
const lists = new Interned();
