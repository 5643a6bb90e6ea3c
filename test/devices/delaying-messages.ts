/** What the delaying device and its thread tell each other. */

import type { MemoryKind, Program } from "../../src/devices/device.ts";
import type { FloatArray, HostArray, Kernel } from "../../src/kernels/kernel.ts";

export interface Settings {
  /** The words that both see: how many answers there are, how many of the host's, and the last run that has succeeded. */
  readonly shared: SharedArrayBuffer;
  /** The mean of what passes before and after each run and each answer, in milliseconds. */
  readonly delay: number;
  readonly seed: number;
  /** What computes. */
  readonly inner: "reference" | "wasm";
}

/** Part of a buffer, or of the region of a run; a size of −1 for all. */
export interface Place {
  readonly of: "buffer" | "region";
  readonly id: number;
  readonly offset: number;
  readonly size: number;
}

export type Asked =
  | { readonly kind: "allocate"; readonly id: number; readonly size: number; readonly memory: MemoryKind }
  | { readonly kind: "write"; readonly id: number; readonly data: FloatArray }
  | { readonly kind: "free"; readonly id: number }
  | {
    readonly kind: "prepare"; readonly id: number; readonly program: Omit<Program, "functions">; readonly kernels: ReadonlyMap<number, Kernel>;
    readonly functions: number;
  }
  | { readonly kind: "release"; readonly id: number }
  | {
    readonly kind: "run"; readonly number: number; readonly program: number; readonly scalars: Float64Array; readonly hosts: readonly FloatArray[];
    readonly bound: readonly Place[];
  }
  | { readonly kind: "copy"; readonly from: Place; readonly to: number }
  | { readonly kind: "endStep" }
  | { readonly kind: "read"; readonly request: number; readonly place: Place }
  | { readonly kind: "reset" };

export type Answer =
  | { readonly kind: "read"; readonly request: number; readonly values: FloatArray }
  | {
    readonly kind: "failed"; readonly number: number; readonly request?: number;
    /** What the device found, else the error; neither where a function of the host has thrown. */
    readonly fault: readonly [launch: number, reason: "index" | "nan", value: number, limit: number] | null; readonly error: Error | null;
  }
  | { readonly kind: "host"; readonly program: number; readonly place: number; readonly output: HostArray; readonly inputs: readonly HostArray[] };

/** What a function of the host has made; null if it has thrown. */
export type HostCall = FloatArray | null;
