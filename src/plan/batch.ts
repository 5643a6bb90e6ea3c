/**
 * Batching: what is the same and does not depend on each other runs as one. A trace becomes another one, in which
 *
 * - products with the same matrix are one product over all their rows: the input projections of all time steps, the same
 *   gate at many nodes of trees or in many sequences; look-ups in one table are one look-up;
 * - the gradient of a matrix that was used many times, a sum of products, is one product over all uses; sums of biases'
 *   and tables' gradients likewise;
 * - a sum that has a product among its terms is added up by the product itself.
 *
 * Which products wait for each other is decided as in on-the-fly batching (Neubig et al., arXiv:1705.07860): whenever nothing
 * else can be computed, the kind with the least average depth runs, with all that is ready of it. What is elementwise is
 * computed when something needs it, so that it comes in long runs and can be fused. Linear in the number of nodes.
 */

import { sameShape, type Shape, sizeOf } from "../support/shape.ts";
import { join, joinAlong, part, sumOfRows } from "./join.ts";
import type { Lowerable } from "./lowering.ts";
import { FormAt, productPlus } from "./product.ts";
import { Role, roleOf } from "./role.ts";
import { Trace } from "./trace.ts";

/** A trace to be planned in place of another. */
export interface Batched {
  readonly trace: Trace;
  /** For each node of the original the node that has its value, −1 where none has. */
  readonly nodes: Int32Array;
  /** For each node the one of the original that it computes, or the first of them. */
  readonly origins: readonly number[];
  /** Its nodes that join arrays, in order. */
  readonly joins: readonly number[];
  /** The nodes of the original that one node computes, where it is several. */
  readonly members: ReadonlyMap<number, readonly number[]>;
}

/**
 * The trace with like operations batched, or null where there is nothing to batch.
 * It is valid until the next call.
 * @param needed marks the nodes that are needed, `roots` are those whose values are
 */
export function batch(trace: Trace, needed: Uint8Array, roots: readonly number[]): Batched | null {
  let candidates = 0;
  for (let node = 0; node < trace.count; node++) {
    if (needed[node] === 0) continue;
    const role = roleOf(trace, node);
    if (role === Role.product || role === Role.gather || role === Role.scatterAdd) candidates++;
  }
  if (candidates < 2) return null;
  return new Batching(trace, needed, roots).run();
}

/** Products or look-ups that share an operand. */
interface Kind {
  readonly number: number;
  readonly shared: number;
  /** The bias of products, −1 for none. */
  readonly bias: number;
  readonly transposeB: number;
  readonly width: number;
  members: number;
  depth: number;
  /** The members that can run now. */
  ready: number[];
  next: Kind | null;
}

/** Fewer terms than this are added up one by one. */
const MANY = 4;

/** A sum: its terms, and for each the node behind views that the sum can compute itself, −1 where there is none. */
interface Sum {
  readonly terms: readonly number[];
  readonly own: readonly number[];
}

/** A row of arrays that has been joined. */
interface Joined {
  readonly members: readonly number[];
  readonly node: number;
}

class Batching {
  private readonly out = rewritten;
  /** For each node the new one, −1 while there is none. */
  private readonly made: Int32Array;
  private readonly uses: Int32Array;
  private readonly role: Uint8Array;
  private readonly kinds: Kind[] = [];
  /** For each node 1 + the number of its kind, 0 for none. */
  private readonly kindOf: Int32Array;
  private readonly sums: Sum[] = [];
  /** For each node 1 + the place of its sum, 0 for none. */
  private readonly sumOf: Int32Array;
  /** Terms that their sum computes, and sums that are part of another: 1. */
  private readonly absorbed: Uint8Array;
  /** Where a node stands in the joined operands of a gradient: the number of that gradient, 0 for none, and the place. */
  private readonly rankGroup: Int32Array;
  private readonly rankPlace: Int32Array;
  private readonly joined = new Map<number, Joined[]>();
  private readonly joins: number[] = [];
  private readonly origins: number[] = [];
  private readonly members = new Map<number, readonly number[]>();

  constructor(
    private readonly trace: Trace,
    private readonly needed: Uint8Array,
    private readonly roots: readonly number[],
  ) {
    const { count } = trace;
    this.made = new Int32Array(count).fill(-1);
    this.uses = new Int32Array(count);
    this.kindOf = new Int32Array(count);
    this.rankGroup = new Int32Array(count);
    this.rankPlace = new Int32Array(count);
    this.absorbed = new Uint8Array(count);
    this.role = new Uint8Array(count);
    this.sumOf = new Int32Array(count);
  }

  run(): Batched | null {
    this.count();
    this.findKinds();
    this.findSums();
    if (this.kinds.length === 0 && this.sums.length === 0) return null;
    this.out.reset();
    this.schedule();
    for (const root of this.roots) this.emit(root);
    return { trace: this.out, nodes: this.made, origins: this.origins, joins: this.joins, members: this.members };
  }

  private count(): void {
    const { trace, needed, uses } = this;
    for (let node = 0; node < trace.count; node++) {
      this.role[node] = roleOf(trace, node);
      if (needed[node] === 0) continue;
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) uses[trace.input(node, k)]++;
    }
    for (const root of this.roots) uses[root]++;
  }

  // -- what can be batched ----------------------------------------------------------------------------

  private findKinds(): void {
    const { trace, needed } = this;
    const depth = new Int32Array(trace.count);
    const bySharedOperand = new Map<number, Kind>();
    const all: Kind[] = [];
    for (let node = 0; node < trace.count; node++) {
      if (needed[node] === 0) continue;
      let deepest = 0;
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) deepest = Math.max(deepest, depth[trace.input(node, k)]);
      const role = this.role[node];
      depth[node] = role === Role.view ? deepest : deepest + 1;
      const isLookUp = role === Role.gather && trace.attribute(node, 0) === 0;
      if (!isLookUp && !(role === Role.product && this.isPlain(node) && trace.attribute(node, FormAt.transposeA) === 0)) continue;
      if (trace.shapes[node].length === 0 || sizeOf(trace.shapes[node]) === 0) continue;
      const shared = trace.input(node, isLookUp ? 0 : 1);
      const bias = !isLookUp && trace.inputCount(node) === 3 ? trace.input(node, 2) : -1;
      const transposeB = isLookUp ? -1 : trace.attribute(node, FormAt.transposeB);
      const width = isLookUp ? -1 : trace.attribute(node, FormAt.n);
      const first = bySharedOperand.get(shared) ?? null;
      let kind = first;
      while (kind !== null && !(kind.bias === bias && kind.transposeB === transposeB && kind.width === width)) kind = kind.next;
      if (kind === null) {
        kind = { number: all.length + 1, shared, bias, transposeB, width, members: 0, depth: 0, ready: [], next: first };
        bySharedOperand.set(shared, kind);
        all.push(kind);
      }
      kind.members++;
      kind.depth += depth[node];
      this.kindOf[node] = kind.number;
    }
    // The number of a kind becomes its place in the order of depth.
    const kinds = all.filter(({ members }) => members > 1).sort((a, b) => a.depth / a.members - b.depth / b.members);
    const numbers = new Int32Array(all.length + 1);
    kinds.forEach((kind, i) => { numbers[kind.number] = i + 1; });
    for (let node = 0; node < trace.count; node++) if (this.kindOf[node] !== 0) this.kindOf[node] = numbers[this.kindOf[node]];
    for (const kind of kinds) this.kinds.push(kind);
  }

  /** Is a product one of two matrices, not of batches? */
  private isPlain(node: number): boolean {
    return this.trace.attribute(node, FormAt.outer) === 1 && this.trace.attribute(node, FormAt.inner) === 1;
  }

  /** What a node is a view of. */
  private source(node: number): number {
    let found = node;
    while (this.role[found] === Role.view && this.trace.inputCount(found) === 1) found = this.trace.input(found, 0);
    return found;
  }

  /** The node behind views that nothing else uses, itself used once; −1 if there is none. */
  private own(term: number): number {
    const { trace, uses } = this;
    let found = term;
    while (uses[found] === 1 && this.role[found] === Role.view && trace.inputCount(found) === 1) found = trace.input(found, 0);
    return uses[found] === 1 ? found : -1;
  }

  private findSums(): void {
    const { trace, needed } = this;
    const seen = new Uint8Array(trace.count);
    /** Sums of many, which may turn out to be of what some gradient joins. */
    const long: { node: number; terms: number[]; inner: number[] }[] = [];
    for (let node = trace.count - 1; node >= 0; node--) {
      if (needed[node] === 0 || seen[node] === 1 || !this.isSum(node)) continue;
      const terms: number[] = [];
      const inner: number[] = [];
      const open = [node];
      while (open.length > 0) {
        const sum = open.pop() as number;
        for (let k = trace.inputCount(sum) - 1; k >= 0; k--) {
          const input = trace.input(sum, k);
          if (this.uses[input] === 1 && this.isSum(input)) {
            seen[input] = 1;
            inner.push(input);
            open.push(input);
          } else terms.push(input);
        }
      }
      const own: number[] = [];
      let isWorth = false;
      for (const term of terms) {
        const found = this.own(term);
        const isOwn = this.isAddable(found);
        own.push(isOwn ? found : -1);
        if (isOwn) isWorth = true;
      }
      if (!isWorth) {
        if (terms.length >= MANY) long.push({ node, terms, inner });
        continue;
      }
      for (const sum of inner) this.absorbed[sum] = 1;
      for (const found of own) if (found >= 0) this.absorbed[found] = 1;
      this.sumOf[node] = this.sums.push({ terms, own });
      this.rankGradients(own);
    }
    for (const { node, terms, inner } of long) {
      if (this.joinedTerms(terms).length < MANY) continue;
      for (const sum of inner) this.absorbed[sum] = 1;
      this.sumOf[node] = this.sums.push({ terms, own: new Array<number>(terms.length).fill(-1) });
    }
  }

  /** Those terms that some gradient of a matrix joins: their sum, that of a bias, is one over rows. */
  private joinedTerms(terms: readonly number[]): number[] {
    const group = (term: number): number => this.rankGroup[this.source(term)];
    const first = terms.find((term) => group(term) !== 0);
    return first === undefined ? [] : terms.filter((term) => group(term) === group(first));
  }

  private isSum(node: number): boolean {
    const { trace } = this;
    if (this.role[node] !== Role.add) return false;
    const shape = trace.shapes[node];
    return trace.inputCount(node) > 2 || (sameShape(trace.shapes[trace.input(node, 0)], shape) && sameShape(trace.shapes[trace.input(node, 1)], shape));
  }

  /** Can a sum compute this term itself? */
  private isAddable(node: number): boolean {
    if (node < 0) return false;
    const { trace } = this;
    switch (this.role[node]) {
      case Role.product: return sizeOf(trace.shapes[node]) > 0;
      case Role.scatterAdd: return sizeOf(trace.shapes[trace.input(node, 1)]) > 0;
      case Role.sum: return this.isColumnSum(node);
      default: return false;
    }
  }

  /** Is a product one that sums over all uses of a matrix: both operands have a row for each? */
  private isGradient(node: number): boolean {
    const { trace } = this;
    return this.role[node] === Role.product && trace.inputCount(node) === 2 && this.isPlain(node) &&
      trace.attribute(node, FormAt.transposeA) === 1 && trace.attribute(node, FormAt.transposeB) === 0;
  }

  private isColumnSum(node: number): boolean {
    const { trace } = this;
    return trace.attributeCount(node) === 2 && trace.attribute(node, 1) === 0 && trace.shapes[trace.input(node, 0)].length === 2;
  }

  /** Remembers the order in which gradients will want their operands, so that others ask for the same. */
  private rankGradients(own: readonly number[]): void {
    const gradients = own.filter((node) => node >= 0 && this.isGradient(node));
    if (gradients.length < 2) return;
    gradients.sort(this.byActivation);
    for (let place = 0; place < gradients.length; place++) {
      const operand = this.source(this.trace.input(gradients[place], 0));
      if (this.rankGroup[operand] !== 0) continue;
      this.rankGroup[operand] = this.sums.length;
      this.rankPlace[operand] = place;
    }
  }

  /** In the order of the forward pass: by the operand that was an input then. */
  private readonly byActivation = (a: number, b: number): number =>
    this.trace.input(a, 1) - this.trace.input(b, 1) || this.trace.input(a, 0) - this.trace.input(b, 0);

  /** Nodes in the order in which a gradient wants them, if there is one that wants all of them. */
  private ranked(nodes: number[], input: number): number[] {
    const { trace, rankGroup, rankPlace } = this;
    const group = rankGroup[this.source(trace.input(nodes[0], input))];
    const isRanked = group !== 0 && nodes.every((node) => rankGroup[this.source(trace.input(node, input))] === group);
    const place = (node: number): number => {
      const source = this.source(trace.input(node, input));
      return isRanked ? rankPlace[source] : source;
    };
    for (let i = 1, last = place(nodes[0]); i < nodes.length; i++) {
      const next = place(nodes[i]);
      if (next < last) return nodes.sort((a, b) => place(a) - place(b) || a - b);
      last = next;
    }
    return nodes; // in order already, as they mostly are
  }

  // -- the order --------------------------------------------------------------------------------------

  private schedule(): void {
    const { trace, needed } = this;
    // The consumers of each node, in one array.
    const first = new Int32Array(trace.count + 1);
    const waiting = new Int32Array(trace.count);
    for (let node = 0; node < trace.count; node++) {
      if (needed[node] === 0) continue;
      waiting[node] = trace.inputCount(node);
      for (let k = waiting[node] - 1; k >= 0; k--) first[trace.input(node, k) + 1]++;
    }
    for (let node = 0; node < trace.count; node++) first[node + 1] += first[node];
    const fill = first.slice();
    const consumers = new Int32Array(first[trace.count]);
    for (let node = 0; node < trace.count; node++) {
      if (needed[node] === 0) continue;
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) consumers[fill[trace.input(node, k)]++] = node;
    }
    const queue = new Int32Array(trace.count);
    let end = 0;
    for (let node = 0; node < trace.count; node++) if (needed[node] === 1 && waiting[node] === 0) queue[end++] = node;
    const complete = (node: number): void => {
      for (let i = first[node]; i < first[node + 1]; i++) if (--waiting[consumers[i]] === 0) queue[end++] = consumers[i];
    };

    // No kind before this one has members that are ready.
    let least = 0;
    for (let at = 0; ; ) {
      while (at < end) {
        const node = queue[at++];
        const number = this.kindOf[node];
        if (number !== 0) {
          this.kinds[number - 1].ready.push(node);
          if (number - 1 < least) least = number - 1;
        } else {
          if (this.sumOf[node] !== 0) this.emitSum(node);
          else if (this.absorbed[node] === 0 && !this.canWait(node)) this.emit(node);
          complete(node);
        }
      }
      while (least < this.kinds.length && this.kinds[least].ready.length === 0) least++;
      if (least === this.kinds.length) return;
      const kind = this.kinds[least];
      const members = kind.ready;
      kind.ready = [];
      if (members.length > 1) this.emitKind(kind, members);
      else if (this.absorbed[members[0]] === 0) this.emit(members[0]);
      for (const node of members) complete(node);
    }
  }

  /** Is a node cheap enough to be computed only when something needs it? */
  private canWait(node: number): boolean {
    if (this.trace.isLeaf(node)) return true;
    switch (this.role[node]) {
      case Role.map: case Role.add: case Role.view: case Role.move: return true;
      default: return false;
    }
  }

  // -- the new trace ----------------------------------------------------------------------------------

  /** Copies a node, after those that it needs. */
  private emit(target: number): number {
    const { trace, made, out } = this;
    if (made[target] >= 0) return made[target];
    const open = [target];
    while (open.length > 0) {
      const node = open[open.length - 1];
      if (made[node] >= 0) {
        open.pop();
        continue;
      }
      let isReady = true;
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
        if (made[trace.input(node, k)] >= 0) continue;
        open.push(trace.input(node, k));
        isReady = false;
      }
      if (!isReady) continue;
      open.pop();
      made[node] = out.copy(trace, node, made);
      this.origins.push(node);
    }
    return made[target];
  }

  /** Adds a node that stands for `origin`. */
  private add(operation: Lowerable, shape: Shape, inputs: readonly number[], attributes: readonly number[], origin: number): number {
    this.origins.push(origin);
    return this.out.general(operation, shape, inputs, attributes);
  }

  /** Notes that a node computes several of the original. */
  private several(members: readonly number[], node: number): number {
    this.members.set(node, members);
    return node;
  }

  /** Some nodes' values one after another, as an array of a shape. */
  private join(nodes: readonly number[], shape: Shape, origin: number): number {
    const members = nodes.map((node) => this.emit(this.source(node)));
    let found = members[0];
    if (members.length > 1) {
      const known = this.joined.get(found) ?? [];
      if (known.length === 0) this.joined.set(found, known);
      found = known.find((other) => sameList(other.members, members))?.node ?? -1;
      if (found < 0) {
        found = this.add(join, [sizeOf(shape)], members, [], origin);
        this.joins.push(found);
        known.push({ members, node: found });
      }
    }
    return this.view(found, shape);
  }

  /** A new node in a shape. */
  private view(node: number, shape: Shape): number {
    return sameShape(this.out.shapes[node], shape) ? node : this.add(part, shape, [node], [0, ...shape], this.origins[node]);
  }

  /** Runs several members of a kind as one node, of which each is a part. */
  private emitKind(kind: Kind, ready: number[]): void {
    const { trace } = this;
    const isLookUp = kind.transposeB < 0;
    const varying = isLookUp ? 1 : 0;
    const members = this.ranked(ready, varying);
    const origin = members[0];
    const shared = this.emit(kind.shared);
    const operation = trace.operations[origin] as Lowerable;
    let whole: number;
    if (isLookUp) {
      const count = members.reduce((total, node) => total + sizeOf(trace.shapes[trace.input(node, 1)]), 0);
      const shape = [count, ...trace.shapes[kind.shared].slice(1)];
      whole = this.add(operation, shape, [shared, this.join(members.map((node) => trace.input(node, 1)), [count], origin)], [0], origin);
    } else {
      const rows = members.reduce((total, node) => total + trace.attribute(node, FormAt.m), 0);
      const depth = trace.attribute(origin, FormAt.k);
      const inputs = [this.join(members.map((node) => trace.input(node, 0)), [rows, depth], origin), shared];
      if (kind.bias >= 0) inputs.push(this.emit(kind.bias));
      whole = this.add(operation, [rows, kind.width], inputs, [0, kind.transposeB, rows, kind.width, depth, 1, 0, 0, 1, 0, 0], origin);
    }
    this.several(members, whole);
    let at = 0;
    for (const node of members) {
      const shape = trace.shapes[node];
      this.made[node] = this.add(part, shape, [whole], [at, ...shape], node);
      at += sizeOf(shape);
    }
  }

  /** Computes a sum: each group of like gradients as one node, other products by adding to what is there. */
  private emitSum(sum: number): void {
    const { trace } = this;
    const { terms, own: owns } = this.sums[this.sumOf[sum] - 1];
    const shape = trace.shapes[sum];
    if (terms.length === 2) {
      // Most often: a product and something else.
      const first = this.isOpenProduct(owns[0]);
      if (first !== this.isOpenProduct(owns[1]) && owns[first ? 1 : 0] < 0) {
        const other = this.emit(terms[first ? 1 : 0]);
        this.made[sum] = this.product(owns[first ? 0 : 1], shape, other);
        return;
      }
    }
    const others: number[] = [];
    const products: number[] = [];
    /** Terms that can be computed together: behind views of the sum's shape they may be of different ones. */
    const like = new Map<string, number[]>();
    const rows = terms.length < MANY ? [] : this.joinedTerms(terms.filter((_, i) => owns[i] < 0));
    if (rows.length < MANY) rows.length = 0;
    const inRows = new Set(rows);
    let total = -1;
    for (let i = 0; i < terms.length; i++) {
      const [term, own] = [terms[i], owns[i]];
      if (own < 0 && inRows.has(term)) continue;
      if (own < 0 || this.made[own] >= 0) others.push(this.emit(term));
      else if (this.isGradient(own) || this.role[own] !== Role.product) {
        const key = this.likeness(own);
        const group = like.get(key);
        if (group === undefined) like.set(key, [own]);
        else group.push(own);
      } else if (trace.inputCount(own) === 2) products.push(own);
      else if (total < 0) total = this.product(own, shape, -1);
      else others.push(this.emit(term));
    }
    if (rows.length > 0) others.push(this.sumOfTerms(rows, shape));
    const groups = [...like.values()];
    for (const group of groups) {
      const role = this.role[group[0]];
      if (role === Role.scatterAdd) others.push(this.view(this.scatter(group), shape));
      else if (role === Role.sum) others.push(this.sumOfColumns(group, shape));
    }
    const operation = trace.operations[sum] as Lowerable;
    for (const other of others) total = total < 0 ? other : this.add(operation, shape, [total, other], [], sum);
    for (const group of groups) if (this.role[group[0]] === Role.product) total = this.gradient(group, shape, total);
    for (const product of products) total = this.product(product, shape, total);
    this.made[sum] = total;
  }

  /** What terms of a sum must have in common to be computed together. */
  private likeness(own: number): string {
    const { trace } = this;
    const role = this.role[own];
    return role === Role.product
      ? `${role} ${trace.attribute(own, FormAt.m)} ${trace.attribute(own, FormAt.n)}`
      : `${role} ${trace.attribute(own, 0)} ${trace.shapes[own].join()}`;
  }

  /** A product of two that nothing has computed yet? */
  private isOpenProduct(own: number): boolean {
    return own >= 0 && this.made[own] < 0 && this.trace.inputCount(own) === 2 && this.role[own] === Role.product;
  }

  /** A product as it is, added to a matrix unless that is −1. */
  private product(node: number, shape: Shape, addend: number): number {
    const { trace, out } = this;
    for (let k = trace.inputCount(node) - 1; k >= 0; k--) this.emit(trace.input(node, k));
    this.origins.push(node);
    if (addend >= 0) return out.copyWith(trace, node, this.made, productPlus, shape, addend);
    const copied = out.copy(trace, node, this.made);
    out.shapes[copied] = shape;
    return copied;
  }

  /** The sum of products whose operands both have a row for each use. */
  private gradient(nodes: number[], shape: Shape, addend: number): number {
    const { trace } = this;
    if (nodes.length === 1) return this.product(nodes[0], shape, addend);
    nodes.sort(this.byActivation);
    const [m, n] = [trace.attribute(nodes[0], FormAt.m), trace.attribute(nodes[0], FormAt.n)];
    const depth = nodes.reduce((total, node) => total + trace.attribute(node, FormAt.k), 0);
    const inputs = [
      this.join(nodes.map((node) => trace.input(node, 0)), [depth, m], nodes[0]),
      this.join(nodes.map((node) => trace.input(node, 1)), [depth, n], nodes[0]),
    ];
    const operation = addend < 0 ? (trace.operations[nodes[0]] as Lowerable) : productPlus;
    return this.several(nodes, this.add(operation, shape, addend < 0 ? inputs : [...inputs, addend], [1, 0, m, n, depth, 1, 0, 0, 1, 0, 0], nodes[0]));
  }

  private scatter(nodes: readonly number[]): number {
    const { trace } = this;
    const [first] = nodes;
    const count = nodes.reduce((total, node) => total + sizeOf(trace.shapes[trace.input(node, 0)]), 0);
    const axis = trace.attribute(first, 0);
    const shape = trace.shapes[first].with(axis, count);
    const updates = nodes.map((node) => trace.input(node, 1));
    const inputs = [
      this.join(nodes.map((node) => trace.input(node, 0)), [count], first),
      axis === 0 || nodes.length === 1
        ? this.join(updates, shape, first)
        : this.add(joinAlong, shape, updates.map((node) => this.emit(node)), [sizeOf(shape.slice(axis))], first),
    ];
    return this.several(nodes, this.add(trace.operations[first] as Lowerable, trace.shapes[first], inputs, [...trace.attributes(first)], first));
  }

  private sumOfTerms(terms: number[], shape: Shape): number {
    terms.sort((a, b) => this.rankPlace[this.source(a)] - this.rankPlace[this.source(b)]);
    const joined = this.join(terms, [terms.length, sizeOf(shape)], terms[0]);
    return this.several(terms, this.add(sumOfRows, shape, [joined], [], terms[0]));
  }

  private sumOfColumns(nodes: number[], shape: Shape): number {
    const { trace } = this;
    const sorted = this.ranked(nodes, 0);
    const rows = sorted.reduce((total, node) => total + trace.shapes[trace.input(node, 0)][0], 0);
    const width = trace.shapes[trace.input(sorted[0], 0)][1];
    const joined = this.join(sorted.map((node) => trace.input(node, 0)), [rows, width], sorted[0]);
    return this.several(nodes, this.add(trace.operations[sorted[0]] as Lowerable, shape, [joined], [0, 0], sorted[0]));
  }
}

function sameList(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** One trace serves all plans, as only one is made at a time. */
const rewritten = new Trace();
