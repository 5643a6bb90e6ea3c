/** Finds comparisons that nobody uses: `if (x.greater(0))` is always true, as every object is. */

import { UsageError, userLocation } from "../support/errors.ts";
import type { Trace } from "../plan/trace.ts";
import type { Variable } from "./variable.ts";

const names: ReadonlySet<string> = new Set(["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"]);
/** An endless loop is ended after so many operations. */
const MANY = 1e6;
/** Of so many comparisons it is known where they were called: asking takes some microseconds, and those of a loop are all at one place. */
const PLACES = 1000;

/** A comparison, and where the user called it. */
interface Comparison {
  readonly name: string;
  readonly location: string;
}

/** The comparisons of a step that have not been used yet, by node. */
export class Comparisons {
  private readonly unused = new Map<number, Comparison>();

  constructor(private readonly trace: Trace) {}

  called(node: number): void {
    const { name } = this.trace.operations[node];
    if (names.has(name)) this.unused.set(node, called(name, this.unused.size));
    if ((node + 1) % MANY === 0) this.check([], ` in the first ${node + 1} operations of the step`);
  }

  looked(node: number): void { this.unused.delete(node); }

  /** @throws UsageError for a comparison that is neither used by an operation, nor looked at, nor among `kept` */
  check(kept: readonly number[], when = " in the step"): void {
    const { trace, unused } = this;
    for (const node of kept) unused.delete(node);
    for (let node = 0; unused.size > 0 && node < trace.count; node++) {
      if (!trace.isLeaf(node)) for (let k = 0; k < trace.inputCount(node); k++) unused.delete(trace.input(node, k));
    }
    for (const comparison of unused.values()) throw neverUsed(comparison, when);
  }
}

/** Those outside of any step: a map from what is not collected to where it was made. */
const outside = new Map<Variable, Comparison>();
let operations = 0;

/** An operation outside of a step has given a Variable. */
export function calledOutside(variable: Variable): void {
  const name = variable.operation?.name ?? "";
  if (names.has(name)) {
    outside.set(variable, called(name, outside.size));
    // Looked at: this one answers once in place of the method.
    variable.values = function values() {
      outside.delete(variable);
      Reflect.deleteProperty(variable, "values");
      return variable.values();
    };
  }
  if (++operations % MANY !== 0) return;
  const unused = [...outside].filter(([{ storage }]) => storage?.lastStep === 0).map(([, comparison]) => comparison);
  outside.clear();
  if (unused.length > 0) throw neverUsed(unused[0], ` in ${MANY} operations outside of steps`);
}

const called = (name: string, known: number): Comparison => ({ name, location: known < PLACES ? userLocation() : "" });

function neverUsed({ name, location }: Comparison, when: string): UsageError {
  return new UsageError(
    `The result of ${name}${location === "" ? "" : `, called at ${location},`} was not used${when}: by no operation, and nobody looked at it. ` +
      `A Variable as a condition, as in if, while, !, && and ?:, is always true: look at its number with item(), or use where(condition, a, b).`,
  );
}
