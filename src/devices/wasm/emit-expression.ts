/** Expressions as WebAssembly: four elements at a time, every distinct part computed once. */

import { type ComparisonName, type Expr, parts } from "../../kernels/expression.ts";
import { type Body, type Local, V128 } from "./assembler.ts";
import type { VectorMath } from "./vector-math.ts";

const isComparison = ({ kind }: Expr): boolean => kind === "equal" || kind.startsWith("less");

const none: ReadonlyMap<Expr, Local> = new Map();

/** Emits expressions into one function body. */
export class ExpressionEmitter {
  private readonly constants = new Map<Expr, Local>();

  /** @param roots all expressions of the body: their constants are set once, here */
  constructor(
    private readonly body: Body,
    private readonly math: VectorMath,
    roots: readonly Expr[],
  ) {
    for (const e of parts(...roots)) {
      if (!e.isConstant) continue;
      const local = body.local(V128);
      body.f32x4(e.value).set(local);
      this.constants.set(e, local);
    }
  }

  /**
   * Computes expressions; `argument` and `index` say which locals hold the arguments.
   * @param known what has been computed before, and where it is
   */
  emit(roots: readonly Expr[], argument: (k: number) => Local, index: Local, known: ReadonlyMap<Expr, Local> = none): Local[] {
    const { body, math } = this;
    const locals = new Map(known);
    const all = parts(...roots);
    /** Comparisons are computed as numbers only where they are used as such. */
    const asNumbers = new Set(roots);
    for (const e of all) e.inputs.forEach((part, k) => { if (e.kind !== "select" || k > 0) asNumbers.add(part); });
    for (const e of all) {
      if (locals.has(e) || (isComparison(e) && !asNumbers.has(e))) continue;
      if (e.kind === "argument") locals.set(e, argument(e.value));
      else if (e.kind === "index") locals.set(e, index);
      else if (e.isConstant) locals.set(e, this.constants.get(e) as Local);
      else {
        const of = ({ inputs }: Expr): Local[] => inputs.map((part) => locals.get(part) as Local);
        const [a, b, c] = of(e);
        if (e.kind === "select") {
          const [condition] = e.inputs;
          if (locals.has(condition)) math.select(a, b, c);
          else math.selectWhere(condition.kind as ComparisonName, of(condition), b, c);
        } else if (e.inputs.length === 1) math.unary(e.kind as Parameters<VectorMath["unary"]>[0], a);
        else math.binary(e.kind as Parameters<VectorMath["binary"]>[0], a, b);
        const local = body.local(V128);
        body.set(local);
        locals.set(e, local);
      }
    }
    return roots.map((e) => locals.get(e) as Local);
  }
}
