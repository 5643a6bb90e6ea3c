/** What a device could not compute, in the words of the program that asked for it. */

import type { LaunchFault } from "../devices/fault.ts";
import type { FloatArray } from "../kernels/kernel.ts";
import { LeafKind, type Trace } from "../plan/trace.ts";
import { NanError, ValueError } from "../support/errors.ts";
import { formatShape } from "../support/shape.ts";

/** What a step holds, as far as messages ask whether its numbers are at hand. */
interface Holder {
  readonly storage: { knows(): boolean } | null;
}

/** A step, as far as messages look at it. */
export interface Faulted {
  readonly trace: Trace;
  /** Where the user called each operation, while numbers are checked. */
  readonly callers: readonly (string | undefined)[] | null;
  readonly device: { readonly later: { readonly canWait: boolean } | null };
  readonly arrays: readonly object[];
  /** The numbers of a leaf, if they are known outside of the step. */
  knownValues(leaf: number): FloatArray | undefined;
}

/** An index that is not there. */
export const indexError = (name: string, { value, limit }: LaunchFault): ValueError =>
  new ValueError(`${name} got index ${value}: an index here is an integer from 0 to ${limit - 1}. Check the labels or indices that were given.`);

/** Says which operation made a number that is none, and whether it got such a number from outside, as it is or as a view. */
export function nanError(step: Faulted, fault: LaunchFault, name: string, node: number): NanError {
  const { trace, device: { later }, arrays } = step;
  const got = Array.from({ length: trace.inputCount(node) }, (_, k) => {
    let source = trace.input(node, k);
    while (!trace.isLeaf(source) && trace.inputCount(source) === 1) source = trace.input(source, 0);
    if (!trace.isLeaf(source)) return false;
    const isAtHand = (): boolean => (arrays[trace.leafOrdinal(source)] as Holder).storage?.knows() ?? false;
    const isKnown = trace.leafKind(source) === LeafKind.scalar || later?.canWait !== false || isAtHand();
    return (isKnown && step.knownValues(source)?.some((value) => !Number.isFinite(value))) ?? false;
  });
  const where = step.callers?.[node] ?? "";
  if (trace.isLeaf(node)) {
    return new NanError(
      `What was to be assigned, of shape ${formatShape(trace.shapes[node])}, holds ${fault.value} already${where === "" ? "" : `, at ${where}`}. ` +
        "Look at where its numbers come from.",
    );
  }
  return new NanError(
    `${name} produced ${fault.value} in a result of shape ${formatShape(trace.shapes[node])}${where === "" ? "" : `, called at ${where}`}. ` +
      (got.includes(true)
        ? "The data or parameters that it got hold such a value already."
        : "Its inputs were finite: look for a logarithm or division of 0, an overflow, or a learning rate that is too large."),
  );
}
