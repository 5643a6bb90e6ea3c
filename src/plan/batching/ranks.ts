/**
 * The order in which the gradients of weights want their operands: one that was used many times is one product over arrays
 * with a row for each use. What else is made of these arrays asks for them in the same order, so that they are joined once.
 */

import type { Graph } from "./graph.ts";

export class Ranks {
  private count = 0;
  /** For each operand the number of the gradient that joins it, 0 for none, and its place there. */
  private readonly gradient: Int32Array;
  private readonly place: Int32Array;

  constructor(private readonly graph: Graph) {
    this.gradient = new Int32Array(graph.trace.count);
    this.place = new Int32Array(graph.trace.count);
  }

  /** Puts products that are one gradient in the order of the forward pass: by the operand that was an input then. */
  sort(products: number[]): void {
    const { trace } = this.graph;
    products.sort((a, b) => trace.input(a, 1) - trace.input(b, 1) || trace.input(a, 0) - trace.input(b, 0));
  }

  /** Notes the operands of products that will be one gradient. */
  add(products: number[]): void {
    const { graph } = this;
    if (products.length < 2) return;
    this.count++;
    this.sort(products);
    for (let place = 0; place < products.length; place++) {
      const operand = graph.source(graph.trace.input(products[place], 0));
      if (this.gradient[operand] !== 0) continue;
      this.gradient[operand] = this.count;
      this.place[operand] = place;
    }
  }

  /** Those of some terms that one gradient joins: their sum, that of a bias, is one over rows. In the order in which it wants them. */
  joined(terms: readonly number[]): number[] {
    const { graph, gradient, place } = this;
    const first = terms.find((term) => gradient[graph.source(term)] !== 0);
    if (first === undefined) return [];
    const number = gradient[graph.source(first)];
    return terms.filter((term) => gradient[graph.source(term)] === number).sort((a, b) => place[graph.source(a)] - place[graph.source(b)]);
  }

  /** Nodes in the order in which a gradient wants what they read as their k-th input, if there is one that wants all of it. */
  ordered(nodes: number[], k: number): number[] {
    const { graph, gradient, place } = this;
    const { trace } = graph;
    const number = gradient[graph.source(trace.input(nodes[0], k))];
    const isRanked = number !== 0 && nodes.every((node) => gradient[graph.source(trace.input(node, k))] === number);
    const rank = (node: number): number => {
      const source = graph.source(trace.input(node, k));
      return isRanked ? place[source] : source;
    };
    for (let i = 1, last = rank(nodes[0]); i < nodes.length; i++) {
      const next = rank(nodes[i]);
      if (next < last) return nodes.sort((a, b) => rank(a) - rank(b) || a - b);
      last = next;
    }
    return nodes; // in order already, as they mostly are
  }
}
