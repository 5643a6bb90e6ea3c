/** Row-wise: stages that each reduce an expression over the row to one number, then the outputs. */

import { argument, argumentsOf, type Expr, parts } from "./expression.ts";
import { readParameters, type Words } from "./layout.ts";
import { intern, KernelBase } from "./registry.ts";
import { costOf, moved, type Work } from "./work.ts";

/** How numbers become one. */
export type Reduction = "sum" | "maximum" | "minimum";

/** What a reduction begins with. */
export const identities: Record<Reduction, number> = { sum: 0, maximum: -Infinity, minimum: Infinity };

export interface RowStage {
  readonly reduce: Reduction;
  readonly value: Expr;
}

/** Whether an operand of a row kernel has one number for each element of a row, or one for the whole row. */
export type Per = "element" | "row";

/** What comes first; then for each input the stride between rows, 0 where all share one. */
export const rowParameters = { rows: 0, n: 1, strides: 2 } as const;

/**
 * In an expression, argument k is input k at the element (or of the row), argument `inputs + s` is the result of stage s,
 * and `index()` the position in the row. Operands: outputs…, inputs….
 */
export class RowKernel extends KernelBase {
  readonly kind = "row";

  constructor(
    key: string,
    readonly inputs: readonly Per[],
    readonly stages: readonly RowStage[],
    readonly outputs: readonly { readonly per: Per; readonly value: Expr }[],
  ) {
    super(key, [...outputs.map(() => "written" as const), ...inputs.map(() => "read" as const)]);
  }

  override parameterCount(): number { return rowParameters.strides + this.inputs.length; }

  write(words: Words, rows: number, n: number, strideOf: (input: number) => number): void {
    words.push(rows);
    words.push(n);
    for (let k = 0; k < this.inputs.length; k++) words.push(strideOf(k));
  }
}

export function row(inputs: readonly Per[], stages: readonly RowStage[], outputs: RowKernel["outputs"]): RowKernel {
  const text = [...stages.map((s) => `${s.reduce} ${s.value.id}`), ...outputs.map((o) => `${o.per} ${o.value.id}`)];
  const key = `row ${inputs.join()} ${text.join(" ")}`;
  return intern(key, () => new RowKernel(key, inputs, stages, outputs));
}

/** Does an expression of a row kernel differ from element to element of a row? */
export function varies(kernel: RowKernel, root: Expr): boolean {
  return parts(root).some(({ kind, value }) => kind === "index" || (kind === "argument" && kernel.inputs[value] === "element"));
}

/** Stages that do not wait for each other's results are computed in one pass over the row. */
export function passesOf({ inputs, stages }: RowKernel): number[][] {
  const passes: number[][] = [];
  stages.forEach(({ value }, s) => {
    const last = passes[passes.length - 1];
    if (last === undefined || argumentsOf(value).some((k) => k >= inputs.length + last[0])) passes.push([s]);
    else last.push(s);
  });
  return passes;
}

/** The row kernel of a plain reduction. */
export const rowReduction = (reduce: Reduction): RowKernel =>
  row(["element"], [{ reduce, value: argument(0) }], [{ per: "row", value: argument(1) }]);

/** What a launch takes whose parameters begin at `from`. */
export function rowWork(kernel: RowKernel, words: Int32Array, from: number): Work {
  const { rows, n } = readParameters(rowParameters, words, from);
  const stridesAt = from + rowParameters.strides;
  const read = kernel.inputs.map((per, k) => (per === "element" ? n : 1) * (words[stridesAt + k] === 0 ? 1 : rows));
  const written = kernel.outputs.map(({ per }) => (per === "element" ? n : 1) * rows);
  const roots = [...kernel.stages, ...kernel.outputs].map(({ value }) => value);
  const cost = costOf(roots, (part) => varies(kernel, part)) + kernel.stages.length;
  return moved([...read, ...written].reduce((a, b) => a + b, 0), rows * n * cost);
}
