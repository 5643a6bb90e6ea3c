/**
 * Fusion: elementwise operations over the same shape become one kernel, so that their data pass through memory once.
 *
 * A group is a launch whose place in the order is that of its first member. An operation joins the group if all
 * that it reads is made by then; so joining can never make a cycle, and each operation is looked at once.
 */

import { argument, type Expr, substitute } from "../kernels/expression.ts";
import { type MapKernel, map } from "../kernels/kernel.ts";
import { type Shape, sameShape, sizeOf } from "../support/shape.ts";
import type { Lowering } from "./lowering.ts";

/** Bounds that keep a fused kernel within the registers and its compilation short. */
const MAX_MEMBERS = 24;
const MAX_OPERANDS = 12;

export interface Group {
  readonly shape: Shape;
  readonly launch: number;
  /** The members' expressions over the operands. */
  readonly members: Map<number, Expr>;
  /** The nodes that the group reads. */
  readonly operands: number[];
  /** The members that something outside reads. */
  stored: number[];
}

export class Fusion {
  private readonly groups = new Map<number, Group>();
  private last: Group | null = null;
  /** Groups with earlier launches are closed. */
  private first = 0;

  constructor(private readonly lowering: Lowering) {}

  close(): void { this.first = this.lowering.launchKernel.length; }

  /** Takes an elementwise node into a group. False if it is better launched alone. */
  map(node: number, kernel: MapKernel): boolean {
    const { lowering } = this;
    const shape = lowering.shape(node);
    if (sizeOf(shape) === 0) return false;
    const inputs = Array.from({ length: kernel.inputs }, (_, k) => lowering.trace.input(node, k));
    const ready = inputs.reduce((latest, input) => Math.max(latest, lowering.producer(input)), -1);
    const group = this.fitting(this.groups.get(ready), shape, ready, inputs) ?? this.fitting(this.last, shape, ready, inputs) ?? this.open(node, shape);
    const values = inputs.map((input) => {
      const member = group.members.get(input);
      if (member !== undefined) return member;
      let position = group.operands.indexOf(input);
      if (position < 0) position = group.operands.push(input) - 1;
      lowering.useInGroup(input, group.launch);
      return argument(position);
    });
    group.members.set(node, substitute(kernel.outputs[0], (part) => (part.kind === "argument" ? values[part.value] : undefined)));
    lowering.defineInGroup(node, group.launch);
    return true;
  }

  private fitting(group: Group | null | undefined, shape: Shape, ready: number, inputs: readonly number[]): Group | null {
    if (group === null || group === undefined || group.launch < this.first || ready > group.launch || !sameShape(group.shape, shape)) return null;
    if (group.members.size >= MAX_MEMBERS) return null;
    const fresh = inputs.filter((input) => !group.members.has(input) && !group.operands.includes(input));
    // A view of a member is not the member: it must be written before it is read.
    if (fresh.some((input) => this.lowering.producer(input) === group.launch)) return null;
    return group.operands.length + fresh.length <= MAX_OPERANDS ? group : null;
  }

  private open(node: number, shape: Shape): Group {
    const launch = this.lowering.launchGroup(node);
    const group: Group = { shape, launch, members: new Map(), operands: [], stored: [] };
    this.groups.set(launch, group);
    this.last = group;
    return group;
  }

  /** The members of each group that is launched, by launch. */
  get members(): Map<number, readonly number[]> {
    return new Map([...this.groups.values()].filter((group) => group.stored.length > 0).map((group) => [group.launch, [...group.members.keys()]]));
  }

  /** Completes all groups, now that it is known which members are read from outside. */
  complete(): void {
    for (const group of this.groups.values()) {
      group.stored = [...group.members.keys()].filter((node) => this.lowering.isStored(node));
      if (group.stored.length === 0) continue;
      const kernel = map(group.operands.length, ...group.stored.map((node) => group.members.get(node) as Expr));
      this.lowering.closeGroup(group.launch, kernel, group);
    }
  }
}
