/**
 * A device for tests that answers later: another one in a thread of its own, which does what it is asked for in order, each after a random while. Functions
 * of the host run here. What runs on it relies on no answer.
 */

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { buildSync } from "esbuild";
import { cannotWait, keepCopy, lost } from "../../src/devices/answers.ts";
import { currentDevice } from "../../src/devices/current.ts";
import {
  type Device, type DeviceMemory, type Executable, type Later, type MemoryKind, type Policy, type Program, processorPolicy, type Region,
} from "../../src/devices/device.ts";
import { LaunchFault } from "../../src/devices/fault.ts";
import { isInHostCall, notAnInput } from "../../src/engine/host-call.ts";
import { Journal } from "../../src/devices/journal.ts";
import { Buffer, type Thrown } from "../../src/devices/residency.ts";
import { type FloatArray, type Kernel, kernelById } from "../../src/kernels/kernel.ts";
import type { Answer, Asked, HostCall, Place, Settings } from "./delaying-messages.ts";

let code: string | null = null;
function workerCode(): string {
  code ??= buildSync({
    entryPoints: [new URL("./delaying-worker.ts", import.meta.url).pathname], bundle: true, write: false, format: "cjs", platform: "node", target: "node20",
  }).outputFiles[0].text;
  return code;
}

class DelayedBuffer extends Buffer {
  /** How often it has been copied to. */
  copies = 0;
  constructor(readonly place: Place, size: number, release: () => void) {
    super(size, release);
  }
}

class DelayedExecutable implements Executable {
  readonly bytes = 0;
  constructor(readonly id: number, readonly program: Program, private readonly onRelease: () => void) {}
  release(): void { this.onRelease(); }
}

interface Waiting {
  readonly buffer: Buffer;
  readonly resolve: (values: FloatArray) => void;
  readonly reject: (error: unknown) => void;
}

export interface DelayingOptions {
  readonly name?: string;
  readonly canWait?: boolean;
  readonly delay?: number;
  readonly seed?: number;
  readonly inner?: "reference" | "wasm";
  /** What is other than on a processor. */
  readonly policy?: Partial<Policy>;
}

export class DelayingDevice implements Device {
  readonly name: string;
  readonly FloatArray: Float32ArrayConstructor | Float64ArrayConstructor;
  readonly later: Later;
  readonly policy: Policy;
  private readonly journal = new Journal();
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly calls: MessagePort;
  private readonly words = new Int32Array(new SharedArrayBuffer(16));
  private readonly live: Record<MemoryKind, number> = { parameters: 0, gradients: 0, optimizer: 0, state: 0, inputs: 0 };
  private readonly buffers = new Set<DelayedBuffer>();
  private readonly programs = new Map<number, Program>();
  /** Programs that have been released, and the run after which nothing calls their functions. */
  private released: { readonly id: number; readonly after: number }[] = [];
  private readonly requests = new Map<number, Waiting>();
  private ids = 0;
  failure: Error | null = null;
  /** By a function of the host. */
  private thrown: unknown = null;
  /** How many messages have been received. */
  private received = 0;
  /** After how many runs it is lost. */
  loseAfter = Infinity;
  /** How many times a caller has waited. */
  waits = 0;

  constructor({ name = "delaying", canWait = true, delay = 0.05, seed = 1, inner = "reference", policy = {} }: DelayingOptions = {}) {
    this.name = name;
    this.policy = { ...processorPolicy, ...policy };
    this.FloatArray = inner === "wasm" ? Float32Array : Float64Array;
    const { port1, port2 } = new MessageChannel();
    const { port1: calls, port2: theirCalls } = new MessageChannel();
    this.port = port1;
    this.calls = calls;
    const settings: Settings = { shared: this.words.buffer as SharedArrayBuffer, delay, seed, inner };
    this.worker = new Worker(workerCode(), {
      eval: true, execArgv: [], workerData: { ...settings, port: port2, calls: theirCalls }, transferList: [port2, theirCalls],
    });
    this.worker.unref();
    this.worker.on("error", (error) => { throw error; });
    port1.on("message", (message: Answer) => this.take(message));
    port1.unref();
    const device = this;
    this.later = {
      canWait,
      get failure() { return device.failure; },
      journal: this.journal,
      copy: (from, offset, size, to) => {
        (to as DelayedBuffer).copies++;
        this.ask({ kind: "copy", from: this.placeOf(from, offset, size), to: (to as DelayedBuffer).place.id });
      },
      keepCopy: (array, from, offset) => keepCopy(this, array, from, offset),
      read: (buffer) => this.readLater(buffer),
      leave: () => this.leave(),
    };
  }

  private ask(asked: Asked): void {
    if (this.failure !== null) return;
    this.port.postMessage(asked);
  }

  private check(): void {
    if (this.failure !== null) throw this.failure;
    this.confirm();
  }

  private confirm(): void {
    const done = Atomics.load(this.words, 2);
    this.journal.confirm(done);
    this.released = this.released.filter(({ id, after }) => after > done || !this.programs.delete(id));
  }

  // -- memory -----------------------------------------------------------------------------------------

  allocate(size: number, kind: MemoryKind): Buffer {
    this.check();
    const id = ++this.ids;
    const bytes = size * this.FloatArray.BYTES_PER_ELEMENT;
    this.live[kind] += bytes;
    this.ask({ kind: "allocate", id, size, memory: kind });
    const { buffers, live } = this;
    const reference: { buffer?: WeakRef<DelayedBuffer> } = {};
    const ask = this.ask.bind(this);
    const buffer = new DelayedBuffer({ of: "buffer", id, offset: 0, size: -1 }, size, () => {
      live[kind] -= bytes;
      const found = reference.buffer?.deref();
      if (found !== undefined) buffers.delete(found);
      ask({ kind: "free", id });
    });
    reference.buffer = new WeakRef(buffer);
    this.buffers.add(buffer);
    return buffer;
  }

  write(buffer: Buffer, data: FloatArray): void { this.ask({ kind: "write", id: (buffer as DelayedBuffer).place.id, data: data.slice() }); }

  read(buffer: Buffer): FloatArray { return this.readNow(buffer); }

  readRegion(region: Region, offset: number, size: number): FloatArray { return this.readNow(this.view(region, offset, size)); }

  private placeOf(from: Region | Buffer, offset: number, size: number): Place {
    if (!(from instanceof DelayedBuffer)) return { of: "region", id: from as number, offset, size };
    return { ...from.place, offset: from.place.offset + offset, size };
  }

  view(base: Region | Buffer, offset: number, size: number): Buffer { return new DelayedBuffer(this.placeOf(base, offset, size), size, () => {}); }

  // -- programs -----------------------------------------------------------------------------------------

  prepare(program: Program): Executable {
    const id = ++this.ids;
    const kernels = new Map<number, Kernel>();
    const { functions, ...rest } = program;
    for (let at = 0; at < program.words.length; at += program.words[at + 1]) kernels.set(program.words[at], kernelById(program.words[at]));
    this.ask({ kind: "prepare", id, program: rest, kernels, functions: functions.length });
    this.programs.set(id, program);
    return new DelayedExecutable(id, program, () => {
      this.ask({ kind: "release", id });
      this.released.push({ id, after: this.journal.last });
    });
  }

  run(executable: Executable, scalars: Float64Array, hosts: readonly FloatArray[], buffers: readonly Buffer[], times: Float64Array | null = null): Region {
    this.check();
    const number = this.journal.last;
    if (number > this.loseAfter) this.lose("a test has ended it");
    this.check();
    const { id } = executable as DelayedExecutable;
    const bound = buffers.map((buffer) => (buffer as DelayedBuffer).place);
    this.ask({ kind: "run", number, program: id, scalars: scalars.slice(), hosts: hosts.map((host) => host.slice()), bound });
    times?.fill(0);
    return number;
  }

  endStep(): void { this.ask({ kind: "endStep" }); }

  // -- answers ------------------------------------------------------------------------------------------

  private readLater(buffer: Buffer): Promise<FloatArray> {
    return new Promise((resolve, reject) => { this.request({ buffer, resolve, reject }); });
  }

  private request(waiting: Waiting): void {
    if (this.failure !== null) return waiting.reject(this.failure);
    if (waiting.buffer.failure !== null) return waiting.reject(waiting.buffer.failure.value);
    const request = ++this.ids;
    if (this.requests.size === 0) this.port.ref();
    this.requests.set(request, waiting);
    this.ask({ kind: "read", request, place: (waiting.buffer as DelayedBuffer).place });
  }

  private readNow(buffer: Buffer): FloatArray {
    this.check();
    if (!this.later.canWait) throw cannotWait(this.name);
    if (isInHostCall()) throw notAnInput(); // the device waits for this very call
    this.waits++;
    let found: FloatArray | null = null;
    let failure: Thrown | null = null;
    this.request({ buffer, resolve: (values) => { found = values; }, reject: (value) => { failure = { value }; } });
    for (;;) {
      const { received } = this;
      for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) this.take(next.message as Answer);
      if (failure !== null) throw (failure as Thrown).value;
      if (found !== null) return found;
      if (this.received === received) Atomics.wait(this.words, 0, this.received, 10_000);
    }
  }

  private take(answer: Answer): void {
    this.received++;
    if (answer.kind === "host") {
      let call: HostCall = answer.output.data;
      try {
        this.programs.get(answer.program)?.functions[answer.place](answer.output, ...answer.inputs);
      } catch (error) {
        this.thrown = error;
        call = null;
      }
      this.calls.postMessage(call);
      Atomics.add(this.words, 1, 1);
      Atomics.notify(this.words, 1);
      return;
    }
    const waiting = this.requests.get(answer.request as number);
    this.requests.delete(answer.request as number);
    if (this.requests.size === 0) this.port.unref();
    if (answer.kind === "read") {
      this.confirm();
      return waiting?.resolve(answer.values);
    }
    const { number, fault } = answer;
    this.ask({ kind: "reset" });
    const thrown = this.journal.fail(number, fault === null ? (answer.error ?? this.thrown) : new LaunchFault(...fault));
    if (thrown !== null) return waiting?.reject(thrown.value);
    // It has been reported to another one who asked.
    if (waiting !== undefined) this.request(waiting);
  }

  // -- leaving, and being lost --------------------------------------------------------------------------

  private async leave(): Promise<void> {
    let thrown: Thrown | null = null;
    // What has gone wrong is told to one who reads, and the rest leaves nevertheless. Copies may still arrive meanwhile; steps only if it is chosen again.
    while (this.buffers.size > 0 && currentDevice() !== this) {
      await Promise.all([...this.buffers].map(async (buffer) => {
        const { copies } = buffer;
        try {
          const values = buffer.isCopy ? null : await this.readLater(buffer);
          if (copies !== buffer.copies || currentDevice() === this) return;
          if (!buffer.isCopy) buffer.saved = values;
          buffer.free();
        } catch (value) {
          thrown ??= { value };
        }
      }));
    }
    if (thrown !== null) throw (thrown as Thrown).value;
  }

  /** Ends it, as a driver may. */
  lose(why: string): void {
    const error = lost(this.name, why);
    this.failure = error;
    void this.worker.terminate();
    this.port.close();
    this.calls.close();
    for (const { reject } of this.requests.values()) reject(error);
    this.requests.clear();
    for (const buffer of [...this.buffers]) buffer.isCopy ? buffer.free() : buffer.fail({ value: error });
  }

  memory(): DeviceMemory { return { ...this.live, arena: 0, plans: 0, kernels: 0 }; }

  close(): Promise<number> { return this.worker.terminate(); }
}
