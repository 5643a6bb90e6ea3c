/** Expressions as WebAssembly: four elements at a time, every distinct part computed once. */

import { type BinaryName, type ComparisonName, type Expr, parts, type UnaryName } from "../../kernels/expression.ts";
import { type Body, type Local, V128 } from "./assembler.ts";
import type { VectorMath } from "./vector-math.ts";

const isComparison = ({ kind }: Expr): boolean => kind === "equal" || kind.startsWith("less");

/**
 * Computes expressions, and says where they are. `given` says where an argument is, or the index, or what has been computed before; of anything else
 * it gives undefined.
 */
export type EmitExpressions = (roots: readonly Expr[], given: (part: Expr) => Local | undefined) => Local[];

/** @param all all expressions of the body: their constants are set once, here */
export function expressionEmitter(f: Body, math: VectorMath, all: readonly Expr[]): EmitExpressions {
  const constants = new Map<Expr, Local>();
  for (const e of parts(...all)) {
    if (!e.isConstant) continue;
    const local = f.local(V128);
    f.f32x4(e.value).set(local);
    constants.set(e, local);
  }

  return (roots, given) => {
    const locals = new Map(constants);
    const all = parts(...roots);
    /** Comparisons are computed as numbers only where they are used as such. */
    const asNumbers = new Set(roots);
    for (const e of all) e.inputs.forEach((part, k) => { if (e.kind !== "select" || k > 0) asNumbers.add(part); });
    const localsOf = (parts: readonly Expr[]): Local[] => parts.map((part) => locals.get(part) as Local);
    for (const e of all) {
      let local = locals.get(e) ?? given(e);
      if (local === undefined) {
        if (isComparison(e) && !asNumbers.has(e)) continue;
        const [a, b, c] = localsOf(e.inputs);
        const [condition] = e.inputs;
        if (e.kind !== "select") math.apply(e.kind as UnaryName | BinaryName, a, b);
        else if (locals.has(condition)) math.select(a, b, c);
        else math.selectWhere(condition.kind as ComparisonName, localsOf(condition.inputs), b, c);
        local = f.local(V128);
        f.set(local);
      }
      locals.set(e, local);
    }
    return localsOf(roots);
  };
}
