/** A part of what a step has recorded, without where it is: recorded again, or for other arrays, it is the same words. */

import { LeafKind } from "../plan/trace.ts";
import type { Step } from "./step.ts";
import type { Variable } from "./variable.ts";

// Kept, so that a comparison allocates nothing.
const words: number[] = [];
const ownNodes: number[] = [];
/** What stands for each node from the first one on. */
const names: number[] = [];

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
  words.length = 0;
  for (let k = 0; k < own.length; k++) ownNodes[k] = nodeOf(own[k]);
  ownNodes.length = own.length;
  let [count, isWhole] = [0, true];
  const name = (node: number): number => {
    if (node >= from) return names[node - from];
    const k = ownNodes.indexOf(node);
    isWhole &&= node >= 0 && k >= 0;
    return -1 - k;
  };
  for (let node = from; node < trace.count; node++) {
    const k = ownNodes.indexOf(node);
    names[node - from] = k < 0 ? count++ : -1 - k;
    if (k >= 0) continue;
    const isLeaf = trace.isLeaf(node);
    if (isLeaf && trace.leafKind(node) !== LeafKind.scalar) return null;
    const inputs = trace.inputCount(node);
    const attributes = trace.attributeCount(node);
    words.push(trace.operations[node].id, inputs);
    for (let k = 0; k < inputs; k++) words.push(name(trace.input(node, k)));
    // The place of a number among the numbers is no part of it.
    for (let k = isLeaf ? 2 : 0; k < attributes; k++) words.push(trace.attribute(node, k));
  }
  for (let k = 0; k < results.length; k++) words.push(name(nodeOf(results[k])));
  return isWhole ? words : null;
}
