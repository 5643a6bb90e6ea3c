/**
 * The workers: threads on the device's memory that help with launches that are cut into parts. They start at the first
 * program that has such a launch, and nobody waits for them: until they are ready, and where there are none, the caller's
 * thread computes all parts.
 */

import { FlimsyError } from "../../support/errors.ts";
import type { Host, Thread } from "../../support/platform.ts";
import type { Heap } from "./heap.ts";
import { scratchBytes, type TableModule } from "./kernels.ts";
import { control } from "./layout.ts";

/** More do not help by themselves: large launches are cut into at least eight parts, and they share the way to the memory. */
const DEFAULT_LIMIT = 4;
/**
 * What a worker does; the functions are those of fork.ts. It reads the chain of modules once it may take parts, since it has been given
 * the modules before. A module is copied while the worker counts as active: its memory is given back only while nobody does, and after the
 * generation has changed. (`memory.grow(0)`: else the buffer may be of before the memory grew to there.) Kernels import functions of Math, and what a prelude
 * has put there.
 */
const program = `
const start = ({ memory, scratch, worker }) => {
  const words = new Int32Array(memory.buffer);
  const never = () => { throw Error("not in a worker"); };
  const env = { __proto__: Math, memory, scratch, fault: never, host: never, wait: never, load };
  let generation, last, serve;
  function load() {
    let found;
    do {
      found = null;
      Atomics.add(words, ${control.active / 4}, 1);
      if (Atomics.load(words, ${control.generation / 4}) === generation) {
        memory.grow(0);
        const view = new Int32Array(memory.buffer);
        const address = Atomics.load(view, last >>> 2) >>> 0;
        if (address !== 0) {
          const [, places, size] = view.subarray(address / 4);
          found = [places, new Uint8Array(memory.buffer, address + 12, size).slice()];
          last = address;
        }
      }
      Atomics.sub(words, ${control.active / 4}, 1);
      Atomics.notify(words, ${control.active / 4});
      if (found) {
        const [places, bytes] = found;
        env.table.grow(places - env.table.length);
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
        for (const name in exports) if (name > 0) env.table.set(+name, exports[name]);
        serve ??= exports.serve;
      }
    } while (found);
  }
  Atomics.add(words, ${control.started / 4}, 1);
  for (;;) {
    const limit = Atomics.load(words, ${control.limit / 4});
    if (worker >= limit) {
      Atomics.wait(words, ${control.limit / 4}, limit);
      continue;
    }
    const now = Atomics.load(words, ${control.generation / 4});
    if (now !== generation) {
      generation = now;
      env.table = new WebAssembly.Table({ element: "anyfunc", initial: 0 });
      last = ${control.modules};
      serve = undefined;
    }
    if (!serve) load();
    try {
      serve?.(worker, generation);
    } catch (error) {
      Atomics.store(words, ${control.failed / 4}, 1);
      Atomics.notify(words, ${control.active / 4});
      throw error;
    }
    Atomics.add(words, ${control.sleepers / 4}, 1);
    Atomics.wait(words, ${control.ticket / 4}, 0);
    Atomics.sub(words, ${control.sleepers / 4}, 1);
  }
};
if (typeof require === "function") require("node:worker_threads").parentPort.once("message", start);
else onmessage = (event) => start(event.data);
`;

/** What differs between Node and browsers. */
export const host = globalThis as Host;

/** May the memory be shared with other threads? Browsers ask for isolated pages. */
export const canShare = (): boolean => typeof SharedArrayBuffer === "function" && host.crossOriginIsolated !== false;

function cores(): number {
  return host.navigator?.hardwareConcurrency ?? host.process?.getBuiltinModule?.("node:os").availableParallelism() ?? 1;
}

/** A new thread. `onEnd` is told why it ends; it should not. */
function startThread({ prelude, execArgv }: Team["node"], onEnd: (why: string) => void): Thread {
  const node = host.process?.getBuiltinModule?.("node:worker_threads");
  if (node !== undefined) {
    const thread = new node.Worker(prelude + program, { eval: true, execArgv });
    thread.unref(); // the process ends when the user's program does
    thread.on("error", (error) => onEnd(error.message));
    thread.on("exit", () => onEnd("it was stopped"));
    return thread;
  }
  const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  const thread = new Worker(url);
  thread.onerror = (event) => {
    event.preventDefault();
    onEnd(event.message || "the page's policy forbids it (worker-src blob: would allow it)");
  };
  return thread;
}

export class Team {
  /** How many threads the user allows, if they have said so. */
  limit: number | null = null;
  readonly threads: Thread[] = [];
  /** Modules that the workers will need once they start. */
  private readonly modules: TableModule[] = [];
  /** What lies in the shared memory for them. */
  private readonly chain: { readonly address: number; readonly bytes: number }[] = [];
  /** Where the address of the next module goes. */
  private last: number = control.modules;
  /** A worker that gets no part done in so many seconds has died; parts take milliseconds. */
  private readonly patience: number = 10;
  /** Has the caller's thread been back in its event loop since workers were last asked for? */
  hasYielded = false;
  /** A text before the program of Node's workers, and what they are started with. */
  readonly node = { prelude: "", execArgv: [] as string[] };
  /** Why there are no workers any more. */
  failure = "";

  /** @param allocate gives memory of the heap, or throws */
  constructor(readonly heap: Heap, private readonly allocate: (bytes: number) => number) {}

  /** How many threads there may be, with the caller's own. */
  get wanted(): number { return this.limit ?? Math.min(DEFAULT_LIMIT, cores()); }

  /** May there be workers? */
  private get isOpen(): boolean { return this.heap.isShared && this.failure === ""; }

  // Words of `control`.
  private get(address: number): number { return Atomics.load(this.heap.i32, address / 4); }
  private set(address: number, value: number): void { Atomics.store(this.heap.i32, address / 4, value); }

  /** A launch is large enough for threads: starts those that are lacking. */
  start(): void {
    if (!this.isOpen || this.threads.length >= this.wanted - 1) return;
    this.hasYielded = false;
    setTimeout(() => { this.hasYielded = true; });
    try {
      while (this.threads.length < this.wanted - 1) {
        const scratch = this.allocate(scratchBytes);
        const thread = startThread(this.node, (why) => this.dissolve(`A worker has ended: ${why}.`));
        thread.postMessage({ memory: this.heap.memory, scratch, worker: this.threads.length });
        this.threads.push(thread);
      }
      for (const module of this.modules.splice(0)) this.add(module);
      this.admit();
    } catch (error) {
      this.dissolve(`No worker could start: ${error instanceof Error ? error.message : error}.`);
    }
  }

  /** Makes a module of kernels known to the workers. */
  add(module: TableModule): void {
    if (!this.isOpen) return;
    if (this.threads.length === 0) {
      this.modules.push(module);
      return;
    }
    const { bytes, places } = module;
    const address = this.allocate(12 + bytes.length);
    this.chain.push({ address, bytes: 12 + bytes.length });
    const { i32, memory } = this.heap;
    i32.set([0, places, bytes.length], address / 4);
    new Uint8Array(memory.buffer).set(bytes, address + 12);
    this.set(this.last, address);
    this.last = address;
  }

  /** Nobody needs the modules so far any more: workers begin anew with those that follow. */
  forget(): void {
    this.modules.length = 0;
    if (this.threads.length === 0 || !this.isOpen) return;
    this.set(control.modules, 0);
    this.set(control.generation, this.get(control.generation) + 1);
    this.recall();
    for (const { address, bytes } of this.chain.splice(0)) this.heap.free(address, bytes);
    this.last = control.modules;
  }

  /** Says how many workers may take parts. */
  admit(): void {
    this.set(control.limit, this.isOpen ? Math.min(this.threads.length, this.wanted - 1) : 0);
    Atomics.notify(this.heap.i32, control.limit / 4);
  }

  /** Returns when fewer workers are active, or throws where one is no more. */
  wait(): void {
    const active = this.get(control.active);
    if (active === 0) return;
    for (let seconds = 0; seconds < this.patience && this.get(control.failed) === 0; ) {
      this.set(control.waiting, 1);
      const isOver = sleepsWhile(this.heap.i32, control.active / 4, active);
      this.set(control.waiting, 0);
      if (this.get(control.active) !== active) return;
      if (isOver) seconds++; // else it was woken between two modules that a worker was loading
    }
    this.dissolve("A worker died in the middle of a step.");
    throw new FlimsyError(
      "A worker thread died in the middle of a step. Its results are lost, and arrays that the step updates may be half written: " +
        "go on from a checkpoint. From here on, one thread computes.",
    );
  }

  /** After an error in a part: nobody works on the others any more. */
  recall(): void {
    if (!this.isOpen) return;
    this.set(control.ticket, 0);
    while (this.get(control.active) > 0) this.wait();
  }

  private dissolve(why: string): void {
    if (this.failure !== "") return;
    this.failure = why;
    this.admit();
    for (const thread of this.threads) thread.terminate();
  }
}

/** Sleeps until the word changes, or it is woken, or for a second: then it returns true. A browser's page may not sleep. */
function sleepsWhile(i32: Int32Array, at: number, value: number): boolean {
  try {
    return Atomics.wait(i32, at, value, 1000) === "timed-out";
  } catch {
    const end = performance.now() + 1000;
    while (Atomics.load(i32, at) === value && performance.now() < end);
    return true;
  }
}
