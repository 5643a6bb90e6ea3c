/**
 * From a trace to a program: what is needed of it, as launches, placed in memory.
 *
 * Everything here is linear in the number of operations and works on arrays of integers, because a structure
 * that never repeats is planned at every step. A *value* is a piece of memory that launches write and read;
 * a node's result is a value and an offset into it (views share the value of their source).
 */

import type { Program } from "../devices/device.ts";
import { MemoryError } from "../errors.ts";
import { constant } from "../kernels/expression.ts";
import {
  columns, copy, type HostKernel, type Kernel, kernelById, type MapKernel, map, operandCount, outputCount, type RowKernel, type RowStage,
  rowReduction,
} from "../kernels/kernel.ts";
import { broadcastStrides, formatShape, maxElements, type Shape, sameShape, sizeOf } from "../shape.ts";
import { Fusion, type Group } from "./fuse.ts";
import { Ints } from "./ints.ts";
import { place } from "./place.ts";
import { LeafKind, type Trace } from "./trace.ts";

/** What must be there when the program has run. */
export interface Root {
  readonly node: number;
  /** The buffer to write the value to, as `bufferKey` names it, or null to keep it in the arena. */
  readonly target: number | null;
}

/** What a buffer is, as one number: the values of an outside array, its gradient, or a node that a look has pinned. */
export const bufferKey = {
  value: (array: number): number => array * 2,
  gradient: (array: number): number => array * 2 + 1,
  pinned: (node: number): number => ~node,
} as const;

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
}

export interface PlanOptions {
  /** Join elementwise operations into one kernel. */
  readonly fuse: boolean;
  /** Keep every value of every node, as a look in the middle of a step needs it; results are then those of all nodes. */
  readonly keepAll?: boolean;
  /** What the array leaves are, in order of appearance; by default the values of the outside arrays. */
  readonly arrayKey?: (ordinal: number) => number;
  /** Record where each launch writes, for a run that checks numbers. */
  readonly checks?: boolean;
}

/** Marks a launch whose kernel and operands are known only when its group is complete. */
const GROUP = -1;

export class Planner {
  // -- values: id -> size, defining launch, last launch that uses it, place --
  readonly valueSize = Ints.take();
  readonly valueFirst = Ints.take();
  readonly valueLast = Ints.take();
  readonly valueSpace = Ints.take();
  readonly valueOffset = Ints.take();
  /** 1 where something other than its own group reads the value. */
  readonly valueStored = Ints.take();

  // -- launches: kernel id or GROUP, node, where its operands and parameters start in `code` --
  readonly launchKernel = Ints.take();
  readonly launchNode = Ints.take();
  readonly launchStart = Ints.take();
  readonly code = Ints.take();

  private readonly nodeValue = Ints.take();
  private readonly nodeOffset = Ints.take();

  private readonly scalars: number[] = [];
  private readonly hostValues: number[] = [];
  private readonly hostArrays: number[] = [];
  private readonly bufferKeys: number[] = [];
  private readonly bufferSpaces = new Map<number, number>();
  /** The value that each buffer holds when the program starts, −1 where nothing reads it. */
  private readonly spaceValue: number[] = [-1];
  private readonly fusion: Fusion | null;
  /** The last launch that may refuse its data; while numbers are checked, every one may. */
  private lastFallible = -1;

  private constructor(
    readonly trace: Trace,
    options: PlanOptions,
  ) {
    this.fusion = options.fuse ? new Fusion(this) : null;
  }

  static plan(trace: Trace, roots: readonly Root[], options: PlanOptions): Plan {
    return new Planner(trace, options).build(roots, options);
  }

  private build(roots: readonly Root[], options: PlanOptions): Plan {
    const { trace } = this;
    const needed = new Uint8Array(trace.count);
    for (const root of roots) needed[root.node] = 1;
    if (options.keepAll) needed.fill(1);
    for (let node = trace.count - 1; node >= 0; node--) {
      if (needed[node] === 0) continue;
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) needed[trace.input(node, k)] = 1;
    }

    this.leaves(needed, options.arrayKey ?? bufferKey.value);
    for (let node = 0; node < trace.count; node++) {
      if (needed[node] === 1 && !trace.isLeaf(node)) trace.operations[node].lower(this, node);
    }

    const kept: { value: number; offset: number }[] = [];
    const keep = (node: number): void => {
      kept.push({ value: this.use(node), offset: this.nodeOffset.at(node) });
    };
    if (options.keepAll) for (let node = 0; node < trace.count; node++) keep(node);
    if (options.checks) this.lastFallible = this.launchKernel.length;
    for (const root of roots) {
      if (root.target === null) keep(root.node);
      else this.assign(root.node, this.bufferSpace(root.target));
    }
    const end = this.launchKernel.length;
    for (const { value } of kept) this.valueLast.put(value, end);
    if (options.keepAll) for (let value = 0; value < this.valueLast.length; value++) this.valueLast.put(value, end);

    const staged = this.stage();
    this.fusion?.finish();
    const arena = place(this, staged);
    const program = this.emit(arena, options.checks ?? false);
    const plan: Plan = {
      program,
      hostArrays: this.hostArrays,
      bufferKeys: this.bufferKeys,
      results: kept.map(({ value, offset }) => ({ space: this.valueSpace.at(value), offset: this.valueOffset.at(value) + offset })),
      launchNodes: this.launchNode.toArray(),
    };
    this.release();
    return plan;
  }

  /** Gives the arrays back for the next plan. */
  private release(): void {
    for (const ints of [
      this.valueSize, this.valueFirst, this.valueLast, this.valueSpace, this.valueOffset, this.valueStored,
      this.launchKernel, this.launchNode, this.launchStart, this.code, this.nodeValue, this.nodeOffset,
    ]) Ints.give(ints);
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
    let at = (this.scalars.length + 3) & ~3;
    for (const value of this.hostValues) {
      this.valueSpace.put(value, 0);
      this.valueOffset.put(value, at);
      at += (this.valueSize.at(value) + 3) & ~3;
    }
    return at;
  }

  // -- values and launches: what operations use to lower themselves --------------------------------

  /** A new value that no launch writes yet. */
  private value(size: number): number {
    this.valueSize.push(size);
    this.valueFirst.push(-1);
    this.valueSpace.push(-1);
    this.valueOffset.push(0);
    this.valueStored.push(0);
    return this.valueLast.push(-1);
  }

  shape(node: number): Shape { return this.trace.shapes[node]; }
  size(node: number): number { return sizeOf(this.trace.shapes[node]); }

  /** The launch that writes what this node reads, −1 for a leaf. */
  producer(node: number): number { return this.valueFirst.at(this.nodeValue.at(node)); }

  /** The value of a node, which from now on is stored. */
  private use(node: number): number {
    const value = this.nodeValue.at(node);
    this.valueStored.put(value, 1);
    return value;
  }

  /** The node is a view of another: the same memory, from `offset` on. */
  alias(node: number, source: number, offset = 0): void {
    this.nodeValue.put(node, this.use(source));
    this.nodeOffset.put(node, this.nodeOffset.at(source) + offset);
  }

  /** Begins a launch; outputs, inputs and parameters follow in the kernel's order. */
  launch(kernel: Kernel, node: number): void {
    if (kernel.kind === "gather" || kernel.kind === "scatterAdd" || kernel.kind === "host") this.lastFallible = this.launchKernel.length;
    this.launchKernel.push(kernel.id);
    this.launchNode.push(node);
    this.launchStart.push(this.code.length);
  }

  /** Gives a node a value of its own, to be written by launches. */
  define(node: number): number {
    const size = this.size(node);
    if (size > maxElements) {
      throw new MemoryError(
        `${this.trace.operations[node].name} makes a result of shape ${formatShape(this.shape(node))} with ${size} elements; ` +
          `the most that one array can have is ${maxElements} (4 GiB). Look for axes that broadcast by accident, or work in parts.`,
      );
    }
    const value = this.value(size);
    this.nodeValue.put(node, value);
    return value;
  }

  /** A value for use within the lowering of one operation. */
  temporary(size: number): number { return this.value(size); }

  /** An operand of the current launch that it writes. */
  output(value: number, offset = 0): void {
    const launch = this.launchKernel.length - 1;
    if (this.valueFirst.at(value) < 0) this.valueFirst.put(value, launch);
    this.valueStored.put(value, 1);
    this.operand(value, offset);
  }

  /** An operand of the current launch that it reads: the result of a node. */
  input(node: number, offset = 0): void {
    this.operand(this.use(node), this.nodeOffset.at(node) + offset);
  }

  /** An operand of the current launch that it reads: a value. */
  operand(value: number, offset = 0): void {
    this.valueLast.put(value, this.launchKernel.length - 1);
    this.code.push2(value, offset);
  }

  parameter(value: number): void { this.code.push(value); }

  // -- launches of the common kernels --------------------------------------------------------------

  /** An elementwise kernel over the inputs of the node, broadcast to its shape. */
  map(node: number, kernel: MapKernel): void {
    if (this.fusion?.map(node, kernel)) return;
    const value = this.define(node);
    const size = this.valueSize.at(value);
    if (size === 0) return;
    const { trace, code } = this;
    const shape = trace.shapes[node];
    const count = kernel.inputs;
    this.launch(kernel, node);
    this.output(value);
    let flat = true;
    for (let k = 0; k < count; k++) {
      const input = trace.input(node, k);
      this.input(input);
      flat &&= runsAlong(trace.shapes[input], shape);
    }
    if (flat) {
      code.push(size);
      for (let k = 0; k < count; k++) code.push(this.size(trace.input(node, k)) === size ? 1 : 0);
      code.push(0);
    } else {
      this.mapParameters(shape, Array.from({ length: count }, (_, k) => this.shape(trace.input(node, k))));
    }
  }

  /** The parameters of a map: adjacent axes along which every input runs on are one. */
  mapParameters(shape: Shape, inputs: readonly Shape[]): void {
    if (inputs.every((input) => runsAlong(input, shape))) {
      const total = sizeOf(shape);
      this.code.push(total);
      for (const input of inputs) this.code.push(sizeOf(input) === total ? 1 : 0);
      this.code.push(0);
      return;
    }
    const strides = inputs.map((input) => broadcastStrides(input, shape));
    const sizes: number[] = [];
    const steps: number[][] = [];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (shape[axis] === 1) continue;
      const last = sizes.length - 1;
      if (last >= 0 && strides.every((s, k) => s[axis] === steps[last][k] * sizes[last])) sizes[last] *= shape[axis];
      else {
        sizes.push(shape[axis]);
        steps.push(strides.map((s) => s[axis]));
      }
    }
    this.code.push(sizes[0]);
    for (const step of steps[0]) this.code.push(step);
    this.code.push(sizes.length - 1);
    for (let d = 1; d < sizes.length; d++) {
      this.code.push(sizes[d]);
      for (const step of steps[d]) this.code.push(step);
    }
  }

  /** A row kernel over rows of n elements; its inputs are the inputs of the node. */
  row(node: number, kernel: RowKernel, rows: number, n: number): void {
    const value = this.define(node);
    if (this.valueSize.at(value) === 0) return;
    this.launch(kernel, node);
    this.output(value);
    for (let k = 0; k < kernel.inputs.length; k++) this.input(this.trace.input(node, k));
    this.parameter(rows);
    this.parameter(n);
    for (const per of kernel.inputs) this.parameter(per === "element" ? n : 1);
  }

  /** Reduces some axes (ascending) of input 0 of the node, innermost group of adjacent axes first. */
  reduce(node: number, reduce: RowStage["reduce"], axes: readonly number[]): void {
    const source = this.trace.input(node, 0);
    const result = this.define(node);
    if (this.valueSize.at(result) === 0) return;
    // Groups of adjacent axes, outermost first: sizes and whether they are reduced.
    const groups: { size: number; reduced: boolean }[] = [];
    this.shape(source).forEach((size, axis) => {
      const reduced = axes.includes(axis);
      const last = groups[groups.length - 1];
      if (last !== undefined && last.reduced === reduced) last.size *= size;
      else groups.push({ size, reduced });
    });
    let value = this.use(source);
    let offset = this.nodeOffset.at(source);
    const passes = groups.filter((group) => group.reduced).length;
    for (let pass = 1; pass <= passes; pass++) {
      const at = groups.findLastIndex((group) => group.reduced);
      const outer = groups.slice(0, at).reduce((product, group) => product * group.size, 1);
      const inner = groups.slice(at + 1).reduce((product, group) => product * group.size, 1);
      const n = groups[at].size;
      const output = pass === passes ? result : this.temporary(outer * inner);
      if (inner === 1) {
        this.launch(rowReduction(reduce), node);
        this.output(output);
        this.operand(value, offset);
        this.code.push2(outer, n);
        this.code.push(n);
      } else {
        this.launch(columns(reduce), node);
        this.output(output);
        this.operand(value, offset);
        this.code.push2(outer, n);
        this.code.push(inner);
      }
      groups[at].size = 1;
      groups[at].reduced = false;
      value = output;
      offset = 0;
    }
    if (passes === 0) this.copyWhole(node, result, value, offset);
  }

  /** Copies a box: sizes with the strides of the output and of the input, outermost first. */
  copy(
    node: number, output: number, outputOffset: number, source: number, sourceOffset: number,
    sizes: readonly number[], outputStrides: readonly number[], inputStrides: readonly number[],
  ): void {
    this.copyValue(node, output, outputOffset, this.use(source), this.nodeOffset.at(source) + sourceOffset, sizes, outputStrides, inputStrides);
  }

  private copyWhole(node: number, output: number, value: number, offset: number): void {
    this.copyValue(node, output, 0, value, offset, [this.valueSize.at(output)], [1], [1]);
  }

  private copyValue(
    node: number, output: number, outputOffset: number, value: number, offset: number,
    sizes: readonly number[], outputStrides: readonly number[], inputStrides: readonly number[],
  ): void {
    if (sizes.includes(0)) return;
    this.launch(copy, node);
    this.output(output, outputOffset);
    this.operand(value, offset);
    const rank = this.code.push(0);
    let axes = 0;
    let size = 1;
    let out = 1;
    let into = 1;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      if (sizes[axis] === 1) continue;
      if (axes > 0 && outputStrides[axis] === out * size && inputStrides[axis] === into * size) {
        size *= sizes[axis]; // runs on where the axis before ended
        this.code.put(this.code.length - 3, size);
        continue;
      }
      size = sizes[axis];
      out = outputStrides[axis];
      into = inputStrides[axis];
      this.code.push(size);
      this.code.push2(out, into);
      axes++;
    }
    if (axes === 0) {
      this.code.push(1);
      this.code.push2(1, 1);
      axes = 1;
    }
    this.code.put(rank, axes);
  }

  /** A function of the host over the inputs of the node. */
  host(node: number, kernel: HostKernel): void {
    this.define(node);
    this.launch(kernel, node);
    const operands = [node];
    for (let k = 0; k < kernel.inputs; k++) operands.push(this.trace.input(node, k));
    this.output(this.nodeValue.at(node));
    for (const operand of operands.slice(1)) this.input(operand);
    const shapes = operands.map((operand) => this.shape(operand));
    this.parameter(shapes.reduce((count, shape) => count + 1 + shape.length, 0));
    for (const shape of shapes) {
      this.parameter(shape.length);
      for (const size of shape) this.parameter(size);
    }
  }

  /** Fills a value with zeros. */
  zero(node: number, value: number): void {
    const size = this.valueSize.at(value);
    if (size === 0) return;
    this.launch(zeros, node);
    this.output(value);
    this.code.push2(size, 0);
  }

  // -- groups of the fusion --------------------------------------------------------------------------

  /** Opens a launch whose content is a group; its place in the order is fixed now. */
  openGroup(node: number): number {
    this.launchKernel.push(GROUP);
    this.launchNode.push(node);
    this.launchStart.push(0);
    return this.launchKernel.length - 1;
  }

  /** A value that a group computes and that only counts if something outside reads it. */
  defineInGroup(node: number, launch: number): number {
    const value = this.define(node);
    this.valueFirst.put(value, launch);
    this.valueLast.put(value, launch);
    return value;
  }

  isValueOf(node: number, value: number): boolean { return this.nodeValue.at(node) === value; }
  isStored(node: number): boolean { return this.valueStored.at(this.nodeValue.at(node)) === 1; }

  /** Notes that a group reads a node, at its place in the order. */
  useInGroup(node: number, launch: number): void {
    const value = this.use(node);
    if (this.valueLast.at(value) < launch) this.valueLast.put(value, launch);
  }

  /** Writes the operands and parameters of a complete group. */
  closeGroup(launch: number, kernel: MapKernel, group: Group): void {
    this.launchKernel.put(launch, kernel.id);
    this.launchStart.put(launch, this.code.length);
    for (const node of group.stored) this.code.push2(this.nodeValue.at(node), 0);
    for (const node of group.operands) this.code.push2(this.nodeValue.at(node), this.nodeOffset.at(node));
    this.mapParameters(group.shape, group.operands.map((node) => this.shape(node)));
  }

  // -- results -----------------------------------------------------------------------------------------

  /** Lets a launch write a node's value straight into a buffer, or copies it there at the end. */
  private assign(node: number, space: number): void {
    const value = this.use(node);
    const whole = this.nodeOffset.at(node) === 0 && this.valueSize.at(value) === this.size(node);
    if (whole && this.valueFirst.at(value) >= 0 && this.valueSpace.at(value) < 0 && !this.isReadAfter(space, value)) {
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
    if (before < 0) return false;
    const first = this.valueFirst.at(value);
    if (this.lastFallible > first) return true;
    const last = this.valueLast.at(before);
    return last > first || (last === first && !this.isElementwiseAt(first, before));
  }

  /** Does the launch read exactly the elements of a value that it writes at the same time? Then it may work in place. */
  isElementwiseAt(launch: number, value: number): boolean {
    const id = this.launchKernel.at(launch);
    if (id === GROUP) return this.fusion?.readsElementwise(launch, value) ?? false;
    const kernel = kernelById(id);
    if (kernel.kind !== "map") return false;
    const at = this.launchStart.at(launch);
    const outputs = kernel.outputs.length;
    const parameters = at + 2 * (outputs + kernel.inputs);
    if (this.code.at(parameters + 1 + kernel.inputs) !== 0) return false; // broadcasts
    for (let k = 0; k < kernel.inputs; k++) {
      const operand = at + 2 * (outputs + k);
      if (this.code.at(operand) !== value) continue;
      if (this.code.at(operand + 1) !== 0 || this.code.at(parameters + 1 + k) === 0) return false;
    }
    return true;
  }

  /** The length of a launch's words from `launchStart` on. */
  private wordsOf(launch: number, kernel: Kernel, operands: number): number {
    const parameters = this.launchStart.at(launch) + 2 * operands;
    switch (kernel.kind) {
      case "map": {
        const rank = this.code.at(parameters + 1 + kernel.inputs);
        return 2 * operands + 2 + kernel.inputs + rank * (1 + kernel.inputs);
      }
      case "row": return 2 * operands + 2 + kernel.inputs.length;
      case "columns": return 2 * operands + 3;
      case "product": return 2 * operands + 14;
      case "copy": return 2 * operands + 1 + 3 * this.code.at(parameters);
      case "gather": case "scatterAdd": return 2 * operands + 4;
      case "random": return 2 * operands + 1;
      case "host": return 2 * operands + 1 + this.code.at(parameters);
    }
  }

  /** The launch that completes each value; several may write parts of one. */
  private lastWriters(): Map<number, number> {
    const last = new Map<number, number>();
    for (let launch = 0; launch < this.launchKernel.length; launch++) {
      const outputs = outputCount(kernelById(this.launchKernel.at(launch)));
      for (let k = 0; k < outputs; k++) last.set(this.code.at(this.launchStart.at(launch) + 2 * k), launch);
    }
    return last;
  }

  private emit(arena: number, checks: boolean): Program {
    const words = Ints.take();
    const check = Ints.take();
    const complete = checks ? this.lastWriters() : null;
    let launches = 0;
    for (let launch = 0; launch < this.launchKernel.length; launch++) {
      const id = this.launchKernel.at(launch);
      if (id === GROUP) continue; // nothing outside read it
      const kernel = kernelById(id);
      const operands = operandCount(kernel);
      const length = this.wordsOf(launch, kernel, operands);
      let at = this.launchStart.at(launch);
      const end = at + length;
      words.push2(id, length + 2);
      for (let k = 0; k < operands; k++, at += 2) {
        const value = this.code.at(at);
        const space = this.valueSpace.at(value);
        const offset = this.valueOffset.at(value) + this.code.at(at + 1);
        words.push2(space, offset);
        if (complete !== null && k < outputCount(kernel) && complete.get(value) === launch) {
          check.push2(launches, space);
          check.push2(this.valueOffset.at(value), this.valueSize.at(value));
        }
      }
      while (at < end) words.push(this.code.at(at++));
      this.launchNode.put(launches, this.launchNode.at(launch));
      launches++;
    }
    this.launchNode.length = launches;
    const program: Program = {
      words: words.toArray(),
      launches,
      arena,
      scalars: Int32Array.from(this.scalars),
      hosts: Int32Array.from(this.hostValues, (value) => this.valueOffset.at(value)),
      buffers: this.bufferKeys.length,
      checks: checks ? check.toArray() : null,
    };
    Ints.give(words);
    Ints.give(check);
    return program;
  }
}

/** Is an input as large as the output, or a single number? Then one loop over the output reads it. */
function runsAlong(input: Shape, shape: Shape): boolean {
  return input === shape || sameShape(input, shape) || sizeOf(input) === 1;
}

const zeros = /*#__PURE__*/ map(0, constant(0));
