/** The trace that batching makes: nodes of the original, copied when something needs them, and new ones that compute several of them. */

import { sameShape, type Shape, sizeOf } from "../../support/shape.ts";
import type { Graph } from "./graph.ts";
import { join, part } from "../join.ts";
import type { Lowerable } from "../lowering.ts";
import { Trace } from "../trace.ts";

/** A row of arrays that has been joined. */
interface Joined {
  readonly inputs: readonly number[];
  readonly node: number;
}

export class Rewrite {
  readonly trace = rewritten;
  /** For each node of the original the new one that has its value, −1 where none has. */
  readonly nodes: Int32Array;
  /** For each new node the one of the original that it computes, or the first of them. */
  readonly origins: number[] = [];
  /** The new nodes that join arrays, in order. */
  readonly joins: number[] = [];
  /** The nodes of the original that a new one computes, where it is several. */
  readonly members = new Map<number, readonly number[]>();
  /** What has been joined, by the first of it. */
  private readonly joined = new Map<number, Joined[]>();

  constructor(readonly graph: Graph) {
    this.nodes = new Int32Array(graph.trace.count).fill(-1);
    this.trace.reset();
  }

  /** Copies a node, after those that it needs. */
  emit(target: number): number {
    const { nodes, graph: { trace } } = this;
    if (nodes[target] >= 0) return nodes[target];
    const open = [target];
    while (open.length > 0) {
      const node = open[open.length - 1];
      if (nodes[node] >= 0) {
        open.pop();
        continue;
      }
      let isReady = true;
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
        if (nodes[trace.input(node, k)] >= 0) continue;
        open.push(trace.input(node, k));
        isReady = false;
      }
      if (!isReady) continue;
      open.pop();
      if (this.operation(node) === join) {
        const inputs = Array.from({ length: trace.inputCount(node) }, (_, k) => trace.input(node, k));
        nodes[node] = this.join(inputs, trace.shapes[node], node);
        continue;
      }
      nodes[node] = this.trace.copy(trace, node, nodes);
      this.origins.push(node);
    }
    return nodes[target];
  }

  /** Adds a node that stands for `origin`. */
  add(operation: Lowerable, shape: Shape, inputs: readonly number[], attributes: ArrayLike<number>, origin: number): number {
    this.origins.push(origin);
    return this.trace.general(operation, shape, inputs, attributes);
  }

  /** Adds a node that computes several of the original, whose operation the first of them has, unless another is given. */
  addFor(members: readonly number[], shape: Shape, inputs: readonly number[], attributes: ArrayLike<number>, operation = this.operation(members[0])): number {
    const node = this.add(operation, shape, inputs, attributes, members[0]);
    this.members.set(node, members);
    return node;
  }

  operation(node: number): Lowerable { return this.graph.trace.operations[node] as Lowerable; }

  /** The k-th inputs of some nodes one after another, as an array of a shape. */
  joinInputs(members: readonly number[], k: number, shape: Shape): number {
    return this.join(members.map((node) => this.graph.trace.input(node, k)), shape, members[0]);
  }

  /** Some nodes' values one after another, as an array of a shape. */
  join(nodes: readonly number[], shape: Shape, origin: number): number {
    const inputs = nodes.map((node) => this.emit(this.graph.source(node)));
    let found = inputs[0];
    if (inputs.length > 1) {
      const known = this.joined.get(found) ?? [];
      if (known.length === 0) this.joined.set(found, known);
      found = known.find((other) => sameList(other.inputs, inputs))?.node ?? -1;
      if (found < 0) {
        found = this.add(join, [sizeOf(shape)], inputs, [], origin);
        this.joins.push(found);
        known.push({ inputs, node: found });
      }
    }
    return this.view(found, shape);
  }

  /** A new node in a shape. */
  view(node: number, shape: Shape): number {
    return sameShape(this.trace.shapes[node], shape) ? node : this.add(part, shape, [node], [0, ...shape], this.origins[node]);
  }

  /** Some nodes as parts of one, one after another. */
  split(whole: number, nodes: readonly number[]): void {
    let at = 0;
    for (const node of nodes) {
      const shape = this.graph.trace.shapes[node];
      this.nodes[node] = this.add(part, shape, [whole], [at, ...shape], node);
      at += sizeOf(shape);
    }
  }
}

function sameList(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** One trace serves all plans, as only one is made at a time. */
const rewritten = new Trace();
