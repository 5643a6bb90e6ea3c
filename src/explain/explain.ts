/** A report on steps: what was recorded, what was fused and batched, what was launched, and what each launch cost. */

import { UsageError, ValueError } from "../support/errors.ts";
import { kernelById } from "../kernels/kernel.ts";
import type { Work } from "../kernels/work.ts";
import { FormAt } from "../plan/product.ts";
import { Role, roleOf } from "../plan/role.ts";
import type { Trace } from "../plan/trace.ts";
import { currentDevice } from "../devices/current.ts";
import { openStep } from "../engine/recording.ts";
import { type Watched, watch } from "../engine/switches.ts";
import { formatShape } from "../support/shape.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { checkInteger } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { formatGpu, Gpu, type GpuReport, sizeNotes } from "./gpu.ts";
import { bytes, count, megaflops, micro, table } from "./table.ts";
import { estimate, processor, workOf } from "./work.ts";

/** How `explain` looks. */
export interface ExplainOptions {
  /** How often to call the function; times are the least of all calls. 5 unless given. */
  readonly runs?: number;
}

/** One launch: a kernel that the device was told to run. */
export interface LaunchReport extends Work {
  /** What kind of kernel. */
  readonly kernel: string;
  /** The library that computes it, on the native device; empty where the device does. */
  readonly library: string;
  /** The operations that it computes, as `mul + add + tanh`, or `12 × matmul`. */
  readonly operations: string;
  /** How many recorded operations it computes. */
  readonly members: number;
  /** The shape of the result of the first of them. */
  readonly shape: readonly number[];
  /** Milliseconds by a model of the machine (`work.ts`), and as measured; NaN where nobody can tell, as `gpu.unmeasured` says. */
  readonly estimated: number;
  readonly measured: number;
}

/** One plan that ran: a whole step, or the part of one up to a look at a value. */
export interface StepReport {
  /** Which function opened the step: grad, evaluate, Adam.update … */
  readonly caller: string;
  /** Operations in the step, those of the backward pass among them. */
  readonly operations: number;
  /** Of these, how many are computed by launches; views cost nothing, and what nobody needs is not computed. */
  readonly computed: number;
  /** How many operations of the forward pass were stacked, and into how many. */
  readonly stacked: { readonly operations: number; readonly into: number };
  readonly launches: readonly LaunchReport[];
  /** How many dispatches of a GPU they are, as like ones run together; null on a processor. */
  readonly dispatches: number | null;
  /** Bytes of memory for intermediate results. */
  readonly arena: number;
  /** Why like operations were not joined, and whether the step is too small for a GPU. */
  readonly notes: readonly string[];
}

/** What `explain` found out. */
export interface Explanation {
  /** The plans of the last call, in the order in which they ran. */
  readonly steps: readonly StepReport[];
  /** On a GPU, what it has been asked for; null on a processor. */
  readonly gpu: GpuReport | null;
  toString(): string;
}

/**
 * Calls a function a few times and reports on the steps that it runs: what was recorded, fused and batched, the launches
 * with their arithmetic and memory traffic, and their estimated and measured times. Plans are those of a structure that
 * repeats. Each launch is timed alone, so the whole is slower than otherwise. A GPU is measured itself before, once, in some
 * hundredths of a second, as estimates depend on it.
 *
 * @param f any code outside of a step. It really runs: parameters change if it updates them.
 * @throws UsageError inside a step, or if f runs no step
 * @throws ValueError for what is no function, and for runs that are not an integer of at least 1
 * @example
 * const θ = new SoftmaxRegression({ inputs: 20, outputs: 3 });
 * const optimizer = new Adam(θ);
 * const explanation = explain(() => {
 *   grad(() => θ.cost(randn([3, 20]), [2, 0, 1]));
 *   optimizer.update();
 * });
 * explanation.steps.map(({ caller }) => caller); // ["grad", "Adam.update"]
 * console.log(String(explanation)); // a table of launches for each
 */
export function explain(f: () => unknown, options: ExplainOptions = {}): Explanation {
  checkArguments("explain", arguments, 2);
  checkOptions("explain", options, ["runs"]);
  const { runs = 5 } = options;
  if (typeof f !== "function") throw new ValueError(`explain takes a function, but got ${describe(f)}: write explain(() => grad(…)).`);
  checkInteger("explain", "runs", runs, 1);
  if (openStep() !== null) {
    throw new UsageError("explain was called inside a step. Call it outside, with a function that runs the step: explain(() => grad(…)).");
  }
  const gpu = Gpu.of(currentDevice());
  let steps: StepReport[] = [];
  for (let run = 0; run < runs; run++) {
    const before = steps;
    steps = [];
    gpu?.begin();
    watch((watched) => { steps.push(report(watched, gpu, before[steps.length])); }, f);
  }
  if (steps.length === 0) throw new UsageError("The function given to explain ran no step. Call grad, evaluate or an optimizer's update in it.");
  const found = gpu?.report() ?? null;
  return { steps, gpu: found, toString: () => [...steps.map(format), ...(found === null ? [] : [formatGpu(found)])].join("\n\n") };
}

function report({ step, plan, executable, times, nodeOf, memberCounts }: Watched, gpu: Gpu | null, before: StepReport | undefined): StepReport {
  const { trace, device } = step;
  const dispatches = gpu?.dispatchesOf(device, executable) ?? null;
  const machine = gpu === null || dispatches === null ? processor : { ...gpu.machine, launch: (gpu.machine.launch * dispatches) / plan.program.launches };
  const weight = (node: number): number => memberCounts[node] ?? 1;
  const count = (nodes: readonly number[]): number => nodes.reduce((total, node) => total + weight(node), 0);
  const { words } = plan.program;
  const computed = (plan.launchMembers ?? []).map((nodes) => nodes.map(nodeOf));
  const launches: LaunchReport[] = [];
  for (let at = 0, launch = 0; at < words.length; at += words[at + 1], launch++) {
    const kernel = kernelById(words[at]);
    const members = computed[launch];
    const work = workOf(kernel, words, at);
    launches.push({
      ...work,
      kernel: kernel.kind,
      library: step.device.library?.computes(words, at) ? step.device.library.name : "",
      operations: (kernel.kind === "copy" && !isMove(trace, members[0]) ? "gathering for " : "") + namesOf(trace, members, weight),
      members: count(members),
      shape: trace.shapes[members[0]],
      estimated: estimate(work, machine),
      measured: Math.min(times[launch], before?.launches[launch]?.measured ?? Infinity),
    });
  }
  const stacked = { operations: 0, into: 0 };
  let operations = 0;
  for (let node = 0; node < trace.count; node++) {
    if (trace.isLeaf(node)) continue;
    operations += weight(node);
    if (weight(node) > 1) {
      stacked.operations += weight(node);
      stacked.into++;
    }
  }
  return {
    caller: step.caller, operations, stacked, computed: count([...new Set(computed.flat())]), launches, dispatches,
    arena: plan.program.arena * device.FloatArray.BYTES_PER_ELEMENT,
    notes: [...notesOf(step, launches, computed), ...(gpu === null || dispatches === null ? [] : sizeNotes(launches, dispatches, gpu.machine))],
  };
}

const isMove = (trace: Trace, node: number): boolean => roleOf(trace, node) === Role.move;

/** As `mul + add + tanh`, or `12 × matmul` where all are the same. */
function namesOf(trace: Trace, members: readonly number[], weight: (node: number) => number): string {
  const counts = new Map<string, number>();
  for (const node of members) {
    const { name } = trace.operations[node];
    counts.set(name, (counts.get(name) ?? 0) + Math.max(1, weight(node)));
  }
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`)).join(" + ");
}

/** Products of one matrix that could not all be batched, and elementwise operations that are alone. */
function notesOf({ trace }: Watched["step"], launches: readonly LaunchReport[], members: readonly (readonly number[])[]): string[] {
  const notes: string[] = [];
  const shared = new Map<number, { launches: number; members: number }>();
  let alone = 0;
  members.forEach((nodes, launch) => {
    const role = roleOf(trace, nodes[0]);
    if (launches[launch].kernel === "product" && role === Role.product && trace.attribute(nodes[0], FormAt.transposeA) === 0) {
      const matrix = trace.input(nodes[0], 1);
      const found = shared.get(matrix) ?? { launches: 0, members: 0 };
      shared.set(matrix, { launches: found.launches + 1, members: found.members + nodes.length });
    } else if (nodes.length === 1 && (role === Role.map || role === Role.add)) alone++;
  });
  const waiting = new Map<string, number>();
  for (const [matrix, { launches, members }] of shared) {
    if (launches < 2) continue;
    const text =
      `${members} products with a matrix ${formatShape(trace.shapes[matrix])} take ${launches} launches: each of these needs a result of the one before.`;
    waiting.set(text, (waiting.get(text) ?? 0) + 1);
  }
  for (const [text, count] of waiting) notes.push(count === 1 ? text : `${count} times: ${text}`);
  if (alone > 0) {
    notes.push(`${alone} elementwise ${alone === 1 ? "operation runs" : "operations run"} alone: what is next to ` +
      `${alone === 1 ? "it" : "them"} has another shape, is no elementwise operation, or is not ready yet.`);
  }
  return notes;
}

// -- text ---------------------------------------------------------------------------------------------

interface Line {
  readonly times: number;
  readonly report: LaunchReport;
  readonly estimated: number;
  readonly measured: number;
}

/** Launches that look the same as one line each, those first that take longest. */
function lines(launches: readonly LaunchReport[]): Line[] {
  const found = new Map<string, Line>();
  for (const report of launches) {
    const key = [report.kernel, report.operations, report.shape.join("×"), report.flops, report.bytes].join();
    const line = found.get(key) ?? { times: 0, report, estimated: 0, measured: 0 };
    found.set(key, { report, times: line.times + 1, estimated: line.estimated + report.estimated, measured: line.measured + report.measured });
  }
  return [...found.values()].sort((a, b) => (Number.isNaN(b.measured) ? b.estimated - a.estimated : b.measured - a.measured));
}

const MOST_LINES = 30;

function format(step: StepReport): string {
  const { launches } = step;
  const sum = (part: (launch: LaunchReport) => number): number => launches.reduce((total, launch) => total + part(launch), 0);
  const batched = launches.filter(({ members, kernel }) => members > 1 && kernel !== "map");
  const fused = launches.filter(({ members, kernel }) => members > 1 && kernel === "map");
  const members = (some: readonly LaunchReport[]): number => some.reduce((total, launch) => total + launch.members, 0);
  const all = lines(launches);
  const [estimated, measured] = [sum((l) => l.estimated), sum((l) => l.measured)];
  const isMeasured = !Number.isNaN(measured);
  const rows = all.slice(0, MOST_LINES).map(({ times, report, estimated, measured }) => [
    `${times} ×`, report.kernel + (report.library && ` by ${report.library}`), formatShape(report.shape), megaflops(report.flops), bytes(report.bytes),
    micro(estimated), ...(isMeasured ? [micro(measured)] : []), report.operations,
  ]);
  const header = ["", "kernel", "shape", "MFLOP", "memory", "µs est.", ...(isMeasured ? ["µs"] : []), "operations"];
  const isText = header.map((title) => ["kernel", "shape", "operations"].includes(title));
  const dispatches = step.dispatches === null ? "" : ` in ${count(step.dispatches, "dispatch")}`;
  const time = isMeasured ? `${micro(measured)} µs (estimated ${micro(estimated)} µs)` : `estimated ${micro(estimated)} µs`;
  return [
    `${step.caller}: ${count(step.operations, "operation")}, ${count(launches.length, "launch")}${dispatches}, ${time}, ` +
      `${(sum((l) => l.flops) / 1e6).toPrecision(3)} MFLOP, ${bytes(sum((l) => l.bytes))} moved, ${bytes(step.arena)} of memory`,
    ...(step.stacked.into === 0
      ? []
      : [`  ${step.stacked.operations.toLocaleString("en-US")} operations stacked into ${step.stacked.into} before the gradients were recorded`]),
    `  ${members(batched)} operations batched into ${count(batched.length, "launch")}, ${members(fused)} elementwise operations fused into ${fused.length}; ` +
      `${step.operations - step.computed} cost nothing: views, places in larger arrays, results nobody needs`,
    ...table(header, rows, isText).map((line) => `  ${line}`),
    ...(all.length > MOST_LINES ? [`  … and ${all.length - MOST_LINES} more kinds of launches`] : []),
    ...step.notes.map((note) => `  ${note}`),
  ].join("\n");
}
