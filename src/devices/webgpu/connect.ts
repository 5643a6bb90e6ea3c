/** Finding a GPU, and an engine on it: in a thread of its own where the caller can wait for that, else in the caller's. */

import { DeviceError } from "../../support/errors.ts";
import { installed } from "../../support/installed.ts";
import type { GpuHost, GpuPackage, GpuThread } from "../../support/platform.ts";
import { type Ask, type Engine, engine, life, type Told } from "./engine.ts";

/** What the GPU allows. */
export interface Limits {
  /** What the adapter calls itself. */
  readonly adapter: string;
  /** Does it compute on the processor? */
  readonly isFallback: boolean;
  /** The most bytes of the heap, and of the records. */
  readonly heap: number;
  readonly records: number;
  /** Records begin at multiples of so many bytes. */
  readonly alignment: number;
  /** Can it measure what dispatches take? */
  readonly hasClock: boolean;
}

/** The way to an engine. */
export interface Link {
  readonly limits: Limits;
  /** May a caller be made to wait for answers? */
  readonly canWait: boolean;
  /** What both sides see, as `life` says. */
  readonly sees: Int32Array;
  /** Who is told what the engine tells. */
  onTold: (told: Told) => void;
  ask(asked: readonly Ask[]): void;
  /** Memory for an answer. */
  answer(bytes: number): ArrayBufferLike;
  /** Waits while a word has a value, but not for long. */
  wait(words: Int32Array, index: number, value: number): void;
  /** Should the process stay while an answer is waited for? */
  hold(isAwaited: boolean): void;
}

/** Where the engine runs, if it is not to be chosen by what is possible. */
export type Thread = "worker" | "caller";

/** Where Node's package for WebGPU is, null where the platform has WebGPU. */
type Path = string | null;

/** Finds a GPU. Its text is part of the program of a worker: so it uses nothing from outside. */
async function find(path: Path, load: (path: string) => Promise<unknown>): Promise<{ gpu: GPUDevice; limits: Limits } | "no WebGPU" | "no adapter"> {
  const host = globalThis as GpuHost;
  let gpu = host.navigator?.gpu;
  if (path !== null) {
    const { create, globals } = (await load(path)) as GpuPackage;
    Object.assign(host, globals);
    host.flimsyGpu ??= create(["disable-dawn-features=timestamp_quantization"]); // else its clock ticks every 65 µs
    gpu = host.flimsyGpu;
  }
  if (gpu === undefined) return "no WebGPU";
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) return "no adapter";
  const { limits, info, features } = adapter;
  const clock = "timestamp-query";
  const hasClock = features.has(clock);
  const names = ["maxStorageBufferBindingSize", "maxBufferSize", "minUniformBufferOffsetAlignment"] as const;
  const device = await adapter.requestDevice({
    requiredFeatures: hasClock ? [clock] : [], requiredLimits: Object.fromEntries(names.map((limit) => [limit, limits[limit]])),
  });
  return {
    gpu: device,
    limits: {
      adapter: [info.vendor, info.architecture, info.device, info.description].filter((text) => text).join(" "),
      isFallback: info.isFallbackAdapter ?? false,
      heap: Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize),
      records: limits.maxBufferSize,
      alignment: limits.minUniformBufferOffsetAlignment,
      hasClock,
    },
  };
}

/** What starts an engine in a worker. What that finds is written where who waits sees it: whether it is there, how many letters it has, and these. */
interface Start {
  readonly path: Path;
  readonly sees: Int32Array;
  readonly started: Int32Array;
}
interface Started {
  /** Why there is none. */
  readonly found: string | null;
  readonly limits: Limits | null;
}

/** Serves whoever has started the worker, in which all this is text, with what arrives first and what comes after it; a counter is its end. */
function serve(make: typeof engine, look: typeof find, load: (path: string) => Promise<unknown>, tell: (message: unknown) => void): (message: unknown) => void {
  let made: Engine | null = null;
  let starting = Promise.resolve();
  const start = async ({ path, sees, started }: Start): Promise<void> => {
    let found: string | null = null;
    let limits: Limits | null = null;
    try {
      const gpu = await look(path, load);
      if (typeof gpu === "string") found = gpu;
      else {
        made = make(gpu.gpu, sees, tell);
        limits = gpu.limits;
      }
    } catch (error) {
      found = String(error).slice(0, 1000);
    }
    const text = JSON.stringify({ found, limits } satisfies Started);
    for (let k = 0; k < text.length; k++) started[2 + k] = text.charCodeAt(k);
    started[1] = text.length;
    Atomics.store(started, 0, 1);
    Atomics.notify(started, 0);
    tell(null); // for who does not sleep
  };
  const end = async (ended: Int32Array): Promise<void> => {
    await starting;
    await made?.end();
    Atomics.add(ended, 0, 1);
    Atomics.notify(ended, 0);
  };
  return (message) => {
    if (message instanceof Int32Array) void end(message);
    else if (made === null) starting = start(message as Start);
    else made.ask(message as Ask[]);
  };
}

/** What a worker does. Where a build keeps names, as tsx does, functions call its helper. */
const program = `
const __name = (named) => named;
const isNode = typeof require === "function";
const port = isNode ? require("node:worker_threads").parentPort : self;
const take = (${serve})(${engine}, ${find}, (path) => import(path), (message) => port.postMessage(message));
if (isNode) port.on("message", take);
else port.onmessage = ({ data }) => take(data);
`;

const host = globalThis as GpuHost;

const missing = (why: string): DeviceError => new DeviceError(`The device webgpu is not to be had here: ${why}`, "missing");

function errorFor(found: string): DeviceError {
  if (found === "no WebGPU") return missing("this platform has no WebGPU. Browsers have it on secure pages only (https, or localhost).");
  if (found !== "no adapter") return missing(`${found}.`);
  return missing(
    "no adapter was found. The system needs a driver for its GPU; on Linux one for Vulkan and the loader " +
      "(Debian: apt-get install libvulkan1 mesa-vulkan-drivers).",
  );
}

/** Where Node's package is. */
function packagePath(): Path {
  if (host.navigator?.gpu !== undefined || host.process?.getBuiltinModule === undefined) return null;
  const path = installed("webgpu");
  if (path === null) throw missing("Node has WebGPU by a package: npm install webgpu.");
  return host.process.getBuiltinModule("node:url").pathToFileURL(path).href;
}

/** Messages to a worker and from it. */
interface Talk {
  post(message: unknown, transfer: readonly unknown[]): void;
  onMessage: (message: unknown) => void;
  onEnd: (why: string) => void;
  hold(isAwaited: boolean): void;
}

/** Threads of Node's. Where the process ends while one waits for the GPU, or calls into the package, it aborts: so they end before. */
const threads = new Set<GpuThread>();

function endThreads(): void {
  const count = new Int32Array(new SharedArrayBuffer(4));
  for (const thread of threads) thread.postMessage(count);
  const end = performance.now() + LAST;
  for (let ended = 0; ended < threads.size && performance.now() < end; ended = Atomics.load(count, 0)) wait(count, 0, ended);
}

function startWorker(): Talk {
  const node = host.process?.getBuiltinModule?.("node:worker_threads");
  if (node !== undefined) {
    const worker = new node.Worker(program, { eval: true, execArgv: [] });
    if (threads.size === 0) host.process?.once("exit", endThreads);
    threads.add(worker);
    const talk: Talk = {
      post: (message, transfer) => worker.postMessage(message, transfer), onMessage: () => {}, onEnd: () => {},
      hold: (isAwaited) => (isAwaited ? worker.ref() : worker.unref()),
    };
    worker.on("message", (message: unknown) => talk.onMessage(message));
    worker.on("error", (error: Error) => talk.onEnd(error.message));
    worker.on("exit", () => {
      threads.delete(worker);
      if (threads.size === 0) host.process?.removeListener("exit", endThreads);
      talk.onEnd("its thread was stopped");
    });
    return talk;
  }
  const worker = new Worker(URL.createObjectURL(new Blob([program], { type: "text/javascript" })));
  const talk: Talk = {
    post: (message, transfer) => worker.postMessage(message, transfer as Transferable[]), onMessage: () => {}, onEnd: () => {}, hold: () => {},
  };
  worker.onmessage = ({ data }) => talk.onMessage(data);
  worker.onerror = (event) => {
    event.preventDefault();
    talk.onEnd(event.message || "the page's policy forbids its thread (worker-src blob: would allow it)");
  };
  return talk;
}

/** Waits for a while. Only a window may not sleep; it looks again and again. */
function wait(words: Int32Array, index: number, value: number): void {
  try {
    Atomics.wait(words, index, value, PATIENCE);
  } catch {
    for (const end = performance.now() + PATIENCE; Atomics.load(words, index) === value && performance.now() < end; );
  }
}

/** Milliseconds after which one who waits looks whether the GPU is still there. */
const PATIENCE = 500;
/** Milliseconds in which a thread ends, unless something is wrong. */
const LAST = 10_000;

const canShare = (): boolean => typeof SharedArrayBuffer === "function" && host.crossOriginIsolated !== false;

/** Words for what a worker finds: more than its text has. */
const STARTED = 8192;
/** Milliseconds in which a worker starts, also where all are busy. */
const SLOWEST = 60_000;

/** Starts an engine in a worker. `link` is the way to it, when what it has found is there. */
function start(path: Path): { readonly talk: Talk; readonly started: Int32Array; link(): Link } {
  const talk = startWorker();
  const [sees, started] = [life.size, STARTED].map((words) => new Int32Array(new SharedArrayBuffer(4 * words)));
  talk.post({ path, sees, started } satisfies Start, []);
  const link = (): Link => {
    const { found, limits } = JSON.parse(String.fromCharCode(...started.subarray(2, 2 + started[1]))) as Started;
    if (limits === null) throw errorFor(found as string);
    const link: Link = {
      limits, sees, canWait: true, wait, hold: talk.hold, onTold: () => {},
      ask: (asked) => talk.post(asked, asked.flatMap((ask) => (ask.kind === "write" ? ask.data.buffer : []))),
      answer: (bytes) => new SharedArrayBuffer(bytes),
    };
    talk.onMessage = (told) => { if (told !== null) link.onTold(told as Told); };
    talk.onEnd = () => link.onTold({ kind: "lost" });
    return link;
  };
  return { talk, started, link };
}

function inThreadOfItsOwn(path: Path): Promise<Link> {
  const { talk, link } = start(path);
  talk.hold(true);
  return new Promise<void>((resolve, reject) => {
    talk.onEnd = (why) => reject(missing(why));
    talk.onMessage = () => resolve();
  }).finally(() => talk.hold(false)).then(link);
}

async function inCallersThread(path: Path): Promise<Link> {
  const found = await find(path, (path) => import(/* @vite-ignore */ path));
  if (typeof found === "string") throw errorFor(found);
  const sees = new Int32Array(life.size);
  const running: Engine = engine(found.gpu, sees, (told) => link.onTold(told));
  const link: Link = {
    limits: found.limits, sees, canWait: false, wait, hold: () => {}, onTold: () => {},
    ask: (asked) => running.ask(asked), answer: (bytes) => new ArrayBuffer(bytes),
  };
  return link;
}

/**
 * An engine on a GPU of this machine.
 * @throws DeviceError where there is none, which says what to install
 */
export async function connect(thread?: Thread): Promise<Link> {
  const path = packagePath();
  if (thread === "caller" || (thread === undefined && !canShare())) return inCallersThread(path);
  const link = inThreadOfItsOwn(path);
  // A page's policy may forbid workers, and some browsers have WebGPU in windows alone.
  return thread === undefined && path === null ? link.catch(() => inCallersThread(path)) : link;
}

/**
 * The same for one who waits, in Node and Deno: nothing else is done there meanwhile.
 * @throws DeviceError as `connect` rejects with
 */
export function connectNow(): Link {
  const { talk, started, link } = start(packagePath());
  talk.hold(false);
  for (const end = performance.now() + SLOWEST; Atomics.load(started, 0) === 0; wait(started, 0, 0)) {
    if (performance.now() > end) throw missing(`its thread has said nothing for ${SLOWEST / 1000} seconds.`);
  }
  return link();
}
