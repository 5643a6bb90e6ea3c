/** Row kernels: a thread for each row, which reduces it by stages and writes its outputs. */

import { argumentsOf, type Expr, parts } from "../../kernels/expression.ts";
import { passesOf, type RowKernel, rowParameters, varies } from "../../kernels/kernel.ts";
import { emitExpressions } from "./emit-expression.ts";
import { accumulator } from "./reductions.ts";
import { at, record, shader } from "./shader.ts";

export function emitRow(kernel: RowKernel): string {
  const { inputs, outputs, stages } = kernel;
  const inputsAt = record.operands + outputs.length;
  const parametersAt = inputsAt + inputs.length;
  const roots = [...stages, ...outputs].map(({ value }) => value);
  const used = argumentsOf(...roots).filter((k) => k < inputs.length);
  /** What is the same for the whole row, and has been computed. */
  const known = new Map<Expr, string>();
  const given = (e: Expr): string | undefined => {
    if (e.kind === "index") return "f32(j)";
    return e.kind === "argument" ? (e.value < inputs.length ? `x${e.value}` : `result${e.value - inputs.length}`) : known.get(e);
  };
  let count = 0;
  const emit = (...roots: readonly Expr[]): ReturnType<typeof emitExpressions> => emitExpressions(roots, given, `t${count++}_`);
  const hoist = (roots: readonly Expr[]): string => parts(...roots).map((e) => {
    if (e.inputs.length === 0 || known.has(e) || varies(kernel, e)) return "";
    const { text, values: [value] } = emit(e);
    known.set(e, value);
    return text;
  }).join("\n");
  const eachElement = (roots: readonly Expr[], visit: (values: readonly string[]) => string): string => {
    const { text, values } = emit(...roots);
    const loads = argumentsOf(...roots).filter((k) => inputs[k] === "element").map((k) => `let x${k} = heap[at${k} + j];`);
    return `for (var j = 0u; j < n; j++) {\n${[...loads, text, visit(values)].join("\n")}\n}`;
  };

  const reduced = passesOf(kernel).map((pass) => {
    const values = pass.map((s) => stages[s].value);
    const sums = pass.map((s) => accumulator(stages[s].reduce, `sum${s}`));
    return [
      hoist(values), ...sums.map(({ begin }) => begin),
      eachElement(values, (found) => sums.map((sum, k) => sum.take(found[k], "j")).join("\n")),
      ...pass.map((s, k) => `let result${s} = ${sums[k].result};`),
    ].join("\n");
  });
  const written = outputs.map(({ per, value }, o) => {
    const hoisted = hoist([value]);
    const to = at(record.operands + o);
    if (per === "element") return `${hoisted}\n${eachElement([value], ([result]) => `heap[${to} + i * n + j] = ${result};`)}`;
    const { text, values: [result] } = emit(value);
    return `${hoisted}\n${text}\nheap[${to} + i] = ${result};`;
  });
  return shader(`let n = ${at(parametersAt + rowParameters.n)};
${used.map((k) => `let at${k} = ${at(inputsAt + k)} + i * ${at(parametersAt + rowParameters.strides + k)};`).join("\n")}
${used.filter((k) => inputs[k] === "row").map((k) => `let x${k} = heap[at${k}];`).join("\n")}
${[...reduced, ...written].join("\n")}`);
}
