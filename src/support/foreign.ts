/** Functions of shared libraries that are on the machine already, called on addresses, by whatever the runtime has for it. */

import { DeviceError } from "./errors.ts";
import type { ForeignHost, Koffi } from "./platform.ts";
import { warnOnce } from "./warn.ts";

/** What a function takes and gives. Addresses, and what it takes as integers of 64 bits, are bigints; a text is only given. */
export type ForeignType = "void" | "i32" | "i64" | "f32" | "f64" | "address" | "text";
export type ForeignFunction = (...values: (number | bigint)[]) => unknown;

export interface Library {
  /** A function by its name; throws where the library has none. Nobody checks that it takes and gives what is said here. */
  find(name: string, gives: ForeignType, takes: readonly ForeignType[]): ForeignFunction;
}

/** A way to call foreign functions. */
export interface Foreign {
  /** Whose. */
  readonly by: "node:ffi" | "koffi" | "Deno.dlopen" | "bun:ffi";
  /** Throws what the runtime says where there is no such library, or it may not be used. */
  open(path: string): Library;
  /** Where a view begins. It stays there while its memory does not grow. */
  addressOf(view: ArrayBufferView): bigint;
}

/**
 * Gives a way, or null where the runtime has not got it. These functions are text in the programs of workers: so they use nothing from outside.
 * @param koffi the path of that package, null where it is not installed
 * @param warn is told in one line what the runtime has to say about it
 */
export type Look = (host: ForeignHost, koffi: string | null, warn: (line: string) => void) => Foreign | null;

export function throughDeno({ Deno }: ForeignHost): Foreign | null {
  if (Deno === undefined) return null;
  const types = { void: "void", i32: "i32", i64: "i64", f32: "f32", f64: "f64", address: "u64", text: "pointer" };
  return {
    by: "Deno.dlopen",
    open(path) {
      Deno.dlopen(path, {});
      return {
        find(name, gives, takes) {
          const call = Deno.dlopen(path, { [name]: { parameters: takes.map((type) => types[type]), result: types[gives] } }).symbols[name];
          return gives === "text" ? (...values) => new Deno.UnsafePointerView(call(...values) as object).getCString() : call;
        },
      };
    },
    addressOf: (view) => BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(view))),
  };
}

export function throughBun({ process }: ForeignHost): Foreign | null {
  const bun = process?.getBuiltinModule?.("bun:ffi");
  if (bun === undefined) return null;
  const types = { void: "void", i32: "i32", i64: "i64", f32: "f32", f64: "f64", address: "u64", text: "cstring" };
  return {
    by: "bun:ffi",
    open(path) {
      try {
        bun.dlopen(path, { nothing: { args: [], returns: "void" } }); // it wants to be asked for something
      } catch (error) {
        if ((error as { code?: string }).code === "ERR_DLOPEN_FAILED") throw error;
      }
      return {
        find(name, gives, takes) {
          const call = bun.dlopen(path, { [name]: { args: takes.map((type) => types[type]), returns: types[gives] } }).symbols[name];
          return gives === "text" ? (...values) => String(call(...values)) : call;
        },
      };
    },
    addressOf: (view) => BigInt(bun.ptr(view)),
  };
}

export function throughNode({ process }: ForeignHost, _koffi: string | null, warn: (line: string) => void): Foreign | null {
  if (process === undefined) return null;
  // Node says in two lines that it is experimental.
  const { emitWarning } = process;
  process.emitWarning = (message) => { if (process.listenerCount("warning") > 0) warn(`node:ffi: ${message}.`); };
  const node = process.getBuiltinModule?.("node:ffi");
  process.emitWarning = emitWarning;
  if (node === undefined) return null;
  const types = { void: "void", i32: "int32", i64: "int64", f32: "float", f64: "double", address: "pointer", text: "pointer" };
  return {
    by: "node:ffi",
    open(path) {
      const library = new node.DynamicLibrary(path);
      return {
        find(name, gives, takes) {
          const call = library.getFunction(name, { arguments: takes.map((type) => types[type]), return: types[gives] });
          return gives === "text" ? (...values) => node.toString(call(...values) as bigint) : call;
        },
      };
    },
    addressOf: (view) => node.getRawPointer(view),
  };
}

export function throughKoffi({ process }: ForeignHost, koffi: string | null): Foreign | null {
  const nodeModule = koffi === null ? undefined : process?.getBuiltinModule?.("node:module");
  if (koffi === null || nodeModule === undefined) return null;
  const { load, address } = nodeModule.createRequire(koffi)(koffi) as Koffi;
  const types = { void: "void", i32: "int32_t", i64: "int64_t", f32: "float", f64: "double", address: "uint64_t", text: "str" };
  return {
    by: "koffi",
    open(path) {
      const library = load(path);
      return { find: (name, gives, takes) => library.func(name, types[gives], takes.map((type) => types[type])) };
    },
    addressOf: (view) => BigInt(address(view)),
  };
}

const looks: readonly Look[] = [throughDeno, throughBun, throughNode, throughKoffi];

/** The text of that list, for the programs of workers. Where a build keeps names, as tsx does, functions call its helper. */
export const program = `
const __name = (named) => named;
const looks = [${throughDeno}, ${throughBun}, ${throughNode}, ${throughKoffi}];
`;

const host = globalThis as ForeignHost;

/**
 * The way to foreign functions that this runtime has.
 * @param koffi where that package is
 * @throws DeviceError where there is none, which says how to get one
 */
export function foreign(koffi: string | null): Foreign {
  for (const look of looks) {
    const found = look(host, koffi, (line) => warnOnce("ffi", line));
    if (found !== null) return found;
  }
  const hasFlag = host.process?.allowedNodeEnvironmentFlags?.has("--experimental-ffi");
  throw new DeviceError(
    "This runtime cannot call functions of other libraries. " +
      (hasFlag ? "Start it with node --experimental-ffi, or npm install koffi." : "Use Node 26 or later, which has node:ffi, or npm install koffi."),
    "missing",
  );
}

/** What workers have to be started with, to have foreign functions too. */
export const foreignFlags = (): string[] => host.process?.execArgv?.filter((flag) => flag === "--experimental-ffi") ?? [];

/** Why a library that is there may not be opened; empty where nothing forbids it. */
export function forbidden(): string {
  if (host.Deno !== undefined) return host.Deno.permissions.querySync({ name: "ffi" }).state === "granted" ? "" : "Deno needs --allow-ffi for it.";
  return host.process?.permission?.has("ffi") === false ? "Node's permission model needs --allow-ffi for it." : "";
}
