/** How a launch lies in memory: kernel (its place in the table), bytes to the next launch, operand addresses, parameters. */

import type { Layout } from "../../kernels/layout.ts";
import { type Body, type Local, range } from "./assembler.ts";

/** Bytes before the first operand. */
export const HEADER = 8;

/** Leaves a word of the launch: operands come first. */
export const loadWord = (f: Body, k: number, launch: Local = 0): Body => f.get(launch).i32Load(HEADER + 4 * k);

/** Loads a word into a local. */
export function word(f: Body, k: number): Local {
  const local = f.local();
  loadWord(f, k).set(local);
  return local;
}

/** So many words, from one on. */
export const words = (f: Body, first: number, count: number): Local[] => range(count).map((k) => word(f, first + k));

/** Loads the parameters of a launch with so many operands. */
export function parameters<Name extends string>(f: Body, operands: number, layout: Layout<Name>): Record<Name, Local> {
  return Object.fromEntries(Object.keys(layout).map((name, i) => [name, word(f, operands + i)])) as Record<Name, Local>;
}

/** bytes(local) = 4 · elements. */
export const toBytes = (f: Body, elements: Local): Body => f.get(elements).i32(2).i32Shl();

/**
 * Visits every place of a launch's outer axes, innermost first: its number is taken apart by their sizes.
 * @param rank how many axes there are
 * @param first which word the first one begins with: of each there are its size and the strides of all operands
 * @param used the operands that are asked for, of which `bases` says where they begin, and `at` where they are at the place
 */
export function eachPlace(
  f: Body, rank: Local, first: number, used: readonly number[], bases: readonly Local[], at: readonly Local[], visit: () => void,
): void {
  const [places, place, rest, axis, end, position] = f.locals(6);
  const load = (k: number): Body => loadWord(f, first + k, axis);
  const eachAxis = (visit: () => void): void => {
    f.get(0).set(axis);
    f.while(() => f.get(axis).get(end).i32LtU(), () => {
      visit();
      f.increment(axis, 4 * (1 + bases.length));
    });
  };
  f.get(0).get(rank).i32(4 * (1 + bases.length)).i32Mul().i32Add().set(end);
  f.i32(1).set(places);
  eachAxis(() => {
    f.get(places);
    load(0).i32Mul().set(places);
  });
  f.while(() => f.get(place).get(places).i32LtU(), () => {
    for (const k of used) f.get(bases[k]).set(at[k]);
    f.get(place).set(rest);
    eachAxis(() => {
      f.get(rest);
      load(0).i32RemU().i32(2).i32Shl().set(position);
      f.get(rest);
      load(0).i32DivU().set(rest);
      for (const k of used) load(1 + k).get(position).i32Mul().get(at[k]).i32Add().set(at[k]);
    });
    visit();
    f.increment(place, 1);
  });
}

/** The fork's place in the table. */
export const FORK = 0;

/**
 * What may run side by side is a launch of the fork, the first function of the table: after the header how many parts there are, how many
 * launches of the program they are, for each part how many bytes after the fork it begins, and the bytes of all. A part is one or more launches.
 */
export const forkHeader = (parts: number): number => FORK_PARTS + 4 * (parts + 1);
/** Where in a fork the places of its parts begin. */
export const FORK_PARTS = HEADER + 8;

/** Where memory has what threads tell each other, by byte address. Words that different threads write are on lines of their own. */
export const control = {
  /** Eight bytes: how many parts nobody has taken yet, and where their fork is. */
  ticket: 0,
  /** How many workers take parts at the moment. */
  active: 64,
  /** Does the caller's thread sleep until there is none? */
  waiting: 68,
  /** How many workers sleep. */
  sleepers: 72,
  /** How many have started. */
  started: 76,
  /** Has one of them failed? */
  failed: 80,
  /** How many may take parts. */
  limit: 128,
  /** The chain of modules: address of the next, how long the table is with it, bytes, and the bytes. */
  modules: 132,
  /** How often the chain has begun anew. */
  generation: 136,
} as const;
export const CONTROL_BYTES = 192;
