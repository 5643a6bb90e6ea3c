/** The dispatches of a plan as they are put together, and their records. */

import { kernelById, operandCount, parametersAt } from "../../kernels/kernel.ts";
import { aligned, type Program, UNIT } from "../device.ts";
import { emitNumberCheck } from "./emit-move.ts";
import { type Circumstances, type DeviceKernel, type Dispatch, kindOf } from "./kinds.ts";
import { type Range, schedule, type Unit } from "./schedule.ts";
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
  readonly id: number;
  readonly dispatch: Dispatch;
  readonly launch: number;
  /** Where its room for its own use is, from that of all on. */
  readonly scratch: number;
  readonly operands: ArrayLike<number>;
  readonly parameters: ArrayLike<number>;
}

/** Gives the number of the module for a dispatch of a kernel. One that is alone in a dispatch may have a module of its own. */
type ModuleOf = (id: number, dispatch: Dispatch, isAlone: boolean) => number;

/** Stands for the space of what kernels have for their own use, and for the kernel that looks at numbers. */
const SCRATCH = -1;
const CHECK = -1;
/** Launches have rooms of their own while all are not more elements than this: then they need not wait for each other. */
const MOST_SCRATCH = 2 ** 23;
/** So many threads are worth a module of their own. */
const MANY = 2 ** 14;
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
  /** May it fail, or call a function of the host that may? */
  isFallible: boolean;
  /** Do all spaces have to begin at multiples of four elements? */
  readsVectors = false;
  /** Elements that a run needs after its arena. */
  footSize: number = foot.scratch;
  private planned: Planned[] = [];
  private begun = 0;
  private nextScratch = 0;

  /** @param stride records begin at multiples of so many bytes */
  constructor(
    private readonly program: Program, private readonly stride: number, private readonly where: Circumstances, private readonly moduleOf: ModuleOf,
  ) {
    const { words, checks, buffers } = program;
    this.places = Array.from({ length: buffers + 1 }, () => []);
    this.isFallible = checks !== null;
    for (let at = 0, launch = 0; at < words.length; at += words[at + 1], launch++) {
      const kernel = kernelById(words[at]);
      this.isFallible ||= kernel.isFallible;
      if (kernel.kind === "host") this.endPart({ at, launch });
      else this.add(kernel, at, launch);
      for (let k = 0; checks !== null && k < checks.length; k += 4) if (checks[k] === launch) this.addCheck(launch, checks.subarray(k + 1, k + 4));
    }
    this.endPart(null);
  }

  private add(kernel: DeviceKernel, at: number, launch: number): void {
    const { where, program: { words } } = this;
    const id = words[at];
    const from = parametersAt(words, at);
    const kind = kindOf(kernel);
    const operands = words.subarray(at + 2, at + 2 + 2 * operandCount(id));
    const ranges = kind.extents(kernel, words, from).map(([first, last], k): Range => ({
      space: operands[2 * k], from: operands[2 * k + 1] + first, to: operands[2 * k + 1] + last, isWritten: kernel.operands[k] !== "read",
    }));
    const { dispatches, scratch: size = 0, sums = null } = kind.course(kernel, words, from, where);
    const sum = sums && { form: sums.form, to: ranges[0], addend: sums.adds ? ranges[ranges.length - 1] : null };
    const scratch = this.room(size);
    const parameters = words.subarray(from, at + words[at + 1]);
    for (const dispatch of dispatches) {
      const { way, threads, readsVectors = false } = dispatch;
      this.readsVectors ||= readsVectors;
      this.plan({
        id, dispatch, module: `${id} ${way}`, threads, ranges: [...ranges, scratch], isCheck: way === "check", sum, launch, scratch: scratch.from, operands,
        parameters,
      });
    }
  }

  /** Looks at numbers: in a space, from an element on, so many. */
  private addCheck(launch: number, [space, first, size]: Int32Array): void {
    const dispatch = { way: "check", threads: GROUP, emit: emitNumberCheck };
    const ranges = [{ space, from: first, to: first + size, isWritten: false }];
    this.plan({
      id: CHECK, dispatch, module: "numbers", threads: GROUP, ranges, isCheck: true, sum: null, launch, scratch: 0, operands: [space, first],
      parameters: [size],
    });
  }

  private room(size: number): Range {
    if (this.nextScratch + size > MOST_SCRATCH) this.nextScratch = 0;
    const from = this.nextScratch;
    this.nextScratch = aligned(from + size, UNIT);
    this.footSize = Math.max(this.footSize, foot.scratch + this.nextScratch);
    return { space: SCRATCH, from, to: from + size, isWritten: true };
  }

  private plan(unit: Planned): void { if (unit.threads > 0) this.planned.push(unit); }

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
    const threads = Math.max(...chains.map(([{ threads }]) => threads));
    const isAlone = stride === step && chains.length === 1 && threads >= MANY;
    const [[{ id, dispatch }]] = chains;
    this.dispatches.push(this.moduleOf(id, dispatch, isAlone), start, ...gridOf(threads), chains.length);
    chains.forEach((chain, c) => chain.forEach(({ launch, dispatch, threads, scratch, operands, parameters }, k) => {
      while (4 * records.length < start + c * stride + k * step) records.push(0);
      const from = records.push(stride / 16, launch, 0, threads, k + 1 < chain.length ? step / 16 : 0, 0, dispatch.parts ?? 1) - record.operands;
      places[0].push(from + record.foot, this.program.arena, from + record.scratch, this.program.arena + foot.scratch + scratch);
      for (let o = 0; o < operands.length; o += 2) places[operands[o]].push(records.push(0) - 1, operands[o + 1]);
      for (let p = 0; p < parameters.length; p++) records.push(parameters[p]);
    }));
    while (4 * records.length < start + chains.length * stride) records.push(0);
  }
}
