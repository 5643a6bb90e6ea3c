/** A part of what a step has recorded, for telling whether it is recorded again. */

import { LeafKind } from "../plan/trace.ts";
import type { Step } from "./step.ts";
import type { Variable } from "./variable.ts";

// Kept, so that a comparison allocates nothing.
const words: number[] = [];

/** Nodes of a piece from 0 on, those of its own from −1 down, NaN for any other. */
function placeOf(node: number, from: number, own: readonly Variable[]): number {
  if (node >= from) return node - from;
  for (let k = 0; k < own.length; k++) if (own[k].index === node) return -1 - k;
  return NaN;
}

/**
 * A part of what a step has recorded, without where it is: recorded again, or for other arrays, it is the same words.
 * @param from the first node of it
 * @param own what it was recorded for, which the step knew before: told by the places in this list
 * @param results what it gave
 * @returns words that are good until the next call, or null where it has used something else from outside, besides numbers
 */
export function pieceOf(step: Step, from: number, own: readonly Variable[], results: readonly Variable[]): readonly number[] | null {
  const { trace } = step;
  words.length = 0;
  for (let node = from; node < trace.count; node++) {
    const isLeaf = trace.isLeaf(node);
    if (isLeaf && trace.leafKind(node) !== LeafKind.scalar) return null;
    const inputs = trace.inputCount(node);
    const attributes = trace.attributeCount(node);
    words.push(trace.operations[node].id);
    words.push(inputs);
    for (let k = 0; k < inputs; k++) words.push(placeOf(trace.input(node, k), from, own));
    // The place of a number among the numbers is no part of it.
    for (let k = isLeaf ? 2 : 0; k < attributes; k++) words.push(trace.attribute(node, k));
  }
  for (const result of results) words.push(placeOf(step.node(result), from, own));
  return words.includes(NaN) ? null : words;
}
