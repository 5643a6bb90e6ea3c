/** Where a file comes from: a path, or its bytes. */

import { isUrl, kindOf } from "../support/arrays.ts";
import { openFile } from "../support/files.ts";
import type { Url } from "../support/platform.ts";
import { refusal } from "../support/check.ts";
import { pathOf } from "./files.ts";
import { LoadedFile } from "./loaded-file.ts";
import { headerLength, type Placed, parseHeader } from "./safetensors.ts";

/** A path or file URL (in Node), or the bytes of a file. */
export type Source = string | Url | ArrayBufferLike | ArrayBufferView;

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
  if (bytes === null) throw refusal(caller, "a path, a file URL, an ArrayBuffer or a typed array with the bytes of a file", source);
  return new LoadedFile("The given data", null, bytes, bytes.length);
}

function bytesFrom(source: unknown): Uint8Array | null {
  try {
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    if (/^(Shared)?ArrayBuffer$/.test(kindOf(source))) return new Uint8Array(source as ArrayBuffer);
  } catch {
    // The buffer has been transferred to another thread.
  }
  return null;
}
