/** The two limits of a launch: arithmetic and bytes moved. */

import type { Expr } from "./expression.ts";

export interface Work {
  /** Floating-point operations; a product and a sum are two, and so exp or tanh are some ten each. */
  readonly flops: number;
  /** Bytes read and written if everything comes from memory once. */
  readonly bytes: number;
}

export const moved = (elements: number, flops: number): Work => ({ flops, bytes: 4 * elements });

/** Roughly what functions cost that are not one instruction. */
const costs: Partial<Record<Expr["kind"], number>> = {
  argument: 0, constant: 0, index: 0, exp: 12, expm1: 14, log: 14, log1p: 16, tanh: 14, sigmoid: 14, sin: 14, cos: 14, pow: 28, div: 4, sqrt: 4,
};

/** The operations for an element; parts that several expressions have in common count once, others than those of an element not at all. */
export function costOf(outputs: readonly Expr[], isOfElement: (part: Expr) => boolean = () => true): number {
  const seen = new Set<Expr>();
  const open = [...outputs];
  let cost = 0;
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (seen.has(part) || !isOfElement(part)) continue;
    seen.add(part);
    cost += costs[part.kind] ?? 1;
    for (const input of part.inputs) open.push(input);
  }
  return cost;
}
