/** A part of what a step has recorded, without where it is: recorded again, or for other arrays, it is the same words. */

import { LeafKind } from "../plan/trace.ts";
import type { Step } from "./step.ts";
import type { Variable } from "./variable.ts";

// Kept, so that a comparison allocates nothing.
const words: number[] = [];
const names = new Map<number, number>();

/**
 * What a function has recorded.
 * @param from the first node of it
 * @param own what it was recorded for: told by the places in this list
 * @param results what it gave
 * @returns words that are good until the next call, or null where it has used something else from outside, besides numbers
 */
export function pieceOf(step: Step, from: number, own: readonly Variable[], results: readonly Variable[]): readonly number[] | null {
  const { trace } = step;
  const nodeOf = (variable: Variable): number => (variable.step === step ? variable.index : -1);
  const tell = (node: number): void => { words.push(names.get(node) ?? NaN); };
  words.length = 0;
  names.clear();
  own.forEach((variable, k) => { names.set(nodeOf(variable), -1 - k); });
  names.delete(-1);
  let count = 0;
  for (let node = from; node < trace.count; node++) {
    if (names.has(node)) continue;
    names.set(node, count++);
    const isLeaf = trace.isLeaf(node);
    if (isLeaf && trace.leafKind(node) !== LeafKind.scalar) return null;
    const inputs = trace.inputCount(node);
    const attributes = trace.attributeCount(node);
    words.push(trace.operations[node].id, inputs);
    for (let k = 0; k < inputs; k++) tell(trace.input(node, k));
    // The place of a number among the numbers is no part of it.
    for (let k = isLeaf ? 2 : 0; k < attributes; k++) words.push(trace.attribute(node, k));
  }
  for (const result of results) tell(nodeOf(result));
  return words.includes(NaN) ? null : words;
}
