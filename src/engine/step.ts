/**
 * Recording: how applying an operation to variables becomes a node of the open step's trace,
 * and how what has been recorded is run. Everything here is on the path of every operation, so it is plain and short.
 */

import { Comparisons, calledOutside } from "./comparisons.ts";
import { currentDevice, guardDevice } from "../devices/current.ts";
import { type Device, type Executable, LaunchFault, type Region } from "../devices/device.ts";
import { type Buffer, nextStep } from "../devices/residency.ts";
import { notCloned, Storage } from "../devices/storage.ts";
import { NanError, UsageError, userLocation, ValueError } from "../support/errors.ts";
import { type FloatArray, limitKernels } from "../kernels/kernel.ts";
import { PlanCache } from "../plan/cache.ts";
import { bufferKey, makePlan, type Plan, type PlanOptions, type Root, testing } from "../plan/planner.ts";
import { stack } from "../plan/stack.ts";
import { LeafKind, Mark, type Recordable, Trace } from "../plan/trace.ts";
import { describe, formatShape, type Shape, scalarShape, sizeOf } from "../support/shape.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { Parameter, stale, Variable } from "./variable.ts";

/** What an operation takes: a Variable, or a number that stands for a scalar one. */
export type Operand = Variable | number;

/** Below this, copying an input at each step costs less than keeping it on the device. */
const RESIDENT_SIZE = 1024;
/** A structure seen this often is planned again with fusion: its kernels are worth compiling. */
const FUSE_AFTER = 3;
/** Larger structures are not planned again: the pause would be seconds. */
const MAX_FUSED_NODES = 2 ** 18;

/** A plan that is ready to run. */
export interface Compiled {
  readonly plan: Plan;
  readonly executable: Executable;
  readonly fused: boolean;
  runs: number;
  /** The arrays (by ordinal) whose gradient the plan writes. */
  readonly reached: readonly number[];
  /** The numbers and arrays that the gradients brought in: part of the structure, so bound again at each run. */
  readonly constants: { readonly scalars: Float64Array; readonly arrays: readonly Variable[] };
}

const none = { scalars: new Float64Array(0), arrays: [] } as const;

/** What a program must produce, and where the program's outside arrays are. */
export interface Goal {
  readonly roots: readonly Root[];
  readonly arrayKey?: (ordinal: number) => number;
  readonly reached?: readonly number[];
}

const debugOptions = { checkNumerics: false, checkComparisons: false, eager: false };
/** What looks for unused comparisons, if anything; programs that never ask for it do not load it. */
let comparing: { readonly Comparisons: typeof Comparisons; readonly calledOutside: typeof calledOutside } | null = null;
/** Likewise what tells of a number that is none. */
let explainNan: typeof nanError | null = null;

/**
 * Debugging aids; steps are much slower meanwhile.
 * @param options `checkNumerics`: stop at the first operation whose result has a NaN or an infinity, with a NanError that
 *   names it and the line that called it. `checkComparisons`: stop at the end of a step, or after a million operations, if the result
 *   of a comparison was neither used by another operation, nor looked at, nor returned, with a UsageError that names its line: most
 *   often it was taken for a condition, which a Variable cannot be. `eager`: run each operation as soon as it is called, so that a debugger that stops
 *   there finds the numbers; the gradients are still computed when the step ends.
 */
export function debug(options: { checkNumerics?: boolean; checkComparisons?: boolean; eager?: boolean }): void {
  checkArguments("debug", arguments, 1);
  checkOptions("debug", options, Object.keys(debugOptions));
  if (current !== null) throw new UsageError("debug was called inside grad or evaluate. Call it before the step.");
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== "boolean") throw new ValueError(`debug takes true or false as ${name}, but got ${describe(value)}.`);
    debugOptions[name as keyof typeof debugOptions] = value;
  }
  comparing = debugOptions.checkComparisons ? { Comparisons, calledOutside } : null;
  explainNan = nanError;
}

/** Says which operation made a number that is none, and whether it got such a number from outside, as it is or as a view. */
function nanError(step: Step, fault: LaunchFault, name: string, node: number): NanError {
  const { trace } = step;
  const got = Array.from({ length: trace.inputCount(node) }, (_, k) => {
    let source = trace.input(node, k);
    while (!trace.isLeaf(source) && trace.inputCount(source) === 1) source = trace.input(source, 0);
    const isKnown = trace.isLeaf(source) && (trace.leafKind(source) === LeafKind.scalar || step.arrays[trace.leafOrdinal(source)] !== placeholder);
    return isKnown && step.leafValues(source).some((value) => !Number.isFinite(value));
  });
  const where = step.callers?.[node] ?? "";
  return new NanError(
    `${name} produced ${fault.value} in a result of shape ${formatShape(trace.shapes[node])}${where === "" ? "" : `, called at ${where}`}. ` +
      (got.includes(true)
        ? "The data or parameters that it got hold such a value already."
        : "Its inputs were finite: look for a logarithm or division of 0, an overflow, or a learning rate that is too large."),
  );
}

/** One run of a plan, for who watches. */
export interface Watched {
  readonly step: Step;
  readonly plan: Plan;
  /** Milliseconds that each launch took. */
  readonly times: Float64Array;
  /** The node of the step for a node of the plan. */
  readonly nodeOf: (node: number) => number;
  /** How many recorded operations each node of the step stands for, if they have been stacked; 1 where this says nothing. */
  readonly members: readonly number[];
}

/** Who watches plans run, if anyone: plans are made anew then, fused at once, and know all nodes of each launch. */
const watching: { watcher: ((watched: Watched) => void) | null } = { watcher: null };

/** Calls `watcher` for every plan that runs while `body` does. */
export function watch(watcher: (watched: Watched) => void, body: () => void): void {
  watching.watcher = watcher;
  try {
    body();
  } finally {
    watching.watcher = null;
  }
}

const caches = new WeakMap<Device, PlanCache<Compiled>>();

function cacheOf(device: Device): PlanCache<Compiled> {
  let cache = caches.get(device);
  if (cache === undefined) {
    cache = new PlanCache();
    caches.set(device, cache);
  }
  return cache;
}

/** One trace serves all steps, as there is never more than one open. */
const sharedTrace = new Trace();
let current: Step | null = null;
guardDevice(() => current !== null);

/** The open step, if there is one. */
export const openStep = (): Step | null => current;

/**
 * What a step is for: to train parameters (their gradients are kept, and dropout acts), to give gradients as variables, or to give values.
 * That gradients are wanted does not mean that something is trained.
 */
export type Purpose = "training" | "gradients" | "values";

/** Runs `body` in a new step; whatever happens, the step ends. */
export function withStep<T>(caller: string, purpose: Purpose, body: (step: Step) => T): T {
  if (current !== null) {
    throw new UsageError(
      `${caller} was called inside ${current.caller}. A step cannot hold another: call ${caller} before or after it` +
        (caller === "grad" || caller === "evaluate" ? ", or use gradients(f, variables) for derivatives inside a step." : "."),
    );
  }
  const step = new Step(caller, purpose);
  current = step;
  try {
    return body(step);
  } finally {
    current = null;
    step.end();
  }
}

/** Where a pinned value is: in a region of this step, or (a view of it) in an outside array. */
type Pinned = { readonly region: Region; readonly offset: number } | { readonly array: number; readonly offset: number };

export class Step {
  readonly notCloned = notCloned;
  /** What is recorded into: the stacked trace while the gradients of a stacked structure are. */
  trace = sharedTrace;
  readonly serial = nextStep();
  readonly device = currentDevice();
  ended = false;
  /** Set by operations whose reverse rule is the user's code: it may read numbers and use what lies outside, so it runs each time. */
  ownRules = false;
  /** Everything before this node has run, at a look. */
  ran = 0;
  private isRunning = false;
  private readonly pinned: (Pinned | undefined)[] = [];
  /** The outside arrays, by ordinal. */
  readonly arrays: Variable[] = [];
  /** In a backward pass, the node whose rule is at work, else −1. */
  reversing = -1;
  /** Where the user called each operation, while numbers are checked. */
  readonly callers: (string | undefined)[] | null = debugOptions.checkNumerics ? [] : null;
  /** Each operation runs as soon as it is called; not the gradients, which are recorded only where the structure is new. */
  eager = debugOptions.eager;
  private members: readonly number[] = [];
  readonly comparisons = comparing === null ? null : new comparing.Comparisons(this.trace);
  /** Does any aid of debugging want to know of each operation? */
  private readonly isWatched = this.callers !== null || this.comparisons !== null || this.eager;

  constructor(
    readonly caller: string,
    readonly purpose: Purpose,
  ) {
    this.trace.reset(this.serial);
  }

  /** Parameters are told from other arrays, and dropout acts. */
  get isTraining(): boolean { return this.purpose === "training"; }

  end(): void {
    this.ended = true;
    this.arrays.length = 0;
    this.pinned.length = 0;
    this.device.endStep();
  }

  // -- recording ------------------------------------------------------------------------------------

  /** The node of a variable; one from outside becomes a leaf. */
  node(operand: Operand): number {
    if (typeof operand === "number") return this.trace.scalar(operand, scalarShape);
    return operand.step === this ? operand.index : this.enter(operand);
  }

  private enter(variable: Variable): number {
    if (!(variable instanceof Variable)) {
      throw new ValueError(
        `An operation takes Variables and numbers, but got ${variable === null ? "null" : typeof variable}. Wrap arrays with input(…).`,
      );
    }
    const { storage } = variable;
    if (storage === null) throw stale(variable);
    let kind: LeafKind = LeafKind.host;
    if (this.isTraining && variable instanceof Parameter) kind = variable.hasGradient ? LeafKind.accumulating : LeafKind.parameter;
    else if (this.isTraining && storage.kind === "gradients") kind = LeafKind.host; // a copy: the step writes its gradients there
    else if (storage.kind !== "inputs" || storage.isResident) kind = LeafKind.resident;
    else if (storage.size >= RESIDENT_SIZE && storage.lastStep !== 0 && storage.lastStep !== this.serial) kind = LeafKind.resident;
    storage.lastStep = this.serial;
    this.arrays.push(variable);
    variable.step = this;
    variable.index = this.trace.array(kind, variable.shape);
    this.called(variable.index);
    return variable.index;
  }

  /** A handle on a recorded node. */
  variable(node: number): Variable {
    return new Variable(this.trace.shapes[node], this.trace.operations[node], this, node, null);
  }

  /** A leaf for the gradient that a parameter of this step has already. */
  earlierGradient(shape: Shape): Variable {
    this.arrays.push(placeholder);
    return this.variable(this.trace.array(LeafKind.resident, shape));
  }

  called(node: number): void {
    if (!this.isWatched) return;
    const { reversing } = this;
    if (reversing < 0) this.comparisons?.called(node);
    if (this.eager && reversing < 0 && !this.isRunning && !this.trace.isLeaf(node)) this.look();
    if (this.callers === null) return;
    this.callers[node] = reversing < 0
      ? userLocation()
      : `${this.callers[reversing]}, in the gradient of ${this.trace.operations[reversing].name}`;
  }

  // -- running --------------------------------------------------------------------------------------

  /** Can its numbers be had without running anything? */
  knows(variable: Variable): boolean { return !this.isRunning && (variable.index < this.ran || this.trace.isLeaf(variable.index)); }

  /** The numbers of a variable of this step: runs what has been recorded so far. */
  values(variable: Variable): FloatArray {
    const node = variable.index;
    if (this.reversing >= 0 && !this.ownRules) {
      throw new UsageError(
        `The reverse rule of ${this.trace.operations[this.reversing].name} looked at a number, but is declared structural: what it records is used in later steps, ` +
          "whatever their numbers are. Leave structural out, or choose by operations, such as where(…).",
      );
    }
    if (this.trace.isLeaf(node)) return this.leafValues(node);
    this.comparisons?.looked(node);
    if (this.isRunning) {
      throw new UsageError(
        "The forward function of an operation asked for the numbers of a Variable of the step that it is part of. " +
          "Give that Variable to the operation as an input.",
      );
    }
    if (node >= this.ran) this.look();
    const pinned = this.pinned[node] as Pinned;
    if ("array" in pinned) return (this.arrays[pinned.array].storage as Storage).values().slice(pinned.offset, pinned.offset + variable.size);
    return this.device.readRegion(pinned.region, pinned.offset, variable.size);
  }

  leafValues(node: number): FloatArray {
    const ordinal = this.trace.leafOrdinal(node);
    return this.trace.leafKind(node) === LeafKind.scalar
      ? this.device.FloatArray.of(this.trace.scalars[ordinal])
      : (this.arrays[ordinal].storage as Storage).values();
  }

  /** Runs every node recorded since the last look and keeps the results until the step ends. */
  private look(): void {
    const { trace } = this;
    const segment = extract(trace, this.ran);
    segment.trace.mark([Mark.look]);
    const compiled = this.compile(segment.trace, null, () => ({ roots: [] }));
    const keyOf = (key: number): number => segment.keys[key >> 1];
    const region = this.run(compiled, segment.trace.scalars, keyOf, (node) => segment.nodes[node]);
    segment.nodes.forEach((node, i) => {
      if (node < this.ran || trace.isLeaf(node)) return;
      const { space, offset } = compiled.plan.results[i];
      if (space === 0) {
        this.pinned[node] = { region, offset };
        return;
      }
      // A view of an array from outside, or of what an earlier look has pinned.
      const key = keyOf(compiled.plan.bufferKeys[space - 1]);
      const base = key < 0 ? (this.pinned[~key] as Pinned) : { array: key >> 1, offset: 0 };
      this.pinned[node] = { ...base, offset: base.offset + offset };
    });
    this.ran = trace.count;
    trace.mark([Mark.look]);
  }

  /**
   * Runs the whole step. The words recorded so far, with the numbers of `nodes`, are its structure: `goal` is asked only when
   * that structure is new, and may record further operations (the gradients). It gets `nodes` under the numbers that they
   * have then, and may use no others. `fuse`: at the first run already.
   */
  finish(mark: number, nodes: readonly number[], goal: (nodes: readonly number[]) => Goal, fuse = false): { compiled: Compiled; region: Region } {
    const { trace } = this;
    this.comparisons?.check(nodes);
    trace.mark([mark, ...nodes]);
    const compiled = this.compile(trace, nodes, goal, fuse);
    const { scalars, arrays } = compiled.constants;
    trace.addScalars(scalars);
    this.arrays.length = trace.arrayCount;
    for (const array of arrays) this.arrays.push(array);
    return { compiled, region: this.run(compiled, trace.scalars, same, same) };
  }

  /** The plan for a trace; `nodes` is null for one that keeps every value. */
  private compile(trace: Trace, nodes: readonly number[] | null, goal: (nodes: readonly number[]) => Goal, fuseAtOnce = false): Compiled {
    const checks = this.callers !== null;
    const watched = watching.watcher !== null;
    const isOwn = checks || watched; // not for the cache
    const cache = cacheOf(this.device);
    const { count, length, words } = trace;
    const found = isOwn ? null : cache.find(words, length);
    const often = watched || (found !== null && !found.fused && found.runs >= FUSE_AFTER);
    const fuse = nodes !== null && !checks && (fuseAtOnce || often) && count < MAX_FUSED_NODES;
    if (found !== null && (found.fused || !fuse)) return found;
    limitKernels();

    const mayStack = nodes !== null && testing.stack && !checks && !fuseAtOnce && !this.ownRules && this.ran === 0;
    const stacked = mayStack ? stack(trace, nodes) : null;
    const planned = stacked?.trace ?? trace;
    const { scalarCount, arrayCount } = planned;
    if (nodes !== null) this.trace = planned;
    this.members = stacked?.members ?? [];
    const wanted = goal(stacked?.nodes ?? nodes ?? []);
    const options = { fuse, keepAll: nodes === null, checks, members: watched, ...(wanted.arrayKey === undefined ? {} : { arrayKey: wanted.arrayKey }) };
    const plan = this.ran > 0 && nodes !== null ? this.planRest(wanted, options) : makePlan(planned, wanted.roots, options);
    const constants = nodes === null ? none : { scalars: planned.scalars.slice(scalarCount, planned.scalarCount), arrays: this.arrays.slice(arrayCount) };
    const compiled: Compiled = { plan, executable: this.device.prepare(plan.program), fused: fuse, runs: 0, reached: wanted.reached ?? [], constants };
    if (isOwn) return compiled;
    if (stacked === null) {
      trace.truncate(count, length);
      trace.scalarCount = scalarCount;
      trace.arrayCount = arrayCount;
    } else {
      this.trace = trace;
      // What faults tell of is an operation that was recorded, or one of the backward pass.
      plan.launchNodes.forEach((node, launch) => { plan.launchNodes[launch] = stacked.origins[node] ?? count; });
    }
    cache.put(trace.words, length, compiled);
    return compiled;
  }

  /** After looks: plans what has not run yet, with the pinned values as leaves. */
  private planRest(goal: Goal, options: PlanOptions): Plan {
    const rest = extract(this.trace, this.ran);
    const position = new Map(rest.nodes.map((node, i) => [node, i]));
    const keyOf = goal.arrayKey ?? bufferKey.value;
    const plan = makePlan(
      rest.trace,
      goal.roots.map((root) => ({ node: position.get(root.node) ?? rest.enter(root.node), target: root.target })),
      { ...options, arrayKey: (ordinal) => (rest.keys[ordinal] < 0 ? rest.keys[ordinal] : keyOf(rest.keys[ordinal] >> 1)) },
    );
    for (let i = 0; i < plan.program.scalars.length; i++) plan.program.scalars[i] = rest.scalars[plan.program.scalars[i]];
    for (let i = 0; i < plan.launchNodes.length; i++) plan.launchNodes[i] = rest.nodes[plan.launchNodes[i]];
    return { ...plan, launchMembers: plan.launchMembers?.map((nodes) => nodes.map((node) => rest.nodes[node])) ?? null };
  }

  /** Binds and runs a plan; `keyOf` and `nodeOf` lead from its buffers and nodes to those of this step. */
  private run(compiled: Compiled, scalars: Float64Array, keyOf: (key: number) => number, nodeOf: (node: number) => number): Region {
    const { plan, executable } = compiled;
    const { watcher } = watching;
    const times = watcher === null ? null : new Float64Array(plan.program.launches);
    compiled.runs++;
    hosts.length = buffers.length = 0;
    for (const array of plan.hostArrays) hosts.push((this.arrays[keyOf(array * 2) >> 1].storage as Storage).values());
    for (const planKey of plan.bufferKeys) buffers.push(this.buffer(keyOf(planKey)));
    this.isRunning = true;
    try {
      const region = this.device.run(executable, scalars, hosts, buffers, times);
      watcher?.({ step: this, plan, times: times as Float64Array, nodeOf, members: this.members });
      return region;
    } catch (error) {
      throw error instanceof LaunchFault ? this.explain(error, nodeOf(plan.launchNodes[error.launch])) : error;
    } finally {
      this.isRunning = false;
      if (this.callers !== null || watcher !== null) executable.release(); // not in the cache
    }
  }

  private buffer(key: number): Buffer {
    if (key < 0) {
      const pinned = this.pinned[~key] as Pinned;
      const base = "array" in pinned ? (this.arrays[pinned.array].storage as Storage).on(this.device) : pinned.region;
      return this.device.view(base, pinned.offset, sizeOf(this.trace.shapes[~key]));
    }
    const array = this.arrays[key >> 1];
    return ((key & 1) === 0 ? (array.storage as Storage) : (array as Parameter).gradient).on(this.device);
  }

  private explain(fault: LaunchFault, node: number): Error {
    const name = node < this.trace.count ? this.trace.operations[node].name : "an operation of the backward pass";
    if (fault.reason === "index") {
      return new ValueError(
        `${name} got index ${fault.value}: an index here is an integer from 0 to ${fault.limit - 1}. Check the labels or indices that were given.`,
      );
    }
    return (explainNan as typeof nanError)(this, fault, name, node);
  }

  // -- results --------------------------------------------------------------------------------------

  /** Gives a variable of this step its numbers for good. */
  materialize(variable: Variable, region: Region, result: { space: number; offset: number }): void {
    const values = result.space === 0
      ? this.device.readRegion(region, result.offset, variable.size)
      : this.device.read(buffers[result.space - 1]).slice(result.offset, result.offset + variable.size);
    variable.storage = new Storage(values.length, values, "inputs");
  }
}

/** The bindings of the current run, kept so that a run allocates nothing. */
const hosts: FloatArray[] = [];
const buffers: Buffer[] = [];

const same = (number: number): number => number;
/** Stands among the arrays for one that is bound by its key alone. */
const placeholder = new Variable(scalarShape, null, null, -1, null);

interface Part {
  readonly trace: Trace;
  /** The original node of each node. */
  readonly nodes: number[];
  /** What each array leaf is: a bufferKey of the original. */
  readonly keys: number[];
  /** Which scalar of the original each scalar is. */
  readonly scalars: number[];
  /** The node for one of the original, as a leaf if it is before the part. */
  enter(node: number): number;
}

/** A trace from some node on, as a trace of its own; what it uses of the nodes before becomes leaves. */
function extract(trace: Trace, from: number): Part {
  const part = new Trace();
  part.reset(trace.serial);
  const nodes: number[] = [];
  const keys: number[] = [];
  const scalars: number[] = [];
  const position = new Map<number, number>();
  const add = (node: number, copy: number): number => {
    position.set(node, copy);
    nodes.push(node);
    return copy;
  };
  const enter = (node: number): number => {
    const known = position.get(node);
    if (known !== undefined) return known;
    const shape = trace.shapes[node];
    if (!trace.isLeaf(node)) {
      keys.push(bufferKey.pinned(node));
      return add(node, part.array(LeafKind.resident, shape));
    }
    const ordinal = trace.leafOrdinal(node);
    const kind = trace.leafKind(node);
    if (kind === LeafKind.scalar) {
      scalars.push(ordinal);
      return add(node, part.scalar(trace.scalars[ordinal], shape));
    }
    keys.push(bufferKey.value(ordinal));
    return add(node, part.array(kind, shape));
  };
  for (let node = from; node < trace.count; node++) {
    if (trace.isLeaf(node)) continue;
    const inputs = Array.from({ length: trace.inputCount(node) }, (_, k) => enter(trace.input(node, k)));
    add(node, part.general(trace.operations[node], trace.shapes[node], inputs, trace.attributes(node)));
  }
  return { trace: part, nodes, keys, scalars, enter };
}

// -- what operations call -----------------------------------------------------------------------------

/** Records an operation of one input. */
export function record1(operation: Recordable, shape: Shape, a: Operand): Variable {
  const step = current;
  if (step === null) return single(operation, shape, [a], []);
  const node = step.trace.unary(operation, shape, step.node(a));
  step.called(node);
  return new Variable(shape, operation, step, node, null);
}

/** Records an operation of two inputs. */
export function record2(operation: Recordable, shape: Shape, a: Operand, b: Operand): Variable {
  const step = current;
  if (step === null) return single(operation, shape, [a, b], []);
  const x = step.node(a);
  const node = step.trace.binary(operation, shape, x, step.node(b));
  step.called(node);
  return new Variable(shape, operation, step, node, null);
}

/** Records an operation of any number of inputs, with integers that are part of its structure. */
export function record(operation: Recordable, shape: Shape, inputs: readonly Operand[], attributes: ArrayLike<number> = []): Variable {
  const step = current;
  if (step === null) return single(operation, shape, inputs, attributes);
  const nodes: number[] = inputs.length < scratch.length ? scratch[inputs.length] : new Array(inputs.length);
  for (let k = 0; k < inputs.length; k++) nodes[k] = step.node(inputs[k]);
  const node = step.trace.general(operation, shape, nodes, attributes);
  step.called(node);
  return new Variable(shape, operation, step, node, null);
}

/** Lists of up to a few nodes on their way into the trace, so that recording allocates none. */
const scratch: number[][] = [[], [0], [0, 0], [0, 0, 0], [0, 0, 0, 0]];

/** Outside a step an operation is a step of its own. */
function single(operation: Recordable, shape: Shape, inputs: readonly Operand[], attributes: ArrayLike<number>): Variable {
  const variable = withStep(operation.name, "values", (step) => {
    const result = record(operation, shape, inputs, attributes);
    keep(step, [result]);
    return result;
  });
  comparing?.calledOutside(variable);
  return variable;
}

/** Runs the step without gradients and gives the variables their numbers for good. */
export function keep(step: Step, variables: readonly Variable[]): void {
  const open = variables.filter((variable) => variable.storage === null);
  if (open.length === 0) return step.comparisons?.check([]);
  const nodes = open.map((variable) => step.node(variable));
  const { compiled, region } = step.finish(Mark.evaluate, nodes, (kept) => ({ roots: kept.map((node) => ({ node, target: null })) }));
  open.forEach((variable, i) => { step.materialize(variable, region, compiled.plan.results[i]); });
}
