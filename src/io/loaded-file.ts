/** A file that has been read, wholly or in part. */

import { CheckpointError } from "./errors.ts";

/** The bytes of a file, or only those of its header and of some tensors. */
export class LoadedFile {
  /** What was read besides the beginning, by the place where it begins. */
  private readonly further = new Map<number, Uint8Array>();

  constructor(
    /** How messages call it. */
    readonly name: string,
    readonly path: string | null,
    /** From the beginning on. */
    readonly bytes: Uint8Array,
    /** The length of the whole file. */
    readonly size: number,
  ) {}

  add(begin: number, bytes: Uint8Array): void { if (bytes.length > 0) this.further.set(begin, bytes); }

  /** The bytes of a tensor that was read. */
  at({ begin, end }: { readonly begin: number; readonly end: number }): Uint8Array {
    // An empty one begins where another does.
    if (begin === end) return new Uint8Array(0);
    return end <= this.bytes.length ? this.bytes.subarray(begin, end) : (this.further.get(begin) as Uint8Array);
  }

  /** The error for a file that is not as it should be. */
  damaged(problem: string, options?: ErrorOptions): CheckpointError {
    return new CheckpointError(`${this.name} was not loaded: ${problem}`, this.path, options);
  }
}
