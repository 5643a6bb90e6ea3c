/**
 * The launches of a plan under construction, and the values that they write and read. A *value* is a piece of memory.
 *
 * All of it lies in arrays of integers, because a structure that never repeats is planned at every step.
 */

import { type HostFunction, type Kernel, kernelById } from "../kernels/kernel.ts";
import { Ints } from "./ints.ts";

/** The id of a launch whose kernel and operands are known only when its group is complete. */
export const GROUP = -1;

export class Launches {
  /** The arrays, which the next plan gets. */
  private readonly taken: Ints[] = [];

  // -- values: size, first launch that writes it, last launch that uses it, place --
  readonly valueSize = this.take();
  readonly valueFirst = this.take();
  readonly valueLast = this.take();
  readonly valueSpace = this.take();
  readonly valueOffset = this.take();
  /** 1 where something other than its own group reads the value. */
  readonly valueStored = this.take();
  /** A value may be part of another: which, and where in it (−1: it is not). */
  readonly valueWhole = this.take();
  readonly valueStart = this.take();
  /** Whether any is. */
  protected hasParts = false;

  // -- launches: kernel id or GROUP, node, where its operands and parameters start in `code` --
  readonly launchKernel = this.take();
  readonly launchNode = this.take();
  readonly launchStart = this.take();
  readonly code = this.take();

  /** Launches that may run side by side: for each fork the launch with which each of its strands begins, and the one after the last. */
  readonly forks: (readonly number[])[] = [];

  /** The functions of the host that are launched, with their places. */
  protected readonly functions = new Map<HostFunction, number>();

  /** The last launch that may refuse its data. */
  lastFallible = -1;

  protected take(): Ints {
    const ints = Ints.take();
    this.taken.push(ints);
    return ints;
  }

  /** Gives the arrays back for the next plan. */
  release(): void { this.taken.forEach(Ints.give); }

  /** A new value that no launch writes yet. */
  value(size: number): number {
    this.valueSize.push(size);
    this.valueFirst.push(-1);
    this.valueSpace.push(-1);
    this.valueOffset.push(0);
    this.valueStored.push(0);
    this.valueWhole.push(-1);
    this.valueStart.push(0);
    return this.valueLast.push(-1);
  }

  /** A new value that is part of another, which no launch writes as a whole. */
  partOf(whole: number, start: number, size: number): number {
    const value = this.value(size);
    this.valueWhole.put(value, whole);
    this.valueStart.put(value, start);
    this.hasParts = true;
    return value;
  }

  /** Lets each value that has parts live from the first use of one of them to the last. */
  spanParts(): void {
    if (!this.hasParts) return;
    const { valueWhole, valueFirst, valueLast } = this;
    for (let value = 0; value < valueWhole.length; value++) {
      const whole = valueWhole.at(value);
      if (whole < 0) continue;
      if (valueFirst.at(value) >= 0 && (valueFirst.at(whole) < 0 || valueFirst.at(value) < valueFirst.at(whole))) valueFirst.put(whole, valueFirst.at(value));
      if (valueLast.at(value) > valueLast.at(whole)) valueLast.put(whole, valueLast.at(value));
    }
  }

  /** Begins a launch; outputs, inputs and parameters follow in the kernel's order. */
  launch(kernel: Kernel, node: number): void {
    if (kernel.isFallible) this.lastFallible = this.launchKernel.length;
    this.launchKernel.push(kernel.id);
    this.launchNode.push(node);
    this.launchStart.push(this.code.length);
  }

  /**
   * Launches in *strands*: sequences of which none uses what another writes, so that threads may run them side by side. What they
   * have in between is theirs alone. The result must not depend on whether they do, so it may only depend on `count`, and that on the sizes alone.
   */
  strands(count: number, visit: (strand: number) => void): void {
    const starts: number[] = [];
    for (let strand = 0; strand < count; strand++) {
      starts.push(this.launchKernel.length);
      visit(strand);
    }
    if (count > 1) this.forks.push([...starts, this.launchKernel.length]);
  }

  /** A launch whose content is a group; its place in the order is fixed now. */
  launchGroup(node: number): number {
    this.launchKernel.push(GROUP);
    this.launchNode.push(node);
    this.launchStart.push(0);
    return this.launchKernel.length - 1;
  }

  /** An operand of the current launch that it writes. */
  output(value: number, offset = 0): void {
    const launch = this.launchKernel.length - 1;
    if (this.valueFirst.at(value) < 0) this.valueFirst.put(value, launch);
    this.valueStored.put(value, 1);
    this.operand(value, offset);
  }

  /** An operand of the current launch that it reads: a value. */
  operand(value: number, offset = 0): void {
    this.valueLast.put(value, this.launchKernel.length - 1);
    this.code.push2(value, offset);
  }

  /** The place of a function in the list that the program will have. */
  functionPlace(run: HostFunction): number {
    const place = this.functions.get(run) ?? this.functions.size;
    this.functions.set(run, place);
    return place;
  }

  /** Does the launch read exactly the elements of a value that it writes at the same time? Then it may work in place. */
  isElementwiseAt(launch: number, value: number): boolean {
    return kernelById(this.launchKernel.at(launch)).runsInPlace(this.code, this.launchStart.at(launch), value);
  }

  /** The length of a launch's words from `launchStart` on. */
  wordsOf(launch: number, kernel: Kernel, operands: number): number {
    return 2 * operands + kernel.parameterCount(this.code, this.launchStart.at(launch) + 2 * operands);
  }
}
