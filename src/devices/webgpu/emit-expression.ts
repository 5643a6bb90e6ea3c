/** Expressions in WGSL: every distinct part computed once, and rounded as if it were a launch of its own. */

import { type Expr, parts } from "../../kernels/expression.ts";
import { call, literal } from "./functions.ts";

/**
 * Statements that compute expressions, and the names of their values.
 * @param given what stands for an argument, or for the index; of anything else it gives undefined
 * @param prefix what the names of values begin with, so that several texts may stand in one function
 */
export function emitExpressions(roots: readonly Expr[], given: (part: Expr) => string | undefined, prefix = "t"): { text: string; values: string[] } {
  const names = new Map<Expr, string>();
  const lines: string[] = [];
  for (const e of parts(...roots)) {
    let name = given(e);
    if (name === undefined && e.kind === "constant") name = literal(e.value);
    if (name === undefined) {
      name = `${prefix}${lines.length}`;
      lines.push(`let ${name} = ${call(e.kind as Parameters<typeof call>[0], ...e.inputs.map((part) => names.get(part) as string))};`);
    }
    names.set(e, name);
  }
  return { text: lines.join("\n"), values: roots.map((e) => names.get(e) as string) };
}
