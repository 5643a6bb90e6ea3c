/** A step while it is open: what is recorded in it, what of that has run, and where the numbers are. */

import { currentDevice } from "../devices/current.ts";
import type { Region } from "../devices/device.ts";
import { LaunchFault } from "../devices/fault.ts";
import { type Buffer, nextStep } from "../devices/residency.ts";
import { notCloned, Storage } from "../devices/storage.ts";
import type { FloatArray } from "../kernels/kernel.ts";
import { extract } from "../plan/extract.ts";
import { bufferKey } from "../plan/buffer-key.ts";
import { LeafKind, Mark, Trace } from "../plan/trace.ts";
import { refusal } from "../support/check.ts";
import { UsageError, userLocation } from "../support/errors.ts";
import { type Shape, scalarShape, sizeOf } from "../support/shape.ts";
import { type Compilable, type Compiled, compile, type Goal } from "./compile.ts";
import { type Faulted, indexError } from "./faults.ts";
import { assignedInCall, isInHostCall, notAnInput } from "./host-call.ts";
import { switches } from "./switches.ts";
import { absent, byRowsOf, Parameter, type RowGradient, stale, Variable } from "./variable.ts";

/** What an operation takes: a Variable, or a number that stands for a scalar one. */
export type Operand = Variable | number;

/**
 * What a step is for: to train parameters (their gradients are kept, and dropout acts), to give gradients as variables, or to give values.
 * That gradients are wanted does not mean that something is trained.
 */
export type Purpose = "training" | "gradients" | "values";

/** One trace serves all steps, as there is never more than one open. */
const sharedTrace = new Trace();

/** The bindings of the current run, kept so that a run allocates nothing. */
const hosts: FloatArray[] = [];
const buffers: Buffer[] = [];

const same = (number: number): number => number;
const none: Shape = [0];
/** Stands among the arrays for one that is bound by its key alone. */
const placeholder = new Variable(scalarShape, null, null, -1, null);

/** What arrays from outside, with their ordinals, get when the step succeeds: the values of nodes. */
class Assigned {
  /** The arrays, each with its place among the ordinals and nodes. */
  readonly targets = new Map<Variable, number>();
  readonly ordinals: number[] = [];
  readonly nodes: number[] = [];
}

export const nothing = new Assigned();

/** Where a pinned value is: in a region of this step, or (a view of it) in an outside array. */
type Pinned = { readonly region: Region; readonly offset: number } | { readonly array: number; readonly offset: number };

/** The regions of a trace (`checkpoint`) in one backward pass, which computes their values again. */
export interface Again {
  /** Tells which node is next, from the last to the first, and its gradient. */
  reach(node: number, gradient: Variable): void;
  /** The node that has, for the rules of the node that was reached, the value of another one. */
  nodeFor(node: number): number;
}

/** Adds up what has arrived at a node so far, and lets `then` say what to go on with. */
export type Fold = (node: number, then: (sum: Variable) => Variable) => void;

export type AgainClass = new (step: Step, result: Variable, fold: Fold) => Again;

export class Step implements Compilable, Faulted {
  readonly notCloned = notCloned;
  readonly device = currentDevice();
  /** What is recorded into: the stacked trace while the gradients of a stacked structure are. One of its own where what is found later is told from it. */
  trace = this.device.later !== null && switches.checkNumerics ? new Trace() : sharedTrace;
  readonly serial = nextStep();
  /** Where the device answers later, what it has told of last. If that changes in a step, what its looks have made may not be there. */
  private readonly told = this.device.later?.journal.told;
  ended = false;
  /** Set by operations whose reverse rule is the user's code: it may read numbers and use what lies outside, so it runs each time. */
  ownRules = false;
  /** Set where the trace has regions. */
  again: AgainClass | null = null;
  /** Everything before this node has run, at a look. */
  ran = 0;
  private readonly pinned: (Pinned | undefined)[] = [];
  /** The outside arrays, by ordinal. */
  readonly arrays: Variable[] = [];
  assigned = nothing;
  /** Its constant parts, if it has any: these answer in place of `node`. */
  constants: object | null = null;
  /** Is one of them being recorded? */
  isEvaluating = false;
  /** Does dropout act although nothing is trained? */
  dropout = false;
  /** In a backward pass, the node whose rule is at work, else −1. */
  reversing = -1;
  /** Where the user called each operation, while numbers are checked. */
  readonly callers: (string | undefined)[] | null = switches.checkNumerics ? [] : null;
  /** Each operation runs as soon as it is called; not the gradients, which are recorded only where the structure is new. */
  eager = switches.eager;
  memberCounts: readonly number[] = [];
  readonly comparisons = switches.comparing === null ? null : new switches.comparing.Comparisons(this.trace);
  /** Does any aid of debugging want to know of each operation? */
  readonly isWatched = this.callers !== null || this.comparisons !== null || this.eager;

  constructor(
    readonly caller: string,
    readonly purpose: Purpose,
    /** The parameters whose gradients are wanted, in training; null for all that there are. */
    readonly of: ReadonlySet<Parameter> | null,
  ) {
    this.trace.reset();
  }

  /** Is what is recorded now trained? */
  get isTraining(): boolean { return this.purpose === "training" && !this.isEvaluating; }

  end(): void {
    this.ended = true;
    this.assigned = nothing;
    if (this.callers === null) this.arrays.length = 0;
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
    if (!(variable instanceof Variable)) throw refusal("An operation", "Variables and numbers", variable, " Wrap arrays with input(…).");
    const parameter = variable instanceof Parameter ? variable : null;
    if (parameter !== null && parameter.standIn !== null) {
      variable.index = this.node(parameter.standIn);
      variable.step = this;
      return variable.index;
    }
    const { storage } = variable;
    if (storage === null) throw stale(variable);
    const isTraining = this.purpose === "training";
    /** A parameter whose gradient is wanted; any other is an array like others. */
    const trained = isTraining && parameter !== null && !parameter.frozen && (this.of === null || this.of.has(parameter)) ? parameter : null;
    let kind: LeafKind = LeafKind.host;
    if (trained !== null) kind = trained.hasGradient && byRowsOf(trained) === null ? LeafKind.accumulating : LeafKind.parameter;
    else if (isTraining && storage.kind === "gradients") kind = LeafKind.host; // a copy: the step writes its gradients there
    else if (storage.kind !== "inputs") kind = storage.kind === "state" || storage.kind === "optimizer" ? LeafKind.state : LeafKind.resident;
    else if (storage.isResident) kind = LeafKind.resident;
    else if (storage.lastStep !== 0 && storage.lastStep !== this.serial && storage.size >= this.device.policy.residentSize) kind = LeafKind.resident;
    storage.lastStep = this.serial;
    const away = kind === LeafKind.host ? storage.away("inputs") : null;
    if (away !== null) kind = LeafKind.resident;
    this.arrays.push(away === null ? variable : new Variable(variable.shape, null, null, -1, away));
    variable.step = this;
    variable.index = this.trace.array(kind, variable.shape);
    this.called(variable.index);
    if (trained !== null && trained.rows !== null) { // One more leaf behind a parameter whose gradient may be by rows.
      this.arrays.push(trained.rows);
      this.trace.array(trained.isLazy ? LeafKind.lazyRows : LeafKind.rows, byRowsOf(trained)?.shape ?? none);
    }
    return variable.index;
  }

  /** The gradient by rows of the parameter that is an array of this step. */
  rowsOf(array: number): RowGradient | null {
    const { rows } = this.arrays[array] as Parameter;
    return rows !== null && this.arrays[array + 1] === rows ? rows : null;
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

  /** Gives an array from outside another value: for what is recorded from now on, and for good when the step succeeds. */
  assign(target: Variable, value: Variable): void {
    if (this.reversing >= 0 || isInHostCall()) throw assignedInCall();
    if (target instanceof Parameter && target.standIn !== null) throw absent("update");
    if (this.assigned === nothing) this.assigned = new Assigned();
    const { targets, ordinals, nodes } = this.assigned;
    const node = this.node(value);
    let place = targets.get(target);
    if (place === undefined) {
      place = ordinals.push(this.trace.leafOrdinal(this.node(target))) - 1;
      targets.set(target, place);
    }
    nodes[place] = target.index = node;
  }

  called(node: number): void {
    if (!this.isWatched) return;
    const { reversing } = this;
    if (reversing < 0) this.comparisons?.called(node);
    if (this.eager && reversing < 0 && !isInHostCall() && !this.trace.isLeaf(node)) this.look();
    if (this.callers === null) return;
    this.callers[node] = reversing < 0
      ? userLocation()
      : `${this.callers[reversing]}, in the gradient of ${this.trace.operations[reversing].name}`;
  }

  // -- running --------------------------------------------------------------------------------------

  /** Can its numbers be had without running anything? */
  knows(variable: Variable): boolean { return !isInHostCall() && (variable.index < this.ran || this.trace.isLeaf(variable.index)); }

  /** The numbers of a variable of this step: runs what has been recorded so far. */
  values(variable: Variable): FloatArray {
    const pinned = this.see(variable);
    if (pinned === null) return this.knownValues(variable.index) as FloatArray;
    if ("array" in pinned) return (this.arrays[pinned.array].storage as Storage).values().slice(pinned.offset, pinned.offset + variable.size);
    return this.device.readRegion(pinned.region, pinned.offset, variable.size);
  }

  /** The same, when they are there. */
  async read(variable: Variable): Promise<FloatArray> {
    const { device: { later } } = this;
    if (later === null || this.see(variable) === null) return this.values(variable);
    return later.keepCopy(new Storage(variable.size, null, "inputs"), this.buffer(~variable.index), 0).read();
  }

  /** Runs what a variable needs, and tells where it is then; null for a leaf. */
  private see(variable: Variable): Pinned | null {
    const node = variable.index;
    if (this.reversing >= 0 && !this.ownRules) {
      throw new UsageError(
        `The reverse rule of ${this.trace.operations[this.reversing].name} looked at a number, but is declared structural: what it records ` +
          "is used in later steps, whatever their numbers are. Leave structural out, or choose by operations, such as where(…).",
      );
    }
    if (this.trace.isLeaf(node)) return null;
    this.comparisons?.looked(node);
    if (isInHostCall()) throw notAnInput();
    if (node >= this.ran) this.look();
    return this.pinned[node] as Pinned;
  }

  knownValues(leaf: number): FloatArray | undefined {
    const { trace } = this;
    const ordinal = trace.leafOrdinal(leaf);
    return trace.leafKind(leaf) === LeafKind.scalar ? this.device.FloatArray.of(trace.scalars[ordinal]) : this.arrays[ordinal].storage?.values();
  }

  /** Runs every node recorded since the last look and keeps the results until the step ends. */
  private look(): void {
    const { trace } = this;
    const segment = extract(trace, this.ran);
    segment.trace.mark(Mark.look);
    const compiled = compile(this, segment.trace, null, () => ({ roots: [] }));
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
    trace.mark(Mark.look);
  }

  /**
   * Runs the whole step. The words recorded so far, with the numbers of `nodes`, are its structure: `goal` is asked only when
   * that structure is new, and may record further operations (the gradients). It gets `nodes` under the numbers that they
   * have then, and may use no others. `fuse`: at the first run already.
   */
  complete(mark: number, nodes: readonly number[], goal: (nodes: readonly number[]) => Goal, fuse = false): { compiled: Compiled; region: Region } {
    const { trace, assigned: { targets, ordinals, nodes: values } } = this;
    const wanted = values.length === 0 ? nodes : nodes.length === 0 ? values : [...nodes, ...values];
    this.comparisons?.check(wanted);
    trace.mark(mark, wanted);
    trace.mark(Mark.assign, ordinals);
    const compiled = compile(this, trace, wanted, (found) => {
      const given = goal(found.slice(0, nodes.length));
      ordinals.forEach((ordinal, i) => { given.roots.push({ node: found[nodes.length + i], target: bufferKey.value(ordinal) }); });
      return given;
    }, fuse);
    const { scalars, arrays } = compiled.constants;
    trace.addScalars(scalars);
    this.arrays.length = trace.arrayCount;
    for (const array of arrays) this.arrays.push(array);
    const region = this.run(compiled, trace.scalars, same, same);
    targets.forEach((_, target) => { (target.storage as Storage).written(); });
    return { compiled, region };
  }

  /** Binds and runs a plan; `keyOf` and `nodeOf` lead from its buffers and nodes to those of this step. */
  private run(compiled: Compiled, scalars: Float64Array, keyOf: (key: number) => number, nodeOf: (node: number) => number): Region {
    const { plan, executable } = compiled;
    const { watcher } = switches;
    const times = watcher === null ? null : new Float64Array(plan.program.launches);
    compiled.runs++;
    const journal = this.device.later?.journal;
    if (journal?.told !== this.told) throw journal?.told?.value;
    journal?.begin(this, compiled, nodeOf);
    for (const { array, rows } of compiled.reached) {
      journal?.reaches(this.arrays[array] as Parameter);
      this.rowsOf(array)?.reserve(rows);
    }
    hosts.length = buffers.length = 0;
    for (const array of plan.hostArrays) hosts.push((this.arrays[keyOf(array * 2) >> 1].storage as Storage).values());
    for (const planKey of plan.bufferKeys) buffers.push(this.buffer(keyOf(planKey)));
    try {
      const region = this.device.run(executable, scalars, hosts, buffers, times);
      watcher?.({ step: this, plan, executable, times: times as Float64Array, nodeOf, memberCounts: this.memberCounts });
      return region;
    } catch (error) {
      throw error instanceof LaunchFault ? this.explain(error, nodeOf(plan.launchNodes[error.launch])) : error;
    } finally {
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
    if ((key & 1) === 0) return (array.storage as Storage).on(this.device);
    const { gradient, hasGradient } = array as Parameter;
    return gradient.on(this.device, hasGradient);
  }

  nameOf(node: number): string { return node < this.trace.count ? this.trace.operations[node].name : "an operation of the backward pass"; }

  /** Tells what went wrong; given a name, also when the trace is that of another step, unless numbers are checked. */
  explain(fault: LaunchFault, node: number, name = this.nameOf(node)): Error {
    return fault.reason === "index" || switches.explainNan === null ? indexError(name, fault) : switches.explainNan(this, fault, name, node);
  }

  // -- results --------------------------------------------------------------------------------------

  /** Gives a variable of this step its numbers for good. */
  materialize(variable: Variable, region: Region, result: { space: number; offset: number }): void {
    const { device, device: { later } } = this;
    const { space, offset } = result;
    const { size } = variable;
    variable.storage = later?.keepCopy(new Storage(size, null, "inputs"), space === 0 ? region : buffers[space - 1], offset) ?? new Storage(
      size, space === 0 ? device.readRegion(region, offset, size) : device.read(buffers[space - 1]).slice(offset, offset + size), "inputs",
    );
  }
}
