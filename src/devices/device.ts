/**
 * What every device can do. Nothing above this room knows a pointer or a buffer's inside,
 * and nothing above it but `Variable.data` and `item()` relies on reading being synchronous.
 */

import type { FloatArray, HostFunction } from "../kernels/kernel.ts";
import type { Buffer } from "./residency.ts";

/** What long-lived memory is for; `memory()` reports by these. */
export type MemoryKind = "parameters" | "gradients" | "optimizer" | "state" | "inputs";
/** Bytes by what they are for. */
export type DeviceMemory = Record<MemoryKind | "arena" | "plans" | "kernels", number>;

/**
 * A plan in the form that devices take: a list of launches as words.
 * Each launch: kernel id, number of words of the launch, then (space, offset) of each operand, then the parameters.
 * Space 0 is the arena of the step, space k > 0 is the k-th bound buffer. Offsets count elements.
 * Every value in the arena starts at a multiple of 4 elements and has room up to the next multiple.
 */
export interface Program {
  readonly words: Int32Array;
  readonly launches: number;
  /**
   * Which launches may run side by side: for each place where some may, the number of *strands*, the words at which they begin, and the one
   * at which the last of them ends. No strand uses what another writes.
   */
  readonly strands: Int32Array;
  /** Elements that the arena needs. */
  readonly arena: number;
  /** Which scalars of the step are used; they are copied to the arena's beginning, one after another. */
  readonly scalars: Int32Array;
  /** Where in the arena each bound host array is copied. */
  readonly hosts: Int32Array;
  /** The functions of the host that it calls. They are the user's, and go when the program does. */
  readonly functions: readonly HostFunction[];
  /** How many buffers are bound. */
  readonly buffers: number;
  /** For a run that checks numbers: after launch i, look at `size` elements at (space, offset); four words each. */
  readonly checks: Int32Array | null;
}

/** A program prepared by a device. */
export interface Executable {
  /** Bytes that keeping it costs. */
  readonly bytes: number;
  release(): void;
}

/** Where a run's arena is; opaque. Valid until the step ends. */
export type Region = object | number;

/** How many threads compute. */
export interface ThreadReport {
  /** How many work on large launches now, with the caller's own. */
  readonly count: number;
  /** How many there may be. */
  readonly limit: number;
  /** Why `count` is less than `limit`, or why `limit` is 1; else empty. */
  readonly why: string;
}

export interface Device {
  readonly name: string;
  /** The array type of its numbers. */
  readonly FloatArray: Float32ArrayConstructor | Float64ArrayConstructor;

  /** New memory, zeroed. Where there is too little, arrays that the running step does not use leave (`residency.ts`). */
  allocate(size: number, kind: MemoryKind): Buffer;
  write(buffer: Buffer, data: FloatArray): void;
  read(buffer: Buffer): FloatArray;

  prepare(program: Program): Executable;
  /**
   * Runs a program; throws a LaunchFault where a kernel refuses its data.
   * @param times is filled with the milliseconds that each launch takes, if given
   */
  run(executable: Executable, scalars: Float64Array, hosts: readonly FloatArray[], buffers: readonly Buffer[], times?: Float64Array | null): Region;
  /** A copy of part of a region. */
  readRegion(region: Region, offset: number, size: number): FloatArray;
  /** Part of a region or of a buffer, as an operand of later runs of the same step. */
  view(base: Region | Buffer, offset: number, size: number): Buffer;
  /** Forgets all regions. */
  endStep(): void;

  /** Live bytes by kind, with the arena, the plans and what the engine has compiled, by estimate. */
  memory(): DeviceMemory;
}

/** A kernel met data that it cannot work with. The step turns this into an error that names the operation. */
export class LaunchFault extends Error {
  constructor(
    readonly launch: number,
    readonly reason: "index" | "nan",
    readonly value: number,
    readonly limit = 0,
  ) {
    super(`launch ${launch}: ${reason} ${value}`);
  }
}
