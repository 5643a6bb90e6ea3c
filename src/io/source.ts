/** Where a file comes from: a path, or its bytes. */

import { ValueError } from "../index.ts";
import { isUrl } from "../support/arrays.ts";
import { openFile } from "../support/files.ts";
import type { Url } from "../support/platform.ts";
import { CheckpointError } from "./errors.ts";
import { pathOf } from "./files.ts";
import { headerLength, type Placed, parseHeader } from "./safetensors.ts";

/** A path or file URL (in Node), or the bytes of a file. */
export type Source = string | Url | ArrayBufferLike | ArrayBufferView;

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

  add(begin: number, bytes: Uint8Array): void { this.further.set(begin, bytes); }

  /** The bytes of a tensor that was read. */
  at({ begin, end }: Placed): Uint8Array { return end <= this.bytes.length ? this.bytes.subarray(begin, end) : (this.further.get(begin) as Uint8Array); }

  /** The error for a file that is not as it should be. */
  damaged(problem: string, options?: ErrorOptions): CheckpointError {
    return new CheckpointError(`${this.name} was not loaded: ${problem}`, this.path, options);
  }
}

/**
 * Reads a file.
 * @param some which tensors to read, besides the header; all unless given
 * @throws FileError where it cannot be read; ValueError for what is no source; UsageError for a path outside of Node
 */
export function load(caller: string, source: Source, some?: (tensor: Placed) => boolean): LoadedFile {
  if (typeof source === "string" || isUrl(source)) {
    const path = pathOf(caller, source, `In a browser, give ${caller} the ArrayBuffer of a response: await (await fetch(url)).arrayBuffer().`);
    const file = openFile(path);
    try {
      const first = file.read(0, 8);
      const length = headerLength(first, file.size);
      // Where the header cannot be sound, its length says it all; the rest is not read.
      if (typeof length === "string") return new LoadedFile(path, path, first, file.size);
      const head = new LoadedFile(path, path, file.read(0, 8 + length), file.size);
      const { tensors } = parseHeader(head); // before room is made for what it announces
      if (some !== undefined) {
        for (const tensor of [...tensors.values()].filter(some)) head.add(tensor.begin, file.read(tensor.begin, tensor.end));
        return head;
      }
      const bytes = file.read(0, file.size);
      return new LoadedFile(path, path, bytes, bytes.length);
    } finally {
      file.close();
    }
  }
  const bytes = bytesFrom(source);
  if (bytes === null) throw new ValueError(`${caller} takes a path, a file URL, an ArrayBuffer or a typed array with the bytes of a file, but got ${describeSource(source)}.`);
  return new LoadedFile("The given data", null, bytes, bytes.length);
}

function bytesFrom(source: unknown): Uint8Array | null {
  try {
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    if (/^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(source))) return new Uint8Array(source as ArrayBuffer);
  } catch {
    // The buffer has been transferred to another thread.
  }
  return null;
}

function describeSource(source: unknown): string {
  if (typeof source !== "object" || source === null) return typeof source === "function" ? "a function" : String(source);
  return typeof (source as { then?: unknown }).then === "function" ? "a promise: await it first" : `a value of type ${Object.prototype.toString.call(source).slice(8, -1)}`;
}
