/**
 * The wasm device: float32 SIMD in one linear memory. A plan is written into that memory once, with real addresses,
 * and each step enters WebAssembly once to run it; only what has moved since is patched.
 */

import { type FloatArray, type HostKernel, kernelById, operandCount } from "../../kernels/kernel.ts";
import { type Buffer, type Device, type Executable, LaunchFault, type MemoryKind, type Program } from "../device.ts";
import { Heap } from "./heap.ts";
import { hasRelaxedSimd, KernelTable, scratchBytes } from "./kernels.ts";
import { HEADER } from "./layout.ts";

class WasmBuffer implements Buffer {
  constructor(
    /** Byte address. */
    readonly address: number,
    readonly size: number,
    private readonly onFree: (() => void) | null,
  ) {}
  free(): void { this.onFree?.(); }
}

class WasmExecutable implements Executable {
  /** Where its launches are, and where they end; 0 before the first run. */
  address = 0;
  end = 0;
  /** The addresses that its launches hold. */
  arena = -1;
  bound: Float64Array;
  /** For each space, which of its words are addresses in it: pairs of word index and offset. Made at the second binding. */
  places: Int32Array[] | null = null;

  constructor(
    readonly program: Program,
    readonly bytes: number,
    private readonly onRelease: (executable: WasmExecutable) => void,
  ) {
    this.bound = new Float64Array(program.buffers).fill(-1);
  }

  release(): void { this.onRelease(this); }
}

/** A block of the arena; a step that outgrows it gets another, and the next step one that holds all. */
interface Chunk {
  readonly address: number;
  readonly bytes: number;
}

const FIRST_CHUNK = 2 ** 16;

export class WasmDevice implements Device {
  readonly name = "wasm";
  readonly FloatArray = Float32Array;
  private readonly heap = new Heap(scratchBytes + 64);
  private readonly kernels: KernelTable;
  private readonly live: Record<MemoryKind | "plans", number> = { parameters: 0, gradients: 0, optimizer: 0, inputs: 0, plans: 0 };
  private chunks: Chunk[] = [];
  /** How much of the last chunk is taken. */
  private taken = 0;
  private running: WasmExecutable | null = null;

  /** @param options `fused`: use the fused multiply-add of relaxed SIMD; by default where the engine has it */
  constructor(options: { fused?: boolean } = {}) {
    const calls = {
      fault: (launch: number, value: number, limit: number): void => {
        throw new LaunchFault(this.launchAt(launch), "index", value, limit >>> 0);
      },
      host: (launch: number): void => this.callHost(launch >>> 0),
    };
    this.kernels = new KernelTable(this.heap.memory, calls, 64, options.fused ?? hasRelaxedSimd());
  }

  // -- long-lived memory ------------------------------------------------------------------------------

  allocate(size: number, kind: MemoryKind): Buffer {
    const bytes = roomFor(size);
    const address = this.heap.allocate(bytes);
    const block = Heap.blockSize(bytes);
    this.heap.f32.fill(0, address >>> 2, (address + bytes) >>> 2);
    this.live[kind] += block;
    let isLive = true;
    return new WasmBuffer(address, size, () => {
      if (!isLive) return;
      isLive = false;
      this.live[kind] -= block;
      this.heap.free(address, bytes);
    });
  }

  write(buffer: Buffer, data: FloatArray): void { this.heap.f32.set(data, (buffer as WasmBuffer).address / 4); }

  read(buffer: Buffer): Float32Array {
    const start = (buffer as WasmBuffer).address / 4;
    return this.heap.f32.slice(start, start + buffer.size);
  }

  // -- programs -----------------------------------------------------------------------------------------

  prepare(program: Program): Executable {
    const { words } = program;
    let missing: Set<number> | null = null;
    for (let at = 0; at < words.length; at += words[at + 1]) {
      if (!this.kernels.has(words[at])) {
        missing ??= new Set();
        missing.add(words[at]);
      }
    }
    if (missing !== null) this.kernels.ensure(missing);
    const bytes = words.length * 4;
    return new WasmExecutable(program, bytes * 2, (executable) => {
      if (executable.address === 0) return;
      this.heap.free(executable.address, bytes);
      this.live.plans -= Heap.blockSize(bytes);
      executable.address = 0;
    });
  }

  run(prepared: Executable, scalars: Float64Array, hosts: readonly FloatArray[], buffers: readonly Buffer[], times: Float64Array | null = null): number {
    const executable = prepared as WasmExecutable;
    const { program } = executable;
    const arena = this.reserve(program.arena * 4);
    if (executable.address === 0) {
      executable.address = this.heap.allocate(program.words.length * 4);
      this.live.plans += Heap.blockSize(program.words.length * 4);
      executable.arena = -1;
    }
    if (executable.arena !== arena) this.encode(executable, arena, buffers as readonly WasmBuffer[]);
    else {
      for (let k = 0; k < buffers.length; k++) {
        if (executable.bound[k] !== (buffers[k] as WasmBuffer).address) this.rebind(executable, k, (buffers[k] as WasmBuffer).address);
      }
    }
    const { f32 } = this.heap;
    const base = arena / 4;
    for (let i = 0; i < program.scalars.length; i++) f32[base + i] = scalars[program.scalars[i]];
    for (let i = 0; i < hosts.length; i++) f32.set(hosts[i], base + program.hosts[i]);

    this.running = executable;
    if (times !== null) this.runTimed(executable, times);
    else if (program.checks === null) this.kernels.run(executable.address, executable.end);
    else this.runChecked(executable, program.checks, [arena, ...buffers.map((buffer) => (buffer as WasmBuffer).address)]);
    this.running = null;
    return arena;
  }

  /** Writes the launches with their addresses. */
  private encode(executable: WasmExecutable, arena: number, buffers: readonly WasmBuffer[]): void {
    const { words } = executable.program;
    const { i32 } = this.heap;
    const { kernels } = this;
    const start = executable.address / 4;
    let to = start;
    for (let at = 0; at < words.length; ) {
      const id = words[at];
      const kernel = kernelById(id);
      const end = at + words[at + 1];
      const operands = operandCount(kernel);
      const bytesAt = to + 1;
      const launch = to;
      i32[to++] = kernels.place(id);
      to++;
      at += 2;
      for (let k = 0; k < operands; k++, at += 2) {
        const space = words[at];
        i32[to++] = (space === 0 ? arena : buffers[space - 1].address) + words[at + 1] * 4;
      }
      if (kernel.kind === "map" && words[at + 1 + kernel.inputs] === 0) {
        // Its outputs have room up to a whole vector: no remainder to take care of.
        i32[to++] = (words[at++] + 3) & ~3;
      }
      while (at < end) i32[to++] = words[at++];
      i32[bytesAt] = (to - launch) * 4;
    }
    executable.end = to * 4;
    executable.arena = arena;
    buffers.forEach((buffer, k) => { executable.bound[k] = buffer.address; });
  }

  /** A buffer has moved: patches the launches that use it. */
  private rebind(executable: WasmExecutable, k: number, address: number): void {
    executable.places ??= operandPlaces(executable.program);
    const places = executable.places[k + 1];
    const { i32 } = this.heap;
    const start = executable.address / 4;
    for (let i = 0; i < places.length; i += 2) i32[start + places[i]] = address + places[i + 1] * 4;
    executable.bound[k] = address;
  }

  /** Launch by launch, with a look at the clock. */
  private runTimed(executable: WasmExecutable, times: Float64Array): void {
    let at = executable.address;
    for (let launch = 0; at < executable.end; launch++) {
      const next = at + this.heap.i32[at / 4 + 1];
      const begin = performance.now();
      this.kernels.run(at, next);
      times[launch] = performance.now() - begin;
      at = next;
    }
  }

  /** Launch by launch, with a look at every result. */
  private runChecked(executable: WasmExecutable, checks: Int32Array, bases: readonly number[]): void {
    let at = executable.address;
    let i = 0;
    for (let launch = 0; at < executable.end; launch++) {
      const next = at + this.heap.i32[at / 4 + 1];
      this.kernels.run(at, next);
      at = next;
      for (; i < checks.length && checks[i] === launch; i += 4) {
        const from = bases[checks[i + 1]] / 4 + checks[i + 2];
        for (let k = from; k < from + checks[i + 3]; k++) {
          if (!Number.isFinite(this.heap.f32[k])) throw new LaunchFault(launch, "nan", this.heap.f32[k]);
        }
      }
    }
  }

  /** Which launch of the running program is at an address. */
  private launchAt(address: number): number {
    const { address: start } = this.running as WasmExecutable;
    let launch = 0;
    for (let at = start; at < address >>> 0; at += this.heap.i32[at / 4 + 1]) launch++;
    return launch;
  }

  private callHost(launch: number): void {
    const { i32, f32 } = this.heap;
    const { program } = this.running as WasmExecutable;
    let at = 0;
    for (let count = this.launchAt(launch); count > 0; count--) at += program.words[at + 1];
    const kernel = kernelById(program.words[at]) as HostKernel;
    const operands = launch / 4 + HEADER / 4;
    let parameter = operands + operandCount(kernel) + 1;
    const arrays = Array.from({ length: 1 + kernel.inputs }, (_, k) => {
      const rank = i32[parameter++];
      const shape = Array.from({ length: rank }, () => i32[parameter++]);
      const from = (i32[operands + k] >>> 0) / 4;
      return { data: f32.subarray(from, from + shape.reduce((a, b) => a * b, 1)), shape };
    });
    kernel.run(arrays[0], ...arrays.slice(1));
  }

  // -- the arena of the step ------------------------------------------------------------------------------

  /** Room for one run, valid until the step ends. */
  private reserve(bytes: number): number {
    const needed = Math.ceil((bytes + 16) / 64) * 64;
    let chunk = this.chunks[this.chunks.length - 1];
    if (chunk === undefined || this.taken + needed > chunk.bytes) {
      // While nothing of the step lives in it, a larger block replaces the one before.
      if (chunk !== undefined && this.taken === 0) this.drop(this.chunks.pop() as Chunk);
      chunk = this.chunk(Math.max(FIRST_CHUNK, needed, this.arenaBytes), needed);
      this.chunks.push(chunk);
      this.taken = 0;
    }
    const region = chunk.address + this.taken;
    this.taken += needed;
    return region;
  }

  /** A block of the size that is wanted or, where memory is short, of the size that is needed. */
  private chunk(wanted: number, needed: number): Chunk {
    try {
      return { address: this.heap.allocate(wanted), bytes: wanted };
    } catch (error) {
      if (wanted === needed) throw error;
      return { address: this.heap.allocate(needed), bytes: needed };
    }
  }

  private drop(chunk: Chunk): void { this.heap.free(chunk.address, chunk.bytes); }

  private get arenaBytes(): number { return this.chunks.reduce((sum, chunk) => sum + chunk.bytes, 0); }

  endStep(): void {
    this.taken = 0;
    if (this.chunks.length <= 1) return;
    const bytes = this.arenaBytes;
    for (const chunk of this.chunks) this.drop(chunk);
    this.chunks = [];
    this.chunks = [this.chunk(bytes, FIRST_CHUNK)];
  }

  readRegion(region: object | number, offset: number, size: number): Float32Array {
    const start = (region as number) / 4 + offset;
    return this.heap.f32.slice(start, start + size);
  }

  view(base: Buffer | object | number, offset: number, size: number): Buffer {
    const address = typeof base === "number" ? base : (base as WasmBuffer).address;
    return new WasmBuffer(address + offset * 4, size, null);
  }

  memory(): Record<MemoryKind | "arena" | "plans", number> {
    return { ...this.live, arena: this.chunks.reduce((sum, chunk) => sum + Heap.blockSize(chunk.bytes), 0) };
  }
}

/** The bytes of an array: whole vectors. */
const roomFor = (size: number): number => Math.max(4, Math.ceil(size / 4) * 4) * 4;

/** For each space, the words of the encoded launches that are addresses in it. */
function operandPlaces(program: Program): Int32Array[] {
  const places: number[][] = Array.from({ length: program.buffers + 1 }, () => []);
  const { words } = program;
  let to = 0;
  for (let at = 0; at < words.length; at += words[at + 1]) {
    const operands = operandCount(kernelById(words[at]));
    for (let k = 0; k < operands; k++) {
      const space = words[at + 2 + 2 * k];
      if (space > 0) places[space].push(to + 2 + k, words[at + 3 + 2 * k]);
    }
    to += words[at + 1] - operands;
  }
  return places.map((list) => Int32Array.from(list));
}
