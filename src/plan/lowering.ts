/**
 * From operations to launches: what an operation can use to lower itself.
 * A node's result is a value and an offset into it; a view shares the value of its source.
 */

import type { Policy } from "../devices/device.ts";
import { MemoryError } from "../support/errors.ts";
import { constant } from "../kernels/expression.ts";
import {
  columns, columnsParameters, copy, type MapKernel, map, type Reduction, type RowKernel, rowReduction, runsAlong, writeParameters,
} from "../kernels/kernel.ts";
import { formatShape, type Shape, sizeOf } from "../support/shape.ts";
import { type Homes, homesOf } from "./homes.ts";
import { Launches } from "./launches.ts";
import type { Role } from "./role.ts";
import type { Recordable, Trace } from "./trace.ts";

/** What can be planned: an operation that knows its launches. */
export interface Lowerable extends Recordable {
  readonly role?: Role | undefined;
  lower(lowering: Lowering, node: number): void;
}

/** Takes elementwise nodes into groups. */
interface Fuser {
  /** False if the node is better launched alone. */
  map(node: number, kernel: MapKernel): boolean;
  /** Lets no group that there is take anything more. */
  close(): void;
}

/** A complete group of elementwise nodes. */
interface CompleteGroup {
  readonly shape: Shape;
  /** The nodes that it reads, and those of its nodes that something outside reads. */
  readonly operands: readonly number[];
  readonly stored: readonly number[];
}

export class Lowering extends Launches {
  readonly nodeValue = this.take();
  readonly nodeOffset = this.take();
  fuser: Fuser | null = null;
  private homes: Homes | null = null;
  private readonly sizes: Float64Array;

  constructor(readonly trace: Trace, readonly policy: Policy) {
    super();
    const { count, shapes } = trace;
    this.sizes = new Float64Array(count);
    for (let node = 0; node < count; node++) this.sizes[node] = shapes[node] === shapes[node - 1] ? this.sizes[node - 1] : sizeOf(shapes[node]);
  }

  // -- nodes and their values -------------------------------------------------------------------------

  shape(node: number): Shape { return this.trace.shapes[node]; }
  size(node: number): number { return this.sizes[node]; }

  /** The launch that writes what this node reads, −1 for a leaf. */
  producer(node: number): number { return this.valueFirst.at(this.nodeValue.at(node)); }

  /** The value of a node, which from now on is stored. */
  use(node: number): number {
    const value = this.nodeValue.at(node);
    this.valueStored.put(value, 1);
    return value;
  }

  /** The node is a view of another: the same memory, from `offset` on. */
  alias(node: number, source: number, offset = 0): void {
    this.nodeValue.put(node, this.use(source));
    this.nodeOffset.put(node, this.nodeOffset.at(source) + offset);
  }

  /** The same, and nothing that is lowered from now on is computed together with what came before. */
  fence(node: number, source: number): void {
    this.alias(node, source);
    this.fuser?.close();
  }

  /** Gives a node a value of its own, to be written by launches. */
  define(node: number): number {
    const size = this.size(node);
    const { maxElements } = this.policy;
    if (size > maxElements) {
      throw new MemoryError(
        `${this.trace.operations[node].name} makes a result of shape ${formatShape(this.shape(node))} with ${size} elements; ` +
          `the most that one array can have is ${maxElements}. Look for axes that broadcast by accident, or work in parts.`,
      );
    }
    const value = this.homes === null ? this.value(size) : this.valueAtHome(node, size);
    this.nodeValue.put(node, value);
    return value;
  }

  /** A value for use within the lowering of one operation. */
  temporary(size: number): number { return this.value(size); }

  /** An operand of the current launch that it reads: the result of a node. */
  input(node: number, offset = 0): void {
    this.operand(this.use(node), this.nodeOffset.at(node) + offset);
  }

  // -- launches of the common kernels --------------------------------------------------------------

  /** An elementwise kernel over the inputs of the node, broadcast to its shape. */
  map(node: number, kernel: MapKernel): void {
    if (this.fuser?.map(node, kernel)) return;
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
      const steps = kernel.writeFlat(code, size);
      for (let k = 0; k < count; k++) if (this.size(trace.input(node, k)) !== size) code.put(steps + k, 0);
    } else kernel.write(code, shape, Array.from({ length: count }, (_, k) => this.shape(trace.input(node, k))));
  }

  /** The sum of all inputs of a node, which have its shape: of parts of them, `most` at a time, so that rounding does not grow with their number. */
  accumulate(node: number, most: number, sumOf: (count: number) => MapKernel): void {
    const { trace } = this;
    const result = this.define(node);
    const size = this.valueSize.at(result);
    if (size === 0) return;
    const add = (output: number, from: number, to: number): void => {
      // Parts of so many inputs, a power of `most`, are added up for themselves.
      let length = 1;
      while (length * most < to - from) length *= most;
      const parts: number[] = [];
      for (let at = from; at < to; at += length) {
        const end = Math.min(to, at + length);
        parts.push(end - at === 1 ? -1 - at : this.temporary(size));
        if (end - at > 1) add(parts[parts.length - 1], at, end);
      }
      const kernel = sumOf(parts.length);
      this.launch(kernel, node);
      this.output(output);
      for (const part of parts) {
        if (part < 0) this.input(trace.input(node, -1 - part));
        else this.operand(part);
      }
      kernel.writeFlat(this.code, size);
    };
    add(result, 0, trace.inputCount(node));
  }

  /** A row kernel; its inputs are the inputs of the node. One with a single row serves every row. */
  row(node: number, kernel: RowKernel): void {
    const value = this.define(node);
    const size = this.valueSize.at(value);
    if (size === 0) return;
    const shape = this.shape(node);
    const perElement = kernel.outputs[0].per === "element";
    const n = perElement ? shape[shape.length - 1] : this.size(this.trace.input(node, 0)) / size;
    this.launch(kernel, node);
    this.output(value);
    for (let k = 0; k < kernel.inputs.length; k++) this.input(this.trace.input(node, k));
    kernel.write(this.code, perElement ? size / n : size, n, (k) => {
      const width = kernel.inputs[k] === "element" ? n : 1;
      return this.size(this.trace.input(node, k)) === width ? 0 : width;
    });
  }

  /** Reduces some axes (ascending) of input 0 of the node, innermost group of adjacent axes first. */
  reduce(node: number, reduce: Reduction, axes: readonly number[]): void {
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
      const along = rowReduction(reduce);
      const across = columns(reduce);
      this.launch(inner === 1 ? along : across, node);
      this.output(output);
      this.operand(value, offset);
      if (inner === 1) along.write(this.code, outer, n, () => n);
      else writeParameters(columnsParameters, this.code, { outer, n, inner });
      groups[at].size = 1;
      groups[at].reduced = false;
      value = output;
      offset = 0;
    }
    if (passes === 0) this.copyWhole(node, result, value, offset);
  }

  // -- arrays that are used together ------------------------------------------------------------------

  /** Decides which arrays are made one after another, because some `join` (given in order) wants them so. */
  giveHomes(joins: readonly number[]): void {
    this.homes = homesOf(this.trace, joins, this.policy.unit);
  }

  /** The value for a node in the row of arrays where it has been given a place, else one of its own. */
  private valueAtHome(node: number, size: number): number {
    const { row, start } = this.homes as Homes;
    return row[node] < 0 ? this.value(size) : this.partOf(this.rowValue(row[node]), start[node], size);
  }

  private rowValue(row: number): number {
    const homes = this.homes as Homes;
    if (homes.values[row] < 0) homes.values[row] = this.value(homes.sizes[row]);
    return homes.values[row];
  }

  /** The inputs of the node one after another: nothing to do where they lie so, else copies. */
  join(node: number): void {
    const { trace } = this;
    const count = trace.inputCount(node);
    const first = trace.input(node, 0);
    let along = true;
    for (let k = 0, next = this.nodeOffset.at(first); k < count && along; k++) {
      const input = trace.input(node, k);
      along = this.nodeValue.at(input) === this.nodeValue.at(first) && this.nodeOffset.at(input) === next;
      next += this.size(input);
    }
    if (along) {
      this.alias(node, first);
      return;
    }
    const homes = this.homes?.joins.has(node) ? this.homes : null;
    const whole = homes === null ? this.value(this.size(node)) : this.rowValue(homes.row[first]);
    let at = homes === null ? 0 : homes.start[first];
    this.nodeValue.put(node, whole);
    this.nodeOffset.put(node, at);
    for (let k = 0; k < count; k++) {
      const input = trace.input(node, k);
      const size = this.size(input);
      const value = this.use(input);
      const offset = this.nodeOffset.at(input);
      const isThere = this.valueWhole.at(value) === whole && this.valueStart.at(value) + offset === at;
      if (!isThere && homes?.filled[input] !== 1) {
        this.copyValue(node, whole, at, value, offset, [size], [1], [1]);
        if (homes !== null) homes.filled[input] = 1;
      }
      at += size;
    }
  }

  /** Runs of the node's inputs one after another (`plan/collect.ts`): a view where they lie so, else copies. */
  collect(node: number, runs: Int32Array): void {
    const { trace } = this;
    const first = runs[0] < 0 ? -1 : trace.input(node, runs[0]);
    let along = first >= 0;
    for (let at = 0, next = along ? this.nodeOffset.at(first) + runs[1] : 0; at < runs.length && along; at += 3) {
      const input = runs[at] < 0 ? -1 : trace.input(node, runs[at]);
      along = input >= 0 && this.nodeValue.at(input) === this.nodeValue.at(first) && this.nodeOffset.at(input) + runs[at + 1] === next;
      next += runs[at + 2];
    }
    if (along) {
      this.alias(node, first, runs[1]);
      return;
    }
    const value = this.define(node);
    if (runs.some((word, i) => i % 3 === 0 && word < 0)) this.zero(node, value);
    for (let at = 0, to = 0; at < runs.length; to += runs[at + 2], at += 3) {
      if (runs[at] >= 0) this.copy(node, value, to, trace.input(node, runs[at]), runs[at + 1], [runs[at + 2]], [1], [1]);
    }
  }

  /** Copies a box, or adds it to what is there: sizes with the strides of the output and of the input, outermost first. */
  copy(
    node: number, output: number, outputOffset: number, source: number, sourceOffset: number,
    sizes: readonly number[], outputStrides: ArrayLike<number>, inputStrides: ArrayLike<number>, kernel = copy,
  ): void {
    this.copyValue(node, output, outputOffset, this.use(source), this.nodeOffset.at(source) + sourceOffset, sizes, outputStrides, inputStrides, kernel);
  }

  copyWhole(node: number, output: number, value: number, offset: number): void {
    this.copyValue(node, output, 0, value, offset, [this.valueSize.at(output)], [1], [1]);
  }

  private copyValue(
    node: number, output: number, outputOffset: number, value: number, offset: number,
    sizes: readonly number[], outputStrides: ArrayLike<number>, inputStrides: ArrayLike<number>, kernel = copy,
  ): void {
    if (sizes.includes(0)) return;
    this.launch(kernel, node);
    this.output(output, outputOffset);
    this.operand(value, offset);
    kernel.write(this.code, sizes, outputStrides, inputStrides);
  }

  /** Fills a value with zeros. */
  zero(node: number, value: number): void {
    const size = this.valueSize.at(value);
    if (size === 0) return;
    this.launch(zeros, node);
    this.output(value);
    zeros.writeFlat(this.code, size);
  }

  // -- groups of the fusion --------------------------------------------------------------------------

  /** A value that a group computes and that only counts if something outside reads it. */
  defineInGroup(node: number, launch: number): number {
    const value = this.define(node);
    this.valueFirst.put(value, launch);
    this.valueLast.put(value, launch);
    return value;
  }

  isStored(node: number): boolean { return this.valueStored.at(this.nodeValue.at(node)) === 1; }

  /** Notes that a group reads a node, at its place in the order. */
  useInGroup(node: number, launch: number): void {
    const value = this.use(node);
    if (this.valueLast.at(value) < launch) this.valueLast.put(value, launch);
  }

  /** Writes the operands and parameters of a complete group. */
  closeGroup(launch: number, kernel: MapKernel, group: CompleteGroup): void {
    this.launchKernel.put(launch, kernel.id);
    this.launchStart.put(launch, this.code.length);
    for (const node of group.stored) this.code.push2(this.nodeValue.at(node), 0);
    for (const node of group.operands) this.code.push2(this.nodeValue.at(node), this.nodeOffset.at(node));
    kernel.write(this.code, group.shape, group.operands.map((node) => this.shape(node)));
  }
}

const zeros = /*#__PURE__*/ map(0, constant(0));
