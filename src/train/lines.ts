/** The lines of a file that may be larger than memory, and than the longest string: read in pieces. */

import type { OpenFile } from "../support/files.ts";

/** How much of a file is read at once, in bytes. A line that is longer is passed over. */
const PIECE = 8 * 2 ** 20;
const newline = 10;

/** A line in a file. */
export interface Line {
  /** Where it begins and ends in the file, with its newline if it has one. */
  readonly begin: number;
  readonly end: number;
  readonly text: string;
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** All lines that are not empty, in order. */
export function* linesOf(file: OpenFile, piece = PIECE): Generator<string> {
  let inLong = false;
  for (let begin = 0; ; ) {
    const bytes = file.read(begin, begin + piece);
    const isLast = bytes.length < piece;
    const end = isLast ? bytes.length : bytes.lastIndexOf(newline) + 1;
    if (end > 0) {
      const lines = textOf(bytes.subarray(0, end)).split("\n");
      // Of a long line this is the rest.
      for (const line of inLong ? lines.slice(1) : lines) if (line.trim() !== "") yield line;
    }
    if (isLast) return;
    inLong = end === 0;
    begin += end === 0 ? bytes.length : end;
  }
}

/** The lines from the last one back, up to one that is too long. */
export function* linesFromEnd(file: OpenFile, piece = PIECE): Generator<Line> {
  for (let end = file.size; end > 0; ) {
    const from = Math.max(0, end - piece);
    const bytes = file.read(from, end);
    const first = from === 0 ? 0 : bytes.indexOf(newline) + 1;
    if (first === bytes.length || (first === 0 && from > 0)) return;
    for (let at = bytes.length; at > first; ) {
      const begin = at < 2 ? 0 : bytes.lastIndexOf(newline, at - 2) + 1;
      yield { begin: from + begin, end: from + at, text: textOf(bytes.subarray(begin, at)) };
      at = begin;
    }
    end = from + first;
  }
}

/** The bytes of a file from its beginning to a place. */
export function* piecesOf(file: OpenFile, end: number, piece = PIECE): Generator<Uint8Array> {
  for (let begin = 0; begin < end; begin += piece) yield file.read(begin, Math.min(begin + piece, end));
}
