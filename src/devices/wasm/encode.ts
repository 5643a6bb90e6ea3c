/** A program as it lies in memory, with real addresses. */

import { kernelById, operandCount } from "../../kernels/kernel.ts";
import { aligned, type Program, UNIT } from "../device.ts";
import { type Cut, partStart } from "./cut.ts";
import type { KernelTable } from "./kernels.ts";
import { kindOf } from "./kinds.ts";
import { FORK, FORK_PARTS, forkHeader, HEADER } from "./layout.ts";

/** A program, and what of it is cut, by the launch's place in its words. */
export interface Cuttable {
  readonly program: Program;
  readonly cuts: ReadonlyMap<number, Cut>;
  /** Of both. */
  readonly bytes: number;
}

/**
 * Writes the launches of a program from word `to` on, with real addresses, and returns where they end.
 * `places`, if given, is told for each space which words are addresses in it, and their offsets.
 */
export function encode(
  { program: { words, strands }, cuts }: Cuttable, bases: ArrayLike<number>, kernels: KernelTable, i32: Int32Array, to: number, places: number[][] | null,
): number {
  for (let at = 0, strandsAt = 0; at < words.length; ) {
    const cut = cuts.get(at);
    if (strands[strandsAt + 1] === at) {
      let launches = 0;
      const fork = writeFork(strands[strandsAt++], () => {
        for (const end = strands[++strandsAt]; at < end; at += words[at + 1], launches++) writeLaunch(at, null, 0);
      });
      i32[fork + 3] = launches;
      strandsAt++;
      continue;
    }
    if (cut === undefined) writeLaunch(at, null, 0);
    else writeFork(cut.parts, (part) => writeLaunch(at, cut, part));
    at += words[at + 1];
  }
  return to;

  /** A fork of one launch or, as is to be written into its fourth word, of several. */
  function writeFork(parts: number, writePart: (part: number) => void): number {
    const fork = to;
    to += forkHeader(parts) / 4;
    for (let part = 0; part < parts; part++) {
      i32[fork + FORK_PARTS / 4 + part] = (to - fork) * 4;
      writePart(part);
    }
    const bytes = (to - fork) * 4;
    i32.set([FORK, bytes, parts, 1], fork);
    i32[fork + FORK_PARTS / 4 + parts] = bytes;
    return fork;
  }

  /** A launch, or a part of one. */
  function writeLaunch(at: number, cut: Cut | null, part: number): void {
    const id = words[at];
    const kernel = kernelById(id);
    const kind = kindOf(kernel);
    const operands = operandCount(id);
    const parameters = at + 2 + 2 * operands;
    const end = at + words[at + 1];
    const from = cut === null ? 0 : partStart(cut, part);
    const launch = to;
    i32[to] = kernels.place(id);
    to += HEADER / 4;
    for (let k = 0; k < operands; k++) {
      const space = words[at + 2 + 2 * k];
      const offset = words[at + 3 + 2 * k] + (cut === null ? 0 : from * cut.steps[k]);
      if (space > 0) places?.[space].push(to, offset);
      i32[to++] = bases[space] + offset * 4;
    }
    const first = to;
    for (let i = parameters; i < end; i++) i32[to++] = words[i];
    if (cut !== null) i32[first + cut.parameter] = partStart(cut, part + 1) - from;
    const rounded = kind.roundsUp?.(kernel, words, parameters) ?? -1;
    if (rounded >= 0) i32[first + rounded] = aligned(i32[first + rounded], UNIT);
    if (kind.more !== undefined) i32[to++] = kind.more(words, parameters, from);
    i32[launch + 1] = (to - launch) * 4;
  }
}

/** For each space, the words of the encoded launches that are addresses in it. */
export function operandPlaces(executable: Cuttable, kernels: KernelTable): Int32Array[] {
  const places: number[][] = Array.from({ length: executable.program.buffers + 1 }, () => []);
  encode(executable, places.map(() => 0), kernels, new Int32Array(executable.bytes / 4 - executable.program.words.length), 0, places);
  return places.map((list) => Int32Array.from(list));
}
