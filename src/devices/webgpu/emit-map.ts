/** Map kernels: a thread for each element. */

import { argumentsOf } from "../../kernels/expression.ts";
import { type MapKernel, mapSizeAt, mapStepsAt } from "../../kernels/kernel.ts";
import { emitExpressions } from "./emit-expression.ts";
import { at, record, shader } from "./shader.ts";

export function emitMap(kernel: MapKernel): string {
  const outputs = kernel.outputs.length;
  const inputsAt = record.operands + outputs;
  const parametersAt = inputsAt + kernel.inputs;
  const used = argumentsOf(...kernel.outputs);
  const { text, values } = emitExpressions(kernel.outputs, (e) => (e.kind === "argument" ? `x${e.value}` : undefined));
  const lines = (of: (k: number) => string): string => used.map(of).join("\n");
  // An element is at a place of the innermost axis and of the outer ones, whose number the launch says.
  return shader(`let n = ${at(parametersAt + mapSizeAt)};
${lines((k) => `var at${k} = ${at(inputsAt + k)} + (i % n) * ${at(parametersAt + mapStepsAt + k)};`)}
var rest = i / n;
for (var axis = 0u; axis < ${at(parametersAt + kernel.rankAt)}; axis++) {
  let first = ${parametersAt + kernel.axisAt(0)}u + axis * ${1 + kernel.inputs}u;
  let position = rest % word(first);
  rest /= word(first);
  ${lines((k) => `at${k} += position * word(first + ${1 + k}u);`)}
}
${lines((k) => `let x${k} = heap[at${k}];`)}
${text}
${values.map((value, o) => `heap[${at(record.operands + o)} + i] = ${value};`).join("\n")}`);
}
