/**
 * Row kernels: what is reduced by stages, in passes over the row, and then the outputs. A thread does a row, or a workgroup, or several of them: then each
 * pass is a dispatch, and so are the outputs, which begin with putting together what the workgroups of a row have.
 */

import { argumentsOf, type Expr, parts } from "../../kernels/expression.ts";
import { passesOf, type RowKernel, rowParameters, varies } from "../../kernels/kernel.ts";
import { emitExpressions } from "./emit-expression.ts";
import { type Accumulator, accumulator, loaded, stored } from "./reductions.ts";
import { at, GROUP, record, shader, sharing } from "./shader.ts";

/** Who does a row; or which pass of it a dispatch is, or its outputs. */
export type RowForm = "thread" | "team" | "outputs" | number;

export function emitRow(kernel: RowKernel, form: RowForm): string {
  const { inputs, outputs, stages } = kernel;
  const inputsAt = record.operands + outputs.length;
  const parametersAt = inputsAt + inputs.length;
  const passes = passesOf(kernel);
  const isOfParts = form !== "thread" && form !== "team";
  // What is computed here of the passes: up to one, or all.
  const shown = typeof form === "number" ? passes.slice(0, form + 1) : passes;
  const written = typeof form === "number" ? [] : outputs;
  const roots = [...(isOfParts ? [] : stages), ...(typeof form === "number" ? passes[form].map((s) => stages[s]) : []), ...written].map(({ value }) => value);
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
  const [row, begin, end, step] = form === "thread" ? ["i", "0u", "n", "1u"] : ["row", "begin + local", "end", `${GROUP}u`];
  const eachElement = (roots: readonly Expr[], visit: (values: readonly string[]) => string): string => {
    const { text, values } = emit(...roots);
    const loads = argumentsOf(...roots).filter((k) => inputs[k] === "element").map((k) => `let x${k} = heap[at${k} + j];`);
    return `for (var j = ${begin}; j < ${end}; j += ${step}) {\n${[...loads, text, visit(values)].join("\n")}\n}`;
  };
  const position = form === "thread" ? "j" : `((j - begin) / ${GROUP}u)`;
  const sumOf = (s: number): Accumulator => accumulator(stages[s].reduce, `sum${s}`);
  /** Where a part of a stage's result is kept. */
  const partAt = (s: number, part: string): string => `(${at(record.scratch)} + 2u * ((${s}u * rows + row) * ${at(record.parts)} + ${part}))`;

  const reduce = (pass: readonly number[]): string => {
    const values = pass.map((s) => stages[s].value);
    return [
      hoist(values), ...pass.map((s) => sumOf(s).begin),
      eachElement(values, (found) => pass.map((s, k) => sumOf(s).take(found[k], position)).join("\n")),
    ].join("\n");
  };
  const reduced = shown.map((pass, p) => {
    if (form === "thread") return [reduce(pass), ...pass.map((s) => `let result${s} = ${sumOf(s).result(sumOf(s).taken)};`)].join("\n");
    const all = (): string[] => [reduce(pass), ...pass.map((s) => together(s, sumOf(s), sumOf(s).taken))];
    if (form === "team") return all().join("\n");
    if (p === form) {
      const keep = pass.map((s) => `{\nlet place = ${partAt(s, "part")};\n${stored(sumOf(s), "place", `shared${s}[0]`)}\n}`);
      return [...all(), "if (local == 0u && !hasFailed()) {", ...keep, "}"].join("\n");
    }
    return pass.map((s) => `var sum${s} = ${sumOf(s).nothing};
for (var other = local; other < ${at(record.parts)}; other += ${GROUP}u) {
  let place = ${partAt(s, "other")};
  let taken = ${loaded(sumOf(s), "place")};
  sum${s} = ${sumOf(s).together(`sum${s}`, "taken")};
}
${together(s, sumOf(s), `sum${s}`)}`).join("\n");
  });
  const writes = written.map(({ per, value }, o) => {
    const hoisted = hoist([value]);
    const to = at(record.operands + o);
    if (per === "element") return `${hoisted}\n${eachElement([value], ([result]) => `heap[${to} + ${row} * n + j] = ${result};`)}`;
    const { text, values: [result] } = emit(value);
    return `${hoisted}\n${text}\n${form === "thread" ? "" : "if (local == 0u && part == 0u) "}{ heap[${to} + ${row}] = ${result}; }`;
  });
  const isInParts = typeof form === "number" || (isOfParts && written.some(({ per }) => per === "element"));
  const where = form === "thread" ? "" : `let rows = ${at(parametersAt + rowParameters.rows)};
let teams = ${isInParts ? at(record.parts) : "1u"};
let row = team / teams;
let part = team % teams;
let length = (n + teams - 1u) / teams;
let begin = part * length;
let end = min(begin + length, n);`;
  const body = `let n = ${at(parametersAt + rowParameters.n)};
${where}
${used.map((k) => `let at${k} = ${at(inputsAt + k)} + ${row} * ${at(parametersAt + rowParameters.strides + k)};`).join("\n")}
${used.filter((k) => inputs[k] === "row").map((k) => `let x${k} = heap[at${k}];`).join("\n")}
${reduced.join("\n")}`;
  if (form === "thread") return shader([body, ...writes].join("\n"));
  const variables = stages.map(({ reduce }, s) => `var<workgroup> shared${s}: array<${accumulator(reduce, "").type}, ${GROUP}>;`);
  return sharing(`${body}\nif (!hasFailed()) {\n${writes.join("\n")}\n}`, variables.join("\n"));
}

/** What the threads of a workgroup have of a stage becomes its result, in each of them. */
const together = (s: number, sum: Accumulator, taken: string): string => `shared${s}[local] = ${taken};
workgroupBarrier();
for (var width = ${GROUP / 2}u; width > 0u; width /= 2u) {
  if (local < width) { shared${s}[local] = ${sum.together(`shared${s}[local]`, `shared${s}[local + width]`)}; }
  workgroupBarrier();
}
let result${s} = ${sum.result(`shared${s}[0]`)};`;
