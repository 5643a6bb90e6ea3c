/**
 * The webgpu device: float32 on a GPU, by WebGPU. All arrays and the arenas of steps are in one buffer, the heap; a plan is a list of dispatches, each with
 * a record in another buffer that says where its operands are. Both stay as they are from step to step; only what has moved is written again.
 */

import { copy, type FloatArray, hostPlaceAt, kernelGeneration, operandCount, parametersAt, readHostShapes } from "../../kernels/kernel.ts";
import { maxElements, sizeOf } from "../../support/shape.ts";
import { cannotWait, keepCopy, lost } from "../answers.ts";
import { Arena } from "../arena.ts";
import { Blocks } from "../blocks.ts";
import {
  aligned, type Device, type DeviceMemory, type Executable, type Later, type MemoryKind, type Policy, type Program, type Region, roomFor, UNIT,
} from "../device.ts";
import { LaunchFault } from "../fault.ts";
import { Journal } from "../journal.ts";
import { Buffer, Residency, type Thrown } from "../residency.ts";
import { formatBytes, outOfMemory } from "../shortage.ts";
import { connect, connectNow, type Limits, type Link, type Thread } from "./connect.ts";
import { ANSWER_DATA, ANSWER_FAULT, type Answer, type Ask, answered, life } from "./engine.ts";
import { copyDispatch, type Dispatch, type Forms, vectorCopy } from "./kinds.ts";
import { gridOf, type Part, Recording } from "./recording.ts";
import { alone, fault, foot, reasons, record, WINDOW } from "./shader.ts";
import { addTimes } from "./times.ts";

class GpuBuffer extends Buffer {
  /** How often it has been copied to. */
  copies = 0;
  constructor(
    /** Bytes from the heap's beginning. */
    readonly address: number,
    size: number,
    release: () => void,
  ) {
    super(size, release);
  }
}

class GpuExecutable implements Executable {
  /** Where its records are, in a block; −1 before the first run. */
  address = -1;
  block = -1;
  /** The elements of the heap that the records hold, of the arena and of each buffer. */
  bases = new Float64Array();
  /** With which submission it has been run last. */
  submission = -1;
  readonly records: Uint32Array<ArrayBuffer>;
  /** For each space, which words of the records are places in it: pairs of the word and an offset. */
  readonly places: readonly Int32Array[];
  /** As an engine takes them, with records from 0 on. */
  readonly dispatches: Int32Array<ArrayBuffer>;
  readonly parts: readonly Part[];
  /** The same for buffers that do not begin at multiples of four elements, once there have been some. */
  unaligned: GpuExecutable | null = null;

  /** Elements after its arena. */
  readonly footSize: number;
  /** May it fail, or call a function of the host that may? */
  readonly isFallible: boolean;
  /** Do all spaces have to begin at multiples of four elements? */
  readonly readsVectors: boolean;

  constructor(
    readonly id: number,
    readonly program: Program,
    { records, places, dispatches, parts, footSize, isFallible, readsVectors }: Recording,
    /** What engine and device both see. */
    private readonly sees: Int32Array,
    readonly release: () => void,
  ) {
    this.records = Uint32Array.from(records);
    this.places = places.map((list) => Int32Array.from(list));
    this.dispatches = Int32Array.from(dispatches);
    this.parts = parts;
    this.footSize = footSize;
    this.isFallible = isFallible;
    this.readsVectors = readsVectors;
  }

  get bytes(): number { return 2 * this.records.byteLength; }

  isReady(): boolean {
    const compiled = Atomics.load(this.sees, life.compiled);
    return this.dispatches.every((module, k) => k % 5 > 0 || module < compiled);
  }
}

/** A memory of the engine's, whose blocks are known here. */
class Memory extends Blocks {
  private have: number;

  constructor(reserved: number, readonly limit: number, private readonly slack: number, private readonly grow: (bytes: number) => boolean) {
    super(reserved);
    this.have = reserved;
  }

  /** At least twice as large, while that is not much; then by a quarter, so that growing stays rare. */
  protected reach(end: number): boolean {
    const need = end + this.slack;
    if (need <= this.have) return true;
    const generous = Math.max(need, FIRST_BYTES, this.have < MUCH ? 2 * this.have : 1.25 * this.have);
    for (const bytes of [Math.min(this.limit, Math.ceil(generous / 256) * 256), Math.ceil(need / 256) * 256]) {
      if (bytes < need || bytes > this.limit || !this.grow(bytes)) continue;
      this.have = bytes;
      return true;
    }
    return false;
  }
}

const FIRST_BYTES = 2 ** 22;
const MUCH = 2 ** 28;
/** So many runs may be ahead of the GPU. */
const MOST_AHEAD = 64;
/** Records of single copies are written one after another, and begin anew when so many have been. */
const COPIES = 256;
/** What drivers keep of a kernel, by estimate. */
const KERNEL_BYTES = 50_000;

/** What is asked for: of the engine, or of a function of the host when its operands have been read. */
type Asked = Ask | HostLaunch;
interface HostLaunch {
  readonly kind: "host";
  readonly executable: GpuExecutable;
  /** Where in the program's words, and which launch it is. */
  readonly at: number;
  readonly launch: number;
  readonly run: number;
  /** Where its operands are: pairs of where one begins and how many bytes it has. */
  readonly ranges: readonly number[];
}

/** Who waits for numbers. */
interface Request {
  readonly answer: Answer;
  readonly settle: (state: number) => void;
}

export class WebGpuDevice implements Device {
  readonly name = "webgpu";
  readonly FloatArray = Float32Array;
  readonly policy: Policy;
  readonly later: Later;
  /** What it computes on. */
  readonly limits: Limits;
  private readonly journal = new Journal();
  private readonly heap: Memory;
  private readonly records: Memory;
  private readonly arena: Arena;
  private readonly traffic = { submits: 0, reads: 0, bytesWritten: 0, bytesRead: 0 };
  private readonly live: Record<MemoryKind | "plans", number> = { parameters: 0, gradients: 0, optimizer: 0, state: 0, inputs: 0, plans: 0 };
  private readonly residency = new Residency<GpuBuffer>();
  /** The executables whose records are in memory. */
  private readonly written = new Set<GpuExecutable>();
  /** What is asked for with the next message, and how many there have been. */
  private batch: Ask[] = [];
  private submission = 0;
  /** What waits for a function of the host; null where nothing does. */
  private paused: Asked[] | null = null;
  private readonly requests = new Map<number, Request>();
  private ids = 0;
  /** The modules by their text and, of each kernel, by the way. */
  private modules = new Map<string, number>();
  private ways = new Map<string, number>();
  private generation = -1;
  /** Errors of functions of the host, by the run. */
  private readonly thrown = new Map<number, unknown>();
  private failure: Error | null = null;
  /** Up to which run all has been asked for. */
  private complete = 0;
  /** What has been read before was from before the last fault has been told. */
  private mended = 0;
  private isTelling = false;
  /** Where the records of single copies are, and how many there have been. */
  private readonly copyAt: number;
  private copies = 0;
  /** Should new memory not be cleared? All of it is going to be written. */
  private isWhole = false;

  /** @param isChosen is this the device that steps run on? */
  constructor(private readonly link: Link, isChosen: () => boolean, private readonly forms: Forms = link.limits.isFallback ? "processor" : "gpu") {
    const { limits } = link;
    this.limits = limits;
    link.onTold = (told) => (told.kind === "lost" ? this.lose() : this.settle(told.id));
    this.heap = new Memory(4 * fault.size, limits.heap, 0, (bytes) => this.grow("floats", bytes));
    this.records = new Memory(4 * WINDOW, limits.records, 4 * WINDOW, (bytes) => this.grow("records", bytes));
    this.arena = new Arena(this.heap, (bytes) => this.block(bytes, "arena"));
    this.policy = {
      unit: UNIT, maxElements: Math.min(maxElements, Math.floor(limits.heap / 4) - 64), residentSize: 256, fuseAfter: 3, maxFusedNodes: 2 ** 18,
      // Each launch costs more than it would to run over what is in no cache.
      chunkElements: 2 ** 22, slack: Math.min(2 ** 22, Math.floor(limits.heap / 256)), mostStrands: 1, strandWork: Infinity,
    };
    this.copyAt = aligned(this.recordBlock(COPIES * this.copyStride), this.stride);
    const device = this;
    this.later = {
      canWait: link.canWait,
      dispatching: {
        adapter: limits.adapter, hasClock: limits.hasClock, traffic: this.traffic,
        dispatchesOf: (executable) => (executable as GpuExecutable).dispatches.length / 5,
      },
      get failure() { return device.failure; },
      journal: this.journal,
      copy: (from, offset, size, to) => this.copy(this.addressOf(from) + 4 * offset, size, to as GpuBuffer),
      keepCopy: (array, from, offset) => {
        this.isWhole = true;
        try {
          return keepCopy(this, array, from, offset);
        } finally {
          this.isWhole = false;
        }
      },
      read: (buffer) => this.readLater(buffer as GpuBuffer),
      leave: () => this.leave(isChosen),
    };
  }

  // -- asking -----------------------------------------------------------------------------------------

  private ask(asked: Asked): void {
    if (this.failure !== null) return;
    if (this.paused !== null) this.paused.push(asked);
    else if (asked.kind === "host") this.askHost(asked);
    else this.batch.push(asked);
  }

  /** Sends what has been asked for; up to a run it is all. */
  private submit(run = this.complete): void {
    this.submission++;
    this.ask({ kind: "submit", run });
    this.send();
  }

  private send(): void {
    if (this.batch.length > 0 && this.failure === null) this.link.ask(this.batch.splice(0));
  }

  private put(address: number, data: ArrayLike<number>): void {
    this.traffic.bytesWritten += 4 * data.length;
    this.ask({ kind: "write", of: "floats", at: address, data: new Float32Array(data) });
  }

  /** Throws where the GPU is gone. */
  private check(): void {
    if (this.failure === null && Atomics.load(this.link.sees, life.lost) === 1) this.lose();
    if (this.failure !== null) throw this.failure;
    this.confirm(Atomics.load(this.link.sees, life.fine));
  }

  /** All is well up to a run, unless one of them is being told of as one that has failed. */
  private confirm(run: number): void { if (!this.isTelling) this.journal.confirm(run); }

  /** Asks for ranges of bytes, and calls back when they are there. */
  private request(ranges: readonly number[], settle: (answer: Answer, state: number) => void, run = this.complete): Answer {
    const bytes = ranges.reduce((sum, size, k) => sum + (k % 2 === 1 ? size : 0), ANSWER_DATA);
    const answer = this.expect(bytes, settle);
    this.ask({ kind: "read", ranges, answer });
    this.submit(run);
    this.traffic.submits++;
    this.traffic.reads++;
    this.traffic.bytesRead += bytes - ANSWER_DATA;
    return answer;
  }

  private expect(bytes: number, settle: (answer: Answer, state: number) => void): Answer {
    const answer: Answer = { id: ++this.ids, bytes: this.link.answer(bytes) };
    if (this.requests.size === 0) this.link.hold(true);
    this.requests.set(answer.id, { answer, settle: (state) => settle(answer, state) });
    return answer;
  }

  /** An answer is there; it may have been looked at before. */
  private settle(id: number): void {
    const request = this.requests.get(id);
    if (request === undefined) return;
    this.requests.delete(id);
    if (this.requests.size === 0) this.link.hold(false);
    request.settle(new Int32Array(request.answer.bytes)[0]);
  }

  /** Waits for an answer. */
  private await(answer: Answer): void {
    const words = new Int32Array(answer.bytes as ArrayBuffer);
    while (this.requests.has(answer.id)) {
      if (Atomics.load(words, 0) !== answered.waiting) this.settle(answer.id);
      else if (Atomics.load(this.link.sees, life.lost) === 1) this.lose();
      else this.link.wait(words, 0, answered.waiting);
    }
  }

  private grow(of: "floats" | "records", bytes: number): boolean {
    let isThere = true;
    const answer = this.expect(ANSWER_DATA, (_, state) => {
      isThere = state === answered.done;
      if (state === answered.lost) this.lose();
      if (!isThere && !this.link.canWait) this.lose(`it has not ${formatBytes(bytes)} in one piece`); // arrays have been given places in it
    });
    this.ask({ kind: "grow", of, bytes, answer });
    this.submit();
    if (this.link.canWait) this.await(answer);
    if (this.failure !== null) throw this.failure;
    return isThere;
  }

  // -- memory -----------------------------------------------------------------------------------------

  allocate(size: number, kind: MemoryKind): GpuBuffer {
    this.check();
    const bytes = roomFor(size);
    const address = this.block(bytes, kind);
    const block = Blocks.blockSize(bytes);
    if (!this.isWhole) this.ask({ kind: "clear", at: address, bytes });
    this.live[kind] += block;
    let isHeld = true;
    const buffer = new GpuBuffer(address, size, () => {
      if (!isHeld) return; // one that has been collected may still be part of what is told of a run
      isHeld = false;
      this.live[kind] -= block;
      this.heap.free(address, bytes);
      this.residency.delete(buffer);
    });
    this.residency.add(buffer);
    return buffer;
  }

  /** A block of the heap. Where there is none, the arrays that have not been used for longest leave for it, then the arena while nothing lives in it. */
  private block(bytes: number, kind: keyof DeviceMemory): number {
    for (;;) {
      const address = this.heap.allocate(bytes);
      if (address >= 0) return address;
      const buffer = this.residency.leastRecent();
      if (buffer !== null) {
        // Nobody can wait for its values: it stays.
        if (!buffer.isCopy && !this.later.canWait) continue;
        if (!buffer.isCopy) buffer.saved = this.read(buffer);
        buffer.free();
      } else if (!this.arena.drop()) throw outOfMemory(bytes, kind, this.memory(), this.heap.limit);
    }
  }

  write(buffer: GpuBuffer, data: FloatArray): void { this.put(buffer.address, data); }

  read(buffer: GpuBuffer): Float32Array {
    this.check();
    if (!this.link.canWait) throw cannotWait(this.name);
    let found: Float32Array | null = null;
    let thrown: Thrown | null = null;
    const reader: Reader = { buffer, resolve: (values) => { found = values; }, reject: (value) => { thrown = { value }; } };
    for (;;) {
      const answer = this.askFor(reader);
      if (answer !== null) this.await(answer);
      if (thrown !== null) throw (thrown as Thrown).value;
      if (found !== null) return found;
    }
  }

  readRegion(region: Region, offset: number, size: number): Float32Array { return this.read(this.view(region, offset, size)); }

  private addressOf(base: Region | Buffer): number { return typeof base === "number" ? base : (base as GpuBuffer).address; }

  /** It owns nothing. */
  view(base: Region | Buffer, offset: number, size: number): GpuBuffer { return new GpuBuffer(this.addressOf(base) + 4 * offset, size, () => {}); }

  private copy(from: number, size: number, to: GpuBuffer): void {
    to.copies++;
    if (size === 0) return;
    this.follow();
    const isAligned = (from | to.address) % (4 * UNIT) === 0; // whole vectors: no array ends where another one begins
    const dispatch = isAligned ? vectorCopy(size) : copyDispatch(copy, size, 1, 1);
    const words = copyWords(from / 4, size, to.address / 4, dispatch.threads);
    const place = this.copies++ % COPIES;
    if (place === 0) this.submit(); // what the records there are for has to be on its way
    const at = this.copyAt + place * this.copyStride;
    this.ask({ kind: "write", of: "records", at, data: words });
    this.ask({ kind: "dispatch", dispatches: Int32Array.of(this.moduleOf(copy.id, dispatch, true), at, ...gridOf(dispatch.threads), 1) });
  }

  // -- plans ------------------------------------------------------------------------------------------

  /** The number of the module for a dispatch of a kernel. One that is alone in a dispatch has one of its own. */
  private moduleOf(id: number, { way, emit }: Dispatch, isAlone: boolean): number {
    const key = `${id} ${way} ${isAlone}`;
    let found = this.ways.get(key);
    if (found === undefined) {
      found = this.module(isAlone ? alone(emit()) : emit());
      this.ways.set(key, found);
    }
    return found;
  }

  private module(code: string): number {
    let found = this.modules.get(code);
    if (found === undefined) {
      found = this.modules.size;
      this.modules.set(code, found);
      this.ask({ kind: "compile", code });
    }
    return found;
  }

  /** Begins anew where the ids of kernels have been forgotten. */
  private follow(): void {
    if (this.generation === kernelGeneration()) return;
    this.generation = kernelGeneration();
    this.modules.clear();
    this.ways.clear();
    this.ask({ kind: "forgetAll" });
  }

  prepare(program: Program): Executable { return this.record(program, true); }

  /** @param areAligned do all buffers begin at multiples of four elements? */
  private record(program: Program, areAligned: boolean): GpuExecutable {
    this.follow();
    const where = { forms: this.forms, areAligned };
    const made = new Recording(program, this.stride, where, (id, dispatch, isAlone) => this.moduleOf(id, dispatch, isAlone));
    const release = (): void => {
      this.unload(executable);
      executable.unaligned?.release();
    };
    const executable = new GpuExecutable(++this.ids, program, made, this.link.sees, release);
    return executable;
  }

  /** Records are written at once: so those of a run that is not on its way yet stay as they are. */
  private leaveRecords({ submission }: GpuExecutable): void { if (submission === this.submission) this.submit(); }

  /** Makes room for the records of an executable. */
  private load(executable: GpuExecutable): void {
    const { id, dispatches, records: { byteLength } } = executable;
    executable.block = this.recordBlock(byteLength);
    executable.address = aligned(executable.block, this.stride);
    executable.bases = new Float64Array(executable.places.length).fill(NaN);
    this.live.plans += byteLength;
    this.written.add(executable);
    this.ask({ kind: "keep", id, dispatches: dispatches.map((word, k) => (k % 5 === 1 ? word + executable.address : word)) });
  }

  private unload(executable: GpuExecutable): void {
    if (!this.written.delete(executable)) return;
    this.leaveRecords(executable);
    const { id, block, records: { byteLength } } = executable;
    this.live.plans -= byteLength;
    this.records.free(block, byteLength + this.stride);
    executable.address = -1;
    this.ask({ kind: "discard", id });
  }

  /** Records begin at multiples of so many bytes, a power of two. */
  private get stride(): number { return this.limits.alignment; }
  private get copyStride(): number { return aligned(COPY_BYTES, this.stride); }

  /** A block for records, with room for them to begin at a multiple of the stride. */
  private recordBlock(bytes: number): number {
    for (;;) {
      const address = this.records.allocate(bytes + this.stride);
      if (address >= 0) return address;
      if (this.written.size === 0) throw outOfMemory(bytes, "plans", this.memory(), this.records.limit);
      for (const executable of this.written) this.unload(executable);
    }
  }

  run(
    prepared: Executable, scalars: Float64Array, hosts: readonly FloatArray[], buffers: readonly GpuBuffer[], times: Float64Array | null = null,
  ): number {
    this.check();
    this.keepUp();
    const executable = this.suited(prepared as GpuExecutable, buffers);
    const { program } = executable;
    const run = this.journal.last;
    const arena = this.arena.reserve(4 * (program.arena + executable.footSize));
    if (executable.address < 0) this.load(executable);
    this.place(executable, arena, buffers);
    if (program.scalars.length > 0) this.put(arena, Array.from(program.scalars, (scalar) => scalars[scalar]));
    for (let k = 0; k < hosts.length; k++) this.put(arena + 4 * program.hosts[k], hosts[k]);
    if (executable.isFallible) this.put(arena + 4 * (program.arena + foot.number), halves(run));
    executable.submission = this.submission;
    const isTimed = times !== null && this.limits.hasClock && this.link.canWait;
    if (!isTimed) times?.fill(NaN);
    for (const { from, to, host } of executable.parts) {
      if (from < to && isTimed) this.time(executable, from, to, times);
      else if (from < to) this.ask({ kind: "run", id: executable.id, from, to });
      if (host === null) continue;
      const begun = isTimed ? performance.now() : 0;
      this.ask({ kind: "host", executable, ...host, run, ranges: this.hostRanges(executable, host.at, arena, buffers) });
      if (isTimed) times[host.launch] += performance.now() - begun;
    }
    this.complete = run;
    return arena;
  }

  /** Runs dispatches, waits for them, and adds up what their launches take. */
  private time(executable: GpuExecutable, from: number, to: number, times: Float64Array): void {
    const answer = this.expect(ANSWER_DATA + 8 * (to - from), ({ bytes }, state) => {
      if (state === answered.done) addTimes(times, executable, from, new Float64Array(bytes, ANSWER_DATA));
    });
    this.ask({ kind: "time", id: executable.id, from, to, answer });
    this.send();
    this.await(answer);
  }

  /** What is seen of an array may begin anywhere. */
  private suited(executable: GpuExecutable, buffers: readonly GpuBuffer[]): GpuExecutable {
    if (!executable.readsVectors || buffers.every(({ address }) => address % (4 * UNIT) === 0)) return executable;
    executable.unaligned ??= this.record(executable.program, false);
    return executable.unaligned;
  }

  /** Waits where too many runs are ahead of the GPU. */
  private keepUp(): void {
    const { link, journal } = this;
    if (!link.canWait) return;
    for (let done = Atomics.load(link.sees, life.done); journal.last > done + MOST_AHEAD; done = Atomics.load(link.sees, life.done)) {
      if (this.paused === null) this.submit();
      link.wait(link.sees, life.done, done);
      this.check();
    }
  }

  /** Writes into the records where arena and buffers are, as far as that has changed. */
  private place(executable: GpuExecutable, arena: number, buffers: readonly GpuBuffer[]): void {
    const { records, bases, places } = executable;
    let [first, last] = Number.isNaN(bases[0]) ? [0, records.length] : [records.length, 0];
    for (let space = 0; space < places.length; space++) {
      const base = (space === 0 ? arena : buffers[space - 1].address) / 4;
      if (bases[space] === base) continue;
      bases[space] = base;
      const list = places[space];
      for (let k = 0; k < list.length; k += 2) {
        records[list[k]] = base + list[k + 1];
        first = Math.min(first, list[k]);
        last = Math.max(last, list[k] + 1);
      }
    }
    if (first >= last) return;
    this.leaveRecords(executable);
    this.ask({ kind: "write", of: "records", at: executable.address + 4 * first, data: records.slice(first, last) });
  }

  // -- functions of the host --------------------------------------------------------------------------

  private hostRanges({ program: { words } }: GpuExecutable, at: number, arena: number, buffers: readonly GpuBuffer[]): number[] {
    const shapes = readHostShapes(words, parametersAt(words, at), operandCount(words[at]));
    return shapes.flatMap((shape, k) => {
      const space = words[at + 2 + 2 * k];
      return [(space === 0 ? arena : buffers[space - 1].address) + 4 * words[at + 3 + 2 * k], 4 * sizeOf(shape)];
    });
  }

  /** Reads the operands and calls the function. What is asked for meanwhile waits, unless the caller does. */
  private askHost(asked: HostLaunch): void {
    const answer = this.request(asked.ranges, (answer, state) => {
      const waiting = this.paused;
      this.paused = null;
      if (state === answered.done && faultIn(answer) === null) this.callHost(asked, answer);
      waiting?.splice(0).forEach((asked) => this.ask(asked));
      this.send();
    }, asked.run - 1);
    if (this.link.canWait) this.await(answer);
    else this.paused = [];
  }

  /** What it throws makes the run fail, as what a kernel finds does. */
  private callHost({ executable: { program: { words, functions } }, at, launch, run, ranges }: HostLaunch, answer: Answer): void {
    const parameters = parametersAt(words, at);
    let from = ANSWER_DATA;
    const [output, ...inputs] = readHostShapes(words, parameters, operandCount(words[at])).map((shape) => {
      const data = new Float32Array(answer.bytes.slice(from, from + 4 * sizeOf(shape)) as ArrayBuffer);
      from += data.byteLength;
      return { data, shape };
    });
    try {
      functions[words[parameters + hostPlaceAt]](output, ...inputs);
      this.put(ranges[0], output.data);
    } catch (error) {
      this.thrown.set(run, error);
      this.put(0, [reasons.indexOf("thrown") + 1, launch, 0, 0, ...halves(run)]);
    }
  }

  endStep(): void {
    this.arena.endStep();
    this.submit();
    this.traffic.submits++;
  }

  // -- answers ----------------------------------------------------------------------------------------

  private readLater(buffer: GpuBuffer): Promise<FloatArray> {
    return new Promise((resolve, reject) => { this.askFor({ buffer, resolve, reject }); });
  }

  /** Asks for the values of a buffer. Where something has gone wrong that somebody else has been told of, asks again. */
  private askFor(reader: Reader): Answer | null {
    const { buffer, resolve, reject } = reader;
    if (this.failure !== null || buffer.failure !== null) {
      reject(this.failure ?? buffer.failure?.value);
      return null;
    }
    const run = this.complete;
    return this.request([buffer.address, 4 * buffer.size], (answer, state) => {
      if (state !== answered.done) return reject(this.lose());
      const found = faultIn(answer);
      if (found === null) {
        this.confirm(run);
        return resolve(new Float32Array(answer.bytes.slice(ANSWER_DATA) as ArrayBuffer));
      }
      const thrown = this.fail(found, answer.id);
      if (thrown !== null) return reject(thrown.value);
      this.askFor(reader);
    });
  }

  /** Something has gone wrong: takes back what the host has noted since, and lets the GPU write again. Null where that has been told. */
  private fail({ run, launch, reason, value, limit }: Found, id: number): Thrown | null {
    if (id < this.mended) return null;
    const cause = reason === "thrown" ? this.thrown.get(run) : new LaunchFault(launch, reason, value, limit);
    // First, as what tells of it may read what led there.
    this.mended = ++this.ids;
    this.thrown.clear();
    this.put(0, new Float32Array(fault.size));
    this.isTelling = true;
    try {
      return this.journal.fail(run, cause) ?? { value: cause };
    } finally {
      this.isTelling = false;
    }
  }

  // -- leaving, and being lost --------------------------------------------------------------------------

  private async leave(isChosen: () => boolean): Promise<void> {
    let error: unknown = null;
    // What has gone wrong is told to one who reads, and the rest leaves nevertheless. Copies may still arrive meanwhile; steps only if it is chosen again.
    while (this.residency.buffers.size > 0 && !isChosen()) {
      await Promise.all([...this.residency.buffers].map(async (buffer) => {
        const { copies } = buffer;
        try {
          const values = buffer.isCopy ? null : await this.readLater(buffer);
          if (copies !== buffer.copies || isChosen()) return;
          if (!buffer.isCopy) buffer.saved = values;
          buffer.free();
        } catch (caught) {
          error ??= caught;
        }
      }));
    }
    if (error !== null) throw error as Error;
  }

  /** The GPU is gone, and with it what was on it alone. */
  private lose(why = toldWhy(this.link.sees)): Error {
    const error = this.failure ?? lost(this.name, why);
    const isKnown = this.failure !== null;
    this.failure = error;
    const waiting = [...this.requests.values()];
    this.requests.clear();
    for (const { settle } of waiting) settle(answered.lost);
    this.link.hold(false);
    if (!isKnown) for (const buffer of [...this.residency.buffers]) buffer.isCopy ? buffer.free() : buffer.fail({ value: error });
    return error;
  }

  /** Ends the GPU, as a driver may. */
  destroy(): void {
    this.ask({ kind: "end" });
    this.send();
  }

  memory(): DeviceMemory { return { ...this.live, arena: this.arena.bytes, kernels: this.modules.size * KERNEL_BYTES }; }
}

/** Who reads a buffer. */
interface Reader {
  readonly buffer: GpuBuffer;
  readonly resolve: (values: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

/** What has gone wrong in a run. */
interface Found {
  readonly run: number;
  readonly launch: number;
  readonly reason: (typeof reasons)[number];
  readonly value: number;
  readonly limit: number;
}

const HALF = 2 ** 16;
/** A number as two that are exact in float32. */
const halves = (number: number): [number, number] => [number % HALF, Math.floor(number / HALF)];

/** What has gone wrong before an answer; null where all is well. */
function faultIn({ bytes }: Answer): Found | null {
  const words = new Float32Array(bytes as ArrayBuffer, ANSWER_FAULT, fault.size);
  if (words[fault.reason] === 0) return null;
  return {
    run: words[fault.number] + HALF * words[fault.number + 1], launch: words[fault.launch], reason: reasons[words[fault.reason] - 1],
    value: words[fault.value], limit: words[fault.limit],
  };
}

/** Why the GPU is lost, as the engine says. */
function toldWhy(sees: Int32Array): string {
  const text = String.fromCharCode(...sees.subarray(life.text, life.text + sees[life.letters]));
  return text.trim().replace(/\.$/, "") || "its thread has ended";
}

const COPY_BYTES = 4 * (record.operands + 6);
/** The record of a copy of neighbours. */
const copyWords = (from: number, size: number, to: number, threads: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.of(0, 0, 0, threads, 0, 0, 1, to, from, 1, size, 1, 1);


/**
 * The device on a GPU of this machine.
 * @param isChosen is it the device that steps run on?
 * @param thread where its engine runs, if not where it can be waited for
 * @param forms which forms of kernels it uses, if not what is fast on the adapter
 * @throws DeviceError where there is no GPU, which says what to install
 */
export const makeWebGpu = async (isChosen: () => boolean, thread?: Thread, forms?: Forms): Promise<WebGpuDevice> =>
  new WebGpuDevice(await connect(thread), isChosen, forms);

/** The same for one who waits, in Node and Deno. */
export const makeWebGpuNow = (isChosen: () => boolean): WebGpuDevice => new WebGpuDevice(connectNow(), isChosen);
