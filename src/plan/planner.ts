/** From a trace to a program: what is needed of it, lowered to launches, fused, placed in memory. Linear in the number of nodes. */

import { aligned, type Policy, type Program, processorPolicy } from "../devices/device.ts";
import { copy, kernelById, operandCount, outputCount, put } from "../kernels/kernel.ts";
import { sizeOf } from "../support/shape.ts";
import { batch } from "./batching/batch.ts";
import { bufferKey } from "./buffer-key.ts";
import { Fusion } from "./fuse.ts";
import { Ints } from "./ints.ts";
import { GROUP } from "./launches.ts";
import { type Lowerable, Lowering } from "./lowering.ts";
import { place } from "./place.ts";
import { LeafKind, type Trace } from "./trace.ts";

/** What must be there when the program has run. */
export interface Root {
  readonly node: number;
  /** The buffer to write the value to, as `bufferKey` names it, or null to keep it in the arena. */
  readonly target: number | null;
}

/** A program with what the step needs to bind it and to find its results. */
export interface Plan {
  readonly program: Program;
  /** Which outside array each host operand is (`Program.hosts`). */
  readonly hostArrays: number[];
  /** What each buffer is: a `bufferKey`. */
  readonly bufferKeys: number[];
  /** Where the value of each kept root is: space, offset. */
  readonly results: { space: number; offset: number }[];
  /** The node that each launch belongs to. */
  readonly launchNodes: Int32Array;
  /** If asked for: all nodes that each launch computes. */
  readonly launchMembers: readonly (readonly number[])[] | null;
}

export interface PlanOptions {
  /** That of the device; by default that of a processor. */
  readonly policy?: Policy;
  /** Join elementwise operations into one kernel. */
  readonly fuse: boolean;
  /** Join like operations, as is done unless this is false. */
  readonly batch?: boolean;
  /** Keep every value of every node, as a look in the middle of a step needs it; results are then those of all nodes. */
  readonly keepAll?: boolean;
  /** What the array leaves are, in order of appearance; by default the values of the outside arrays. */
  readonly arrayKey?: (ordinal: number) => number;
  /** Record where each launch writes, for a run that checks numbers. */
  readonly checks?: boolean;
  /** Keep which nodes each launch computes, for a report. */
  readonly listMembers?: boolean;
}

/** Plans a trace: the program that produces what the roots ask for. */
export function makePlan(trace: Trace, roots: readonly Root[], options: PlanOptions): Plan {
  const { policy = processorPolicy } = options;
  const needed = neededBy(trace, roots, options.keepAll ?? false);
  const batched = options.keepAll || options.batch === false ? null : batch(trace, needed, roots.map((root) => root.node));
  if (batched === null) return new Planner(trace, policy).build(roots, needed, options);
  const planner = new Planner(batched.trace, policy);
  planner.giveHomes(batched.joins);
  const renamed = roots.map(({ node, target }) => ({ node: batched.nodes[node], target }));
  const plan = planner.build(renamed, new Uint8Array(batched.trace.count).fill(1), options);
  const launchMembers = plan.launchMembers?.map((nodes) => nodes.flatMap((node) => batched.members.get(node) ?? [batched.origins[node]])) ?? null;
  for (let i = 0; i < plan.launchNodes.length; i++) plan.launchNodes[i] = batched.origins[plan.launchNodes[i]];
  return { ...plan, launchMembers };
}

/** Marks the nodes that the roots depend on. */
function neededBy(trace: Trace, roots: readonly Root[], all: boolean): Uint8Array {
  const needed = new Uint8Array(trace.count);
  if (all) return needed.fill(1);
  for (const root of roots) needed[root.node] = 1;
  for (let node = trace.count - 1; node >= 0; node--) {
    if (needed[node] === 0) continue;
    for (let k = trace.inputCount(node) - 1; k >= 0; k--) needed[trace.input(node, k)] = 1;
  }
  return needed;
}

class Planner extends Lowering {
  private readonly scalars: number[] = [];
  private readonly hostValues: number[] = [];
  private readonly hostArrays: number[] = [];
  private readonly bufferKeys: number[] = [];
  private readonly bufferSpaces = new Map<number, number>();
  /** The value that each buffer holds when the program starts, −1 where nothing reads it. */
  private readonly spaceValue: number[] = [-1];
  /** The buffers that the step may assign to after a look, which keeps no views of them. */
  private readonly assignable = new Set<number>();

  build(roots: readonly Root[], needed: Uint8Array, options: PlanOptions): Plan {
    const { trace } = this;
    this.leaves(needed, options.arrayKey ?? bufferKey.value);
    const fusion = options.fuse ? new Fusion(this) : null;
    this.fuser = fusion;
    for (let node = 0; node < trace.count; node++) {
      if (needed[node] === 1 && !trace.isLeaf(node)) (trace.operations[node] as Lowerable).lower(this, node);
    }

    const assigned = roots.flatMap(({ node, target }) => (target === null ? [] : [{ node, space: this.bufferSpace(target) }]));
    const kept = roots.flatMap(({ node, target }) => (target === null ? [node] : []));
    if (options.keepAll) for (let node = 0; node < trace.count; node++) kept.push(node);
    const wanted = [...kept, ...assigned.map(({ node }) => node)];
    for (const node of wanted) this.use(node);
    fusion?.complete();
    // A target may get what another holds, or what it holds may be wanted, so nothing is written before all has been read.
    const targets = options.keepAll ? this.assignable : new Set(assigned.map(({ space }) => space));
    for (const node of wanted) if (this.isIn(node, targets)) this.moveToArena(node);
    if (options.checks) {
      // Every launch may refuse its data, and what no launch has made is looked at before it is written.
      for (const { node } of assigned) if (this.valueFirst.at(this.nodeValue.at(node)) < 0) this.moveToArena(node);
      this.lastFallible = this.launchKernel.length;
    }
    for (const { node, space } of assigned) this.assign(node, space);
    const end = this.launchKernel.length;
    for (const node of kept) this.valueLast.put(this.nodeValue.at(node), end);
    if (options.keepAll) for (let value = 0; value < this.valueLast.length; value++) this.valueLast.put(value, end);

    const arena = place(this, this.stage(), this.policy);
    this.dropCopies();
    const launchMembers = options.listMembers ? this.members(fusion) : null;
    const checks = options.checks ?? false;
    const program = this.emit(arena, checks, checks || launchMembers !== null);
    const plan: Plan = {
      program,
      hostArrays: this.hostArrays,
      bufferKeys: this.bufferKeys,
      results: kept.map((node) => {
        const value = this.nodeValue.at(node);
        return { space: this.valueSpace.at(value), offset: this.valueOffset.at(value) + this.nodeOffset.at(node) };
      }),
      launchNodes: this.launchNode.toArray(),
      launchMembers,
    };
    this.release();
    return plan;
  }

  /** The nodes that each launch computes; groups that nothing reads are not launched. */
  private members(fusion: Fusion | null): (readonly number[])[] {
    const groups = fusion?.members;
    const found: (readonly number[])[] = [];
    for (let launch = 0; launch < this.launchKernel.length; launch++) {
      if (this.launchKernel.at(launch) !== GROUP) found.push(groups?.get(launch) ?? [this.launchNode.at(launch)]);
    }
    return found;
  }

  // -- leaves -------------------------------------------------------------------------------------

  private leaves(needed: Uint8Array, arrayKey: (ordinal: number) => number): void {
    const { trace } = this;
    for (let node = 0; node < trace.count; node++) {
      this.nodeValue.push(-1);
      this.nodeOffset.push(0);
      if (needed[node] === 0 || !trace.isLeaf(node)) continue;
      const kind = trace.leafKind(node);
      const ordinal = trace.leafOrdinal(node);
      const value = this.value(sizeOf(trace.shapes[node]));
      this.nodeValue.put(node, value);
      if (kind === LeafKind.scalar) {
        this.valueSpace.put(value, 0);
        this.valueOffset.put(value, this.scalars.length);
        this.scalars.push(ordinal);
      } else if (kind === LeafKind.host) {
        this.hostValues.push(value);
        this.hostArrays.push(arrayKey(ordinal) >> 1);
      } else {
        const space = this.bufferSpace(arrayKey(ordinal));
        this.spaceValue[space] = value;
        if (kind === LeafKind.state) this.assignable.add(space);
        this.valueSpace.put(value, space);
        this.valueOffset.put(value, 0);
      }
    }
  }

  private bufferSpace(key: number): number {
    let space = this.bufferSpaces.get(key);
    if (space === undefined) {
      space = this.bufferKeys.push(key);
      this.spaceValue.push(-1);
      this.bufferSpaces.set(key, space);
    }
    return space;
  }

  /** Places what each run copies into the arena: first the scalars, then the host arrays. */
  private stage(): number {
    const { unit } = this.policy;
    let at = aligned(this.scalars.length, unit);
    for (const value of this.hostValues) {
      this.valueSpace.put(value, 0);
      this.valueOffset.put(value, at);
      at += aligned(this.valueSize.at(value), unit);
    }
    return at;
  }

  // -- results -----------------------------------------------------------------------------------------

  /** Is a node's value (part of) what one of these buffers holds when the program starts? */
  private isIn(node: number, spaces: ReadonlySet<number>): boolean {
    const value = this.nodeValue.at(node);
    return this.valueFirst.at(value) < 0 && this.valueSpace.at(value) > 0 && spaces.has(this.valueSpace.at(value));
  }

  private moveToArena(node: number): void {
    const [value, offset] = [this.use(node), this.nodeOffset.at(node)];
    const copied = this.value(this.size(node));
    this.nodeValue.put(node, copied);
    this.nodeOffset.put(node, 0);
    if (this.size(node) > 0) this.copyWhole(node, copied, value, offset);
  }

  /** Lets a launch write a node's value straight into a buffer, or copies it there at the end. */
  private assign(node: number, space: number): void {
    const value = this.use(node);
    const whole = this.nodeOffset.at(node) === 0 && this.valueSize.at(value) === this.size(node);
    if (whole && this.valueWhole.at(value) < 0 && this.valueFirst.at(value) >= 0 && this.valueSpace.at(value) < 0 && !this.isReadAfter(space, value)) {
      this.valueSpace.put(value, space);
      this.valueOffset.put(value, 0);
      return;
    }
    const target = this.value(this.size(node));
    this.valueSpace.put(target, space);
    if (this.size(node) > 0) this.copyWhole(node, target, value, this.nodeOffset.at(node));
  }

  /**
   * Does a launch still need what the buffer held before, once the value is written? So does one that may refuse its
   * data: a program that fails leaves the buffers as they were.
   */
  private isReadAfter(space: number, value: number): boolean {
    const before = this.spaceValue[space];
    const first = this.valueFirst.at(value);
    // A gradient that is not added to holds nothing that could be missed.
    const isNew = before < 0 && (this.bufferKeys[space - 1] & 1) === 1;
    if (this.lastFallible >= first && !isNew) return true;
    if (before < 0) return false;
    const last = this.valueLast.at(before);
    return last > first || (last === first && !this.isElementwiseAt(first, before));
  }

  /** Leaves out copies of what is there already. */
  private dropCopies(): void {
    for (let launch = 0; launch < this.launchKernel.length; launch++) {
      if (this.launchKernel.at(launch) !== copy.id) continue;
      const at = this.launchStart.at(launch);
      const [output, input] = [this.code.at(at), this.code.at(at + 2)];
      if (this.valueSpace.at(output) !== this.valueSpace.at(input) || this.valueOffset.at(output) !== this.valueOffset.at(input)) continue;
      if (copy.runsInPlace(this.code, at)) this.launchKernel.put(launch, GROUP);
    }
  }

  /** The launch that completes each value; several may write parts of one. */
  private lastWriters(): Map<number, number> {
    const last = new Map<number, number>();
    for (let launch = 0; launch < this.launchKernel.length; launch++) {
      if (this.launchKernel.at(launch) === put.id) continue; // no new numbers, and where they are put there may be none yet
      const outputs = outputCount(this.launchKernel.at(launch));
      for (let k = 0; k < outputs; k++) last.set(this.code.at(this.launchStart.at(launch) + 2 * k), launch);
    }
    return last;
  }

  /** @param single whether each launch runs by itself, to be looked at */
  private emit(arena: number, checks: boolean, single: boolean): Program {
    const words = Ints.take();
    const check = Ints.take();
    const complete = checks ? this.lastWriters() : null;
    let launches = 0;
    /** For each launch the word with which it begins. */
    const starts = Ints.take();
    for (let launch = 0; launch < this.launchKernel.length; launch++) {
      starts.push(words.length);
      const id = this.launchKernel.at(launch);
      if (id === GROUP) continue; // nothing outside read it, or it has been left out
      const kernel = kernelById(id);
      const operands = operandCount(id);
      const length = this.wordsOf(launch, kernel, operands);
      let at = this.launchStart.at(launch);
      const end = at + length;
      words.push2(id, length + 2);
      for (let k = 0; k < operands; k++, at += 2) {
        const value = this.code.at(at);
        const space = this.valueSpace.at(value);
        const offset = this.valueOffset.at(value) + this.code.at(at + 1);
        words.push2(space, offset);
        if (complete !== null && k < outputCount(id) && complete.get(value) === launch) {
          check.push2(launches, space);
          check.push2(this.valueOffset.at(value), this.valueSize.at(value));
        }
      }
      while (at < end) words.push(this.code.at(at++));
      this.launchNode.put(launches, this.launchNode.at(launch));
      launches++;
    }
    this.launchNode.length = launches;
    starts.push(words.length);
    const strands = single ? [] : this.forks.flatMap((bounds) => [bounds.length - 1, ...bounds.map((launch) => starts.at(launch))]);
    const program: Program = {
      words: words.toArray(),
      launches,
      strands: Int32Array.from(strands),
      arena,
      scalars: Int32Array.from(this.scalars),
      hosts: Int32Array.from(this.hostValues, (value) => this.valueOffset.at(value)),
      buffers: this.bufferKeys.length,
      functions: [...this.functions.keys()],
      checks: checks ? check.toArray() : null,
    };
    Ints.give(words);
    Ints.give(check);
    Ints.give(starts);
    return program;
  }
}
