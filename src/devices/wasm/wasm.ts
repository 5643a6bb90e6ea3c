/**
 * The wasm device: float32 SIMD in one linear memory. A plan is written into that memory once, with real addresses,
 * and each step enters WebAssembly once to run it; only what has moved since is patched.
 */

import { type FloatArray, hostPlaceAt, kernelById, parametersAt, readHostShapes } from "../../kernels/kernel.ts";
import { sizeOf } from "../../support/shape.ts";
import { Arena } from "../arena.ts";
import { type Device, type DeviceMemory, type Executable, type MemoryKind, type Program, processorPolicy, roomFor } from "../device.ts";
import { LaunchFault } from "../fault.ts";
import { Buffer, Residency } from "../residency.ts";
import { outOfMemory } from "../shortage.ts";
import type { Cut } from "./cut.ts";
import { encode, operandPlaces } from "./encode.ts";
import { Heap } from "./heap.ts";
import { hasRelaxedSimd, KernelTable, scratchBytes } from "./kernels.ts";
import { cutOf } from "./kinds.ts";
import { CONTROL_BYTES, FORK, forkHeader, HEADER } from "./layout.ts";
import { canShare, Team } from "./team.ts";

export class WasmBuffer extends Buffer {
  constructor(
    /** Byte address. */
    readonly address: number,
    size: number,
    release: () => void,
  ) {
    super(size, release);
  }
}

export class WasmExecutable implements Executable {
  /** Where its launches are, and where they end; 0 before the first run. */
  address = 0;
  end = 0;
  /** The addresses that its launches hold: of the arena, and of each buffer. */
  bases = new Float64Array();
  /** For each space, which of its words are addresses in it: pairs of word index and offset. Made at the second binding. */
  places: Int32Array[] | null = null;

  constructor(
    readonly program: Program,
    /** What is cut, by the launch's place in the program's words. */
    readonly cuts: Map<number, Cut>,
    readonly bytes: number,
    readonly release: () => void,
  ) {}
}

export class WasmDevice implements Device {
  readonly name: string = "wasm";
  readonly FloatArray = Float32Array;
  readonly policy = processorPolicy;
  readonly later = null;
  protected readonly heap: Heap;
  protected readonly kernels: KernelTable;
  readonly team: Team;
  private readonly live: Record<MemoryKind | "plans", number> = { parameters: 0, gradients: 0, optimizer: 0, state: 0, inputs: 0, plans: 0 };
  private readonly residency = new Residency<WasmBuffer>();
  /** The executables that are in memory. */
  private readonly written = new Set<WasmExecutable>();
  private readonly arena: Arena;
  private running: WasmExecutable | null = null;

  /**
   * @param options `fused`: use the fused multiply-add of relaxed SIMD; by default where the engine has it.
   * `shared`: have memory that threads can share; by default where the engine allows it. `pages`: of 64 KiB, that the memory may have
   */
  constructor(options: { fused?: boolean; shared?: boolean; pages?: number } = {}) {
    this.heap = new Heap(CONTROL_BYTES + scratchBytes, options.shared ?? canShare(), options.pages);
    this.arena = new Arena(this.heap, (bytes) => this.block(bytes, "arena"));
    this.team = new Team(this.heap, (bytes) => this.block(bytes, "kernels"));
    const calls = {
      fault: (launch: number, value: number, limit: number): void => {
        throw new LaunchFault(this.launchAt(launch), "index", value, limit >>> 0);
      },
      host: (launch: number, operands: number): void => this.callHost(launch >>> 0, operands),
      wait: (): void => this.team.wait(),
    };
    const { memory, isShared } = this.heap;
    this.kernels = new KernelTable(
      { memory, scratch: CONTROL_BYTES, ...calls }, isShared, options.fused ?? hasRelaxedSimd(), (module) => this.team.add(module),
    );
    this.kernels.follow(() => {});
  }

  // -- long-lived memory ------------------------------------------------------------------------------

  allocate(size: number, kind: MemoryKind): WasmBuffer {
    const bytes = roomFor(size);
    const address = this.block(bytes, kind);
    const block = Heap.blockSize(bytes);
    this.heap.f32.fill(0, address >>> 2, (address + bytes) >>> 2);
    this.live[kind] += block;
    const buffer = new WasmBuffer(address, size, () => {
      this.live[kind] -= block;
      this.heap.free(address, bytes);
      this.residency.delete(buffer);
    });
    this.residency.add(buffer);
    return buffer;
  }

  /**
   * A block of memory. Where there is none, the arrays that have not been used for longest leave for it, then the arena while nothing lives
   * in it, and the plans.
   */
  private block(bytes: number, kind: keyof DeviceMemory): number {
    for (;;) {
      const address = this.heap.allocate(bytes);
      if (address >= 0) return address;
      const buffer = this.residency.leastRecent();
      if (buffer !== null) {
        // It leaves with its values, unless the host has them.
        if (!buffer.isCopy) buffer.saved = this.read(buffer);
        buffer.free();
      } else if (this.arena.drop()) continue;
      else if (this.written.size > 0) for (const executable of this.written) executable.release();
      else throw outOfMemory(bytes, kind, this.memory(), this.heap.limit);
    }
  }

  write(buffer: WasmBuffer, data: FloatArray): void { this.heap.f32.set(data, buffer.address / 4); }
  read(buffer: WasmBuffer): Float32Array { return this.readRegion(buffer.address, 0, buffer.size); }

  // -- programs -----------------------------------------------------------------------------------------

  prepare(program: Program): Executable {
    this.kernels.follow(() => this.team.forget());
    const { words, strands } = program;
    let missing: Set<number> | null = null;
    const cuts = new Map<number, Cut>();
    let size = words.length;
    for (let at = 0, strandsAt = 0, end = 0; at < words.length; at += words[at + 1]) {
      while (strands[strandsAt + 1] === at) {
        const count = strands[strandsAt];
        size += forkHeader(count) / 4;
        end = strands[strandsAt + 1 + count];
        strandsAt += count + 2;
      }
      const id = words[at];
      if (!this.kernels.has(id)) {
        missing ??= new Set();
        missing.add(id);
      }
      // Launches in strands stay whole.
      const cut = at < end ? null : cutOf(kernelById(id), words, parametersAt(words, at));
      if (cut !== null) {
        cuts.set(at, cut);
        size += forkHeader(cut.parts) / 4 + cut.parts * words[at + 1];
      }
    }
    if (missing !== null) this.kernels.ensure(missing);
    const bytes = size * 4;
    const executable = new WasmExecutable(program, cuts, words.length * 4 + bytes, () => {
      if (executable.address === 0) return;
      this.heap.free(executable.address, bytes);
      this.live.plans -= Heap.blockSize(bytes);
      executable.address = 0;
      this.written.delete(executable);
    });
    return executable;
  }

  run(
    prepared: Executable, scalars: Float64Array, hosts: readonly FloatArray[], buffers: readonly WasmBuffer[], times: Float64Array | null = null,
  ): number {
    const executable = prepared as WasmExecutable;
    const { program } = executable;
    if (this.running !== null) this.team.recall(); // the last run ended with an error
    if (executable.cuts.size > 0 || program.strands.length > 0) this.team.start();
    const arena = this.arena.reserve(program.arena * 4);
    if (executable.address === 0) {
      const bytes = executable.bytes - program.words.length * 4;
      executable.address = this.block(bytes, "plans");
      this.written.add(executable);
      this.live.plans += Heap.blockSize(bytes);
      executable.bases = new Float64Array();
    }
    if (executable.bases[0] !== arena) this.encode(executable, arena, buffers);
    else {
      for (let k = 0; k < buffers.length; k++) {
        if (executable.bases[k + 1] !== buffers[k].address) this.rebind(executable, k + 1, buffers[k].address);
      }
    }
    const { f32 } = this.heap;
    const base = arena / 4;
    for (let i = 0; i < program.scalars.length; i++) f32[base + i] = scalars[program.scalars[i]];
    for (let i = 0; i < hosts.length; i++) f32.set(hosts[i], base + program.hosts[i]);

    this.running = executable;
    try {
      if (times === null && program.checks === null) this.kernels.run(executable.address, executable.end);
      else this.runSingly(executable, times);
    } catch (error) {
      if (!(error instanceof LaunchFault)) this.team.recall();
      throw error;
    }
    this.running = null;
    return arena;
  }

  /** Writes the launches with their addresses. */
  protected encode(executable: WasmExecutable, arena: number, buffers: readonly WasmBuffer[]): void {
    executable.bases = Float64Array.of(arena, ...buffers.map((buffer) => buffer.address));
    executable.end = encode(executable, executable.bases, this.kernels, this.heap.i32, executable.address / 4, null) * 4;
  }

  /** A buffer has moved: patches the launches that use it. */
  private rebind(executable: WasmExecutable, space: number, address: number): void {
    executable.places ??= operandPlaces(executable, this.kernels);
    const places = executable.places[space];
    const { i32 } = this.heap;
    const start = executable.address / 4;
    for (let i = 0; i < places.length; i += 2) i32[start + places[i]] = address + places[i + 1] * 4;
    executable.bases[space] = address;
  }

  /** Launch by launch, with a look at the clock, and at every result that is to be checked. */
  private runSingly({ address, end, bases, program: { checks } }: WasmExecutable, times: Float64Array | null): void {
    const { i32, f32 } = this.heap;
    for (let launch = 0, at = address, i = 0; at < end; launch++) {
      const begin = performance.now();
      const next = at + i32[at / 4 + 1];
      this.kernels.run(at, next);
      at = next;
      if (times !== null) times[launch] = performance.now() - begin;
      for (; checks?.[i] === launch; i += 4) {
        const from = bases[checks[i + 1]] / 4 + checks[i + 2];
        const wrong = f32.subarray(from, from + checks[i + 3]).find((x) => !Number.isFinite(x));
        if (wrong !== undefined) throw new LaunchFault(launch, "nan", wrong);
      }
    }
  }

  /** Which launch of the running program is at an address. */
  private launchAt(address: number): number {
    const { address: start } = this.running as WasmExecutable;
    let launch = 0;
    for (let at = start; ; ) {
      const word = at / 4;
      at += this.heap.i32[word + 1];
      if (at > address >>> 0) return launch;
      launch += this.heap.i32[word] === FORK ? this.heap.i32[word + 3] : 1;
    }
  }

  private callHost(launch: number, count: number): void {
    const { i32, f32 } = this.heap;
    const { program } = this.running as WasmExecutable;
    const operands = (launch + HEADER) / 4;
    const parameters = operands + count;
    const run = program.functions[i32[parameters + hostPlaceAt]];
    const arrays = readHostShapes(i32, parameters, count).map((shape, k) => {
      const from = (i32[operands + k] >>> 0) / 4;
      return { data: f32.subarray(from, from + sizeOf(shape)), shape };
    });
    run(arrays[0], ...arrays.slice(1));
  }

  endStep(): void { this.arena.endStep(); }

  readRegion(region: number, offset: number, size: number): Float32Array {
    const start = region / 4 + offset;
    return this.heap.f32.slice(start, start + size);
  }

  /** It owns nothing. */
  view(base: WasmBuffer | number, offset: number, size: number): WasmBuffer {
    return new WasmBuffer((typeof base === "number" ? base : base.address) + offset * 4, size, () => {});
  }

  memory(): DeviceMemory {
    return { ...this.live, arena: this.arena.bytes, kernels: this.kernels.bytes };
  }
}
