/** How batching computes a sum: what adds up over uses as one node, other products by adding to what is there. */

import { type Shape, sizeOf } from "../../support/shape.ts";
import type { Graph } from "./graph.ts";
import { joinAlong, sumOfRows } from "../join.ts";
import { FormAt, productPlus } from "../product.ts";
import type { Rewrite } from "./rewrite.ts";
import { Role } from "../role.ts";
import { MANY, type Sum, type Sums } from "./sums.ts";

export class AddUp {
  private readonly graph: Graph;

  constructor(private readonly rewrite: Rewrite, private readonly sums: Sums) {
    this.graph = rewrite.graph;
  }

  emit(node: number, sum: Sum): void {
    this.rewrite.nodes[node] = this.productAndOther(node, sum) ?? this.total(node, sum);
  }

  /** A product and something else, as it is most often. */
  private productAndOther(node: number, { terms, own }: Sum): number | null {
    if (terms.length !== 2) return null;
    const product = this.isOpenProduct(own[0]) ? 0 : 1;
    if (!this.isOpenProduct(own[product]) || own[1 - product] >= 0) return null;
    const other = this.rewrite.emit(terms[1 - product]);
    return this.product(own[product], this.graph.trace.shapes[node], other);
  }

  private total(node: number, { terms, own: owns }: Sum): number {
    const { rewrite, graph: { trace, role } } = this;
    const shape = trace.shapes[node];
    const others: number[] = [];
    const products: number[] = [];
    /** Terms that can be computed together: behind views of the sum's shape they may be of different ones. */
    const alike = new Map<string, number[]>();
    let rows = terms.length < MANY ? [] : this.sums.ranks.joined(terms.filter((_, i) => owns[i] < 0));
    if (rows.length < MANY) rows = [];
    const inRows = new Set(rows);
    let total = -1;
    for (let i = 0; i < terms.length; i++) {
      const [term, own] = [terms[i], owns[i]];
      if (own < 0 && inRows.has(term)) continue;
      if (own < 0 || rewrite.nodes[own] >= 0) others.push(rewrite.emit(term));
      else if (role[own] !== Role.product || this.graph.isGradient(own)) {
        const key = this.likeness(own);
        const known = alike.get(key);
        if (known === undefined) alike.set(key, [own]);
        else known.push(own);
      } else if (trace.inputCount(own) === 2) products.push(own);
      else if (total < 0) total = this.product(own, shape, -1);
      else others.push(rewrite.emit(term));
    }
    if (rows.length > 0) others.push(this.sumOfTerms(rows, shape));
    const batches = [...alike.values()];
    for (const batch of batches) {
      if (role[batch[0]] === Role.scatterAdd) others.push(rewrite.view(this.scatter(batch), shape));
      else if (role[batch[0]] === Role.sum) others.push(this.sumOfColumns(batch, shape));
    }
    for (const other of others) total = total < 0 ? other : rewrite.add(rewrite.operation(node), shape, [total, other], [], node);
    for (const batch of batches) if (role[batch[0]] === Role.product) total = this.gradient(batch, shape, total);
    for (const product of products) total = this.product(product, shape, total);
    return total;
  }

  /** What terms of a sum must have in common to be computed together. */
  private likeness(own: number): string {
    const { trace, role } = this.graph;
    return role[own] === Role.product
      ? `${role[own]} ${trace.attribute(own, FormAt.m)} ${trace.attribute(own, FormAt.n)}`
      : `${role[own]} ${trace.attribute(own, 0)} ${trace.shapes[own].join()}`;
  }

  /** A product of two that nothing has computed yet? */
  private isOpenProduct(own: number): boolean {
    return own >= 0 && this.rewrite.nodes[own] < 0 && this.graph.trace.inputCount(own) === 2 && this.graph.role[own] === Role.product;
  }

  /** A product as it is, added to a matrix unless that is −1. */
  private product(node: number, shape: Shape, addend: number): number {
    const { rewrite, graph: { trace } } = this;
    const inputs = addend < 0 ? [] : [addend];
    for (let k = trace.inputCount(node) - 1; k >= 0; k--) inputs.unshift(rewrite.emit(trace.input(node, k)));
    return rewrite.add(addend < 0 ? rewrite.operation(node) : productPlus, shape, inputs, trace.attributes(node), node);
  }

  /** The sum of products whose operands both have a row for each use. */
  private gradient(nodes: number[], shape: Shape, addend: number): number {
    const { rewrite, graph: { trace } } = this;
    if (nodes.length === 1) return this.product(nodes[0], shape, addend);
    this.sums.ranks.sort(nodes);
    const [m, n] = [trace.attribute(nodes[0], FormAt.m), trace.attribute(nodes[0], FormAt.n)];
    const depth = nodes.reduce((total, node) => total + trace.attribute(node, FormAt.k), 0);
    const inputs = [rewrite.joinInputs(nodes, 0, [depth, m]), rewrite.joinInputs(nodes, 1, [depth, n])];
    const form = [1, 0, m, n, depth, 1, 0, 0, 1, 0, 0];
    return addend < 0 ? rewrite.addFor(nodes, shape, inputs, form) : rewrite.addFor(nodes, shape, [...inputs, addend], form, productPlus);
  }

  private scatter(nodes: readonly number[]): number {
    const { rewrite, graph: { trace } } = this;
    const [first] = nodes;
    const count = nodes.reduce((total, node) => total + sizeOf(trace.shapes[trace.input(node, 0)]), 0);
    const axis = trace.attribute(first, 0);
    const shape = trace.shapes[first].with(axis, count);
    const indices = rewrite.joinInputs(nodes, 0, [count]);
    const updates = axis === 0 || nodes.length === 1
      ? rewrite.joinInputs(nodes, 1, shape)
      : rewrite.add(joinAlong, shape, nodes.map((node) => rewrite.emit(trace.input(node, 1))), [sizeOf(shape.slice(axis))], first);
    return rewrite.addFor(nodes, trace.shapes[first], [indices, updates], trace.attributes(first));
  }

  private sumOfTerms(terms: readonly number[], shape: Shape): number {
    const joined = this.rewrite.join(terms, [terms.length, sizeOf(shape)], terms[0]);
    return this.rewrite.addFor(terms, shape, [joined], [], sumOfRows);
  }

  private sumOfColumns(nodes: number[], shape: Shape): number {
    const { trace } = this.graph;
    const sorted = this.sums.ranks.ordered(nodes, 0);
    const rows = sorted.reduce((total, node) => total + trace.shapes[trace.input(node, 0)][0], 0);
    const width = trace.shapes[trace.input(sorted[0], 0)][1];
    return this.rewrite.addFor(sorted, shape, [this.rewrite.joinInputs(sorted, 0, [rows, width])], [0, 0]);
  }
}
