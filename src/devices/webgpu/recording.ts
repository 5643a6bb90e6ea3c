/** The dispatches of a plan as they are put together, and their records. */

import type { Program } from "../device.ts";
import { schedule, type Unit } from "./schedule.ts";
import { foot, GROUP, record, WINDOW } from "./shader.ts";

/** A part of a plan: dispatches, and perhaps a launch of the host after them. */
export interface Part {
  readonly from: number;
  readonly to: number;
  readonly host: HostPlace | null;
}
/** Where a launch of the host is in the program's words, and which launch it is. */
interface HostPlace {
  readonly at: number;
  readonly launch: number;
}

/** A dispatch of one launch: operands are pairs of a space and an offset. */
interface Planned extends Unit {
  readonly launch: number;
  /** Where its room for its own use is, from that of all on. */
  readonly scratch: number;
  readonly parts: number;
  readonly operands: ArrayLike<number>;
  readonly parameters: ArrayLike<number>;
}

/** Stands for the space of what kernels have for their own use. */
export const SCRATCH = -1;
/** The most workgroups in one dimension of a grid. */
const MOST_GROUPS = 65535;

/** The grid of workgroups for so many threads. */
export function gridOf(threads: number): [number, number] {
  const groups = Math.ceil(threads / GROUP);
  const x = Math.min(groups, MOST_GROUPS);
  return [x, Math.ceil(groups / x)];
}

export class Recording {
  readonly records: number[] = [];
  /** Five words each: the module, where the records are, and the grid. */
  readonly dispatches: number[] = [];
  /** For each space, which words of the records are places in it: pairs of the word and an offset. */
  readonly places: number[][];
  readonly parts: Part[] = [];
  private planned: Planned[] = [];
  private begun = 0;

  /** @param stride records begin at multiples of so many bytes */
  constructor(private readonly program: Program, private readonly stride: number) {
    this.places = Array.from({ length: program.buffers + 1 }, () => []);
  }

  add(unit: Planned): void { if (unit.threads > 0) this.planned.push(unit); }

  /** Ends a part: what comes later runs later. While numbers are checked, everything runs in the order of the program. */
  endPart(host: HostPlace | null): void {
    const groups = this.program.checks === null ? schedule(this.planned, this.mostOf(this.planned)) : this.planned.map((_, k) => [[k]]);
    for (const group of groups) this.write(group.map((chain) => chain.map((k) => this.planned[k])));
    this.planned = [];
    const end = this.dispatches.length / 5;
    this.parts.push({ from: this.begun, to: end, host });
    this.begun = end;
  }

  /** How many records fit where a dispatch sees them. */
  private mostOf(units: readonly Planned[]): number {
    return Math.floor((4 * WINDOW) / units.reduce((most, unit) => Math.max(most, this.stepOf(unit)), this.stride));
  }

  /** The bytes from a record to the next. */
  private stepOf({ operands, parameters }: Planned): number {
    const words = record.operands + operands.length / 2 + parameters.length;
    if (words > WINDOW) throw new RangeError(`A launch has ${words} words, more than the ${WINDOW} of a record.`);
    return Math.ceil((4 * words) / this.stride) * this.stride;
  }

  /** A dispatch that carries out chains of launches, whose records follow each other, with room in each for the longest. */
  private write(chains: readonly Planned[][]): void {
    const { records, places } = this;
    const step = Math.max(...chains.flat().map((unit) => this.stepOf(unit)));
    const stride = step * Math.max(...chains.map(({ length }) => length));
    const start = 4 * records.length;
    this.dispatches.push(chains[0][0].module, start, ...gridOf(Math.max(...chains.map(([{ threads }]) => threads))), chains.length);
    chains.forEach((chain, c) => chain.forEach(({ launch, threads, scratch, parts, operands, parameters }, k) => {
      while (4 * records.length < start + c * stride + k * step) records.push(0);
      const from = records.push(stride / 16, launch, 0, threads, k + 1 < chain.length ? step / 16 : 0, 0, parts) - record.operands;
      places[0].push(from + record.foot, this.program.arena, from + record.scratch, this.program.arena + foot.scratch + scratch);
      for (let o = 0; o < operands.length; o += 2) places[operands[o]].push(records.push(0) - 1, operands[o + 1]);
      for (let p = 0; p < parameters.length; p++) records.push(parameters[p]);
    }));
    while (4 * records.length < start + chains.length * stride) records.push(0);
  }
}
