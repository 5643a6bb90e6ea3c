/**
 * What every device can do. Nothing above this room knows a pointer or a buffer's inside, nor that a run has been done when it has been asked for:
 * a device may answer later.
 */

import type { FloatArray, HostFunction } from "../kernels/kernel.ts";
import { maxElements } from "../support/shape.ts";
import type { Journal } from "./journal.ts";
import type { Buffer } from "./residency.ts";

/** What long-lived memory is for; `memory()` reports by these. */
export type MemoryKind = "parameters" | "gradients" | "optimizer" | "state" | "inputs";
/** Bytes by what they are for. */
export type DeviceMemory = Record<MemoryKind | "arena" | "plans" | "kernels", number>;

/**
 * A plan in the form that devices take: a list of launches as words.
 * Each launch: kernel id, number of words of the launch, then (space, offset) of each operand, then the parameters.
 * Space 0 is the arena of the step, space k > 0 is the k-th bound buffer. Offsets count elements.
 * Every value in the arena starts at a multiple of `policy.unit` elements and has room up to the next multiple.
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

/** The elements that an array of a size takes, where arrays begin at multiples of `unit`, a power of two. */
export const aligned = (size: number, unit: number): number => (size + unit - 1) & -unit;

/** What a device can take, and what is worth while on it: plans are made accordingly, so other numbers may change the last bits of a sum. */
export interface Policy {
  /** Arrays begin at multiples of so many elements, a power of two. */
  readonly unit: number;
  /** The most elements that an array may have. */
  readonly maxElements: number;
  /** An input of so many elements stays on the device from the second step that uses it on. Below, copying it at each step costs less. */
  readonly residentSize: number;
  /** A structure seen this often is planned again with fusion: its kernels are worth compiling. */
  readonly fuseAfter: number;
  /** Structures of so many nodes are not planned again: the pause would be seconds. */
  readonly maxFusedNodes: number;
  /** So many elements are worked on at a time by operations that are made of several launches. */
  readonly chunkElements: number;
  /** Of pieces of one size so many elements stay free, that launches need not wait for who has read what was there. */
  readonly slack: number;
  /** The most strands of an operation: more would only take more memory. */
  readonly mostStrands: number;
  /** So many nanoseconds of work are worth a strand. */
  readonly strandWork: number;
}

/** A vector of float32: most kernels then have no remainder to treat. */
export const UNIT = 4;

/** The bytes of an array of float32: whole vectors. */
export const roomFor = (size: number): number => Math.max(UNIT, aligned(size, UNIT)) * 4;

/** That of devices which compute on the processor. Chunks are of 256 KiB, which stay in the second-level cache of any machine of these years. */
export const processorPolicy: Policy = {
  unit: UNIT, maxElements, residentSize: 1024, fuseAfter: 3, maxFusedNodes: 2 ** 18, chunkElements: 2 ** 16, slack: 0, mostStrands: 4, strandWork: 20_000,
};

/** A program prepared by a device. */
export interface Executable {
  /** Bytes that keeping it costs. */
  readonly bytes: number;
  /** Would it run at once, or would that wait for a compiler? Where it is not said it would run at once. */
  isReady?(): boolean;
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
  /** The library of this machine that computes larger products, with its version and the kernels that it uses; on the native device only. */
  readonly library?: string;
}

/** What a device that carries out several launches by one dispatch tells who reports on steps. */
export interface Dispatching {
  /** What it computes on. */
  readonly adapter: string;
  /** Can it measure launches? Where nobody can wait it does not either. */
  readonly hasClock: boolean;
  /** What steps have asked of it so far. */
  readonly traffic: { readonly submits: number; readonly reads: number; readonly bytesWritten: number; readonly bytesRead: number };
  dispatchesOf(executable: Executable): number;
}

/** A Storage that has no values yet. */
export interface NewArray {
  readonly size: number;
  on(device: Device): Buffer;
}

/**
 * What a device has that answers later. Everything is done in the order in which it was asked for. After a launch that fails nothing is written by
 * any that follow, of later steps too, until that has been reported: then, when it writes again, `journal` takes back what the host has noted of them.
 */
export interface Later {
  /** May a caller be made to wait? Else `read` and `readRegion` throw a DeviceError. */
  readonly canWait: boolean;
  readonly dispatching?: Dispatching;
  /** Why it is there no more; null while it is. */
  readonly failure: Error | null;
  readonly journal: Journal;
  /** Copies part of a region or a buffer to the beginning of a buffer. */
  copy(from: Region | Buffer, offset: number, size: number, to: Buffer): void;
  /** Gives a new array a copy of part of a region or a buffer, which stays on the device: `keepCopy` in `answers.ts`. */
  keepCopy<A extends NewArray>(array: A, from: Region | Buffer, offset: number): A;
  /** The values of a buffer as they are when all that was asked for before has been done. */
  read(buffer: Buffer): Promise<FloatArray>;
  /** Lets all that is on the device leave for the host, unless it is chosen again meanwhile. Where something has gone wrong it tells of that at the end. */
  leave(): Promise<void>;
}

export interface Device {
  readonly name: string;
  /** The array type of its numbers. */
  readonly FloatArray: Float32ArrayConstructor | Float64ArrayConstructor;
  readonly policy: Policy;
  /** A library that computes some launches, if there is one: does it compute the one that is in a program's words from `at` on? */
  readonly library?: { readonly name: string; computes(words: Int32Array, at: number): boolean };
  /** Null for a device on which a run has ended when `run` returns. */
  readonly later: Later | null;

  /** New memory, zeroed. Where there is too little, arrays that the running step does not use leave (`residency.ts`). */
  allocate(size: number, kind: MemoryKind): Buffer;
  write(buffer: Buffer, data: FloatArray): void;
  read(buffer: Buffer): FloatArray;

  prepare(program: Program): Executable;
  /**
   * Runs a program, or asks for it; throws a LaunchFault where a kernel refuses its data.
   * @param times is filled with the milliseconds that each launch takes, if given; with NaN where that cannot be measured
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
