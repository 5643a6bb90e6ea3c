/** Strided boxes of values, for operations that are made of several launches. */

import { type CopyAxis, copy, writeCopyAxes } from "../kernels/kernel.ts";
import type { Lowering } from "../plan/lowering.ts";

/** An axis of a box: size, stride of the output, stride of the input. */
export type Axis = CopyAxis;
/** A value and where in it. */
export type Place = readonly [value: number, offset: number];

/** How many of `count` things of some size are worked on at a time, so that the parts are about equal. */
export function chunkOf({ policy }: Lowering, count: number, size: number): number {
  return Math.ceil(count / Math.ceil(count / Math.max(1, Math.floor(policy.chunkElements / size))));
}

/**
 * Visits `count` things, `chunk` at a time. Where the work is worth it, parts of them are strands, which may run side by side: what `begin`
 * makes for each is its own.
 * @param work nanoseconds that all takes, roughly
 */
export function forChunks<Own>(
  lowering: Lowering, count: number, chunk: number, work: number, begin: () => Own, visit: (own: Own, first: number, count: number) => void,
): Own[] {
  const { mostStrands, strandWork } = lowering.policy;
  const chunks = Math.ceil(count / chunk);
  const strands = Math.max(1, Math.min(mostStrands, chunks, Math.floor(work / strandWork)));
  const owns: Own[] = [];
  lowering.strands(strands, (strand) => {
    const own = begin();
    owns.push(own);
    for (let i = Math.floor((strand * chunks) / strands); i < Math.floor(((strand + 1) * chunks) / strands); i++) {
      visit(own, i * chunk, Math.min(chunk, count - i * chunk));
    }
  });
  return owns;
}

/** Copies a box; axes from the innermost. */
export function copyBox(lowering: Lowering, node: number, output: Place, input: Place, axes: readonly Axis[]): void {
  if (axes.some(([size]) => size === 0)) return;
  lowering.launch(copy, node);
  lowering.output(...output);
  lowering.operand(...input);
  writeCopyAxes(lowering.code, axes);
}

/** Where the result of a node is. */
export const placeOf = (lowering: Lowering, node: number): Place => [lowering.use(node), lowering.nodeOffset.at(node)];
