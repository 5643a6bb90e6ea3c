/** Map kernels: a thread for each element. */

import { argumentsOf } from "../../kernels/expression.ts";
import { type MapKernel, mapSizeAt, mapStepsAt } from "../../kernels/kernel.ts";
import { emitExpressions } from "./emit-expression.ts";
import { at, positions, record, shader } from "./shader.ts";

/** @param outer how many outer axes a launch has: without any a thread need not find out where it is, which costs more than most expressions */
export function emitMap(kernel: MapKernel, outer: number): string {
  const outputs = kernel.outputs.length;
  const inputsAt = record.operands + outputs;
  const parametersAt = inputsAt + kernel.inputs;
  const used = argumentsOf(...kernel.outputs);
  const { text, values } = emitExpressions(kernel.outputs, (e) => (e.kind === "argument" ? `x${e.value}` : undefined));
  // Innermost first: where the size is, and where the steps of the inputs begin.
  const axes = [[mapSizeAt, mapStepsAt], ...Array.from({ length: outer }, (_, axis) => [kernel.axisAt(axis), kernel.axisAt(axis) + 1])];
  const place = (k: number): string => axes.map(([, steps], axis) => `position${axis} * ${at(parametersAt + steps + k)}`).join(" + ");
  return shader(`${positions(axes.map(([size]) => parametersAt + size))}
${used.map((k) => `let x${k} = heap[${at(inputsAt + k)} + ${place(k)}];`).join("\n")}
${text}
${values.map((value, o) => `heap[${at(record.operands + o)} + i] = ${value};`).join("\n")}`);
}
