/** Types that Node and browsers declare, each in its own way. Programs that are compiled with neither's declarations get the part that is used here. */

export type Url = typeof globalThis extends { URL: { prototype: infer T } } ? T : { readonly href: string; readonly protocol: string };

export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer T } } ? T : {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
};

/** What differs between Node and browsers for who starts threads. */
export interface Host {
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly process?: { getBuiltinModule?(name: "node:worker_threads"): { Worker: NodeWorker }; getBuiltinModule?(name: "node:os"): Cores };
}
interface Cores { availableParallelism(): number }
export interface Thread { postMessage(message: object): void; terminate(): unknown }
interface NodeThread extends Thread {
  unref(): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "exit", listener: () => void): void;
}
type NodeWorker = new (program: string, options: { eval: true; execArgv: string[] }) => NodeThread;

/** What finds installed packages in Node. */
export interface PackageHost {
  readonly process?: {
    readonly argv: readonly string[];
    cwd(): string;
    getBuiltinModule?(name: "node:module"): { createRequire(from: string): { resolve(name: string): string } };
  };
}

/** WebGPU, which Node declares nothing of. */
type Gpu = typeof globalThis extends { GPU: { prototype: infer T } } ? T : object;

/** What differs between Node and browsers for who looks for a GPU. Node has it by a package. */
export interface GpuHost {
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly gpu?: Gpu };
  readonly process?: {
    once(event: "exit", listener: () => void): unknown;
    removeListener(event: "exit", listener: () => void): unknown;
    getBuiltinModule?(name: "node:worker_threads"): { readonly Worker: new (program: string, options: { eval: true; execArgv: [] }) => GpuThread };
    getBuiltinModule?(name: "node:url"): { pathToFileURL(path: string): { readonly href: string } };
  };
  /** What the package has created: were it collected, the process would end. */
  flimsyGpu?: Gpu;
}
/** A thread of Node's that keeps the process alive only while somebody waits for it. */
export interface GpuThread {
  postMessage(message: unknown, transfer?: readonly unknown[]): void;
  on(event: "message", listener: (message: unknown) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "exit", listener: () => void): void;
  ref(): void;
  unref(): void;
}
export interface GpuPackage {
  create(options: string[]): Gpu;
  readonly globals: object;
}

/** What calls functions of shared libraries: each runtime has its own, and Node of some versions none. */
export interface ForeignHost {
  readonly process?: {
    readonly platform: string;
    readonly execArgv?: readonly string[];
    readonly allowedNodeEnvironmentFlags?: ReadonlySet<string>;
    readonly permission?: { has(scope: string): boolean };
    emitWarning(message: string): void;
    listenerCount(event: "warning"): number;
    getBuiltinModule?(name: "node:ffi"): NodeFfi | undefined;
    getBuiltinModule?(name: "bun:ffi"): BunFfi | undefined;
    getBuiltinModule?(name: "node:module"): { createRequire(from: string): (name: string) => unknown };
  };
  readonly Deno?: DenoFfi;
}
type Callable = (...values: (number | bigint)[]) => unknown;
export interface NodeFfi {
  readonly DynamicLibrary: new (path: string) => {
    getFunction(name: string, signature: { readonly arguments: readonly string[]; readonly return: string }): Callable;
  };
  getRawPointer(view: ArrayBufferView): bigint;
  toString(address: bigint): string;
}
export interface Koffi {
  load(path: string): { func(name: string, result: string, parameters: readonly string[]): Callable };
  address(view: ArrayBufferView): bigint;
}
interface BunFfi {
  dlopen(path: string, symbols: Record<string, { readonly args: readonly string[]; readonly returns: string }>): { readonly symbols: Record<string, Callable> };
  ptr(view: ArrayBufferView): number;
}
interface DenoFfi {
  dlopen(path: string, symbols: Record<string, { readonly parameters: readonly string[]; readonly result: string }>): {
    readonly symbols: Record<string, Callable>;
  };
  readonly UnsafePointer: { of(view: ArrayBufferView): object; value(pointer: object): bigint };
  readonly UnsafePointerView: new (pointer: object) => { getCString(): string };
  readonly permissions: { querySync(of: { readonly name: "ffi" }): { readonly state: string } };
}
