/** What stacking, batching and the placing of arrays may assume of an operation that says so. */

import type { Trace } from "./trace.ts";

export const Role = {
  /** Elementwise. */
  map: 1,
  /** The elementwise sum of two. */
  add: 2,
  /** Input 0 in another shape. */
  view: 3,
  /** Moves elements; costs what a copy costs, or nothing. */
  move: 4,
  /** A matrix product with the attributes of plan/product.ts. */
  product: 5,
  /** Looks up entries of input 0 along attribute 0, by indices in input 1. */
  gather: 6,
  /** Adds input 1 to zeros, at indices in input 0, along attribute 0. */
  scatterAdd: 7,
  /** The sum over axes: attributes from 1 on. */
  sum: 8,
  /** For each row, along the last axis of input 0, by itself; all inputs have the same other axes. No attributes. */
  row: 9,
} as const;
export type Role = (typeof Role)[keyof typeof Role];

/** Is the k-th input of operations of a role a matrix or a table, one for all members, with what belongs to it? */
export const isShared = (role: Role | 0, k: number): boolean => (role === Role.product && k > 0) || (role === Role.gather && k === 0);

/** Roles of operations, at their ids' last bits: operations are objects of many forms, and looking at them is slow. */
const CACHED = 4096;
const ids = new Int32Array(CACHED).fill(-1);
const roles = new Uint8Array(CACHED);

/** The role of a node's operation, 0 for none. */
export function roleOf(trace: Trace, node: number): Role | 0 {
  const id = trace.words[trace.start[node]];
  const place = id & (CACHED - 1);
  if (ids[place] !== id) {
    ids[place] = id;
    roles[place] = (trace.operations[node] as { readonly role?: Role }).role ?? 0;
  }
  return roles[place] as Role | 0;
}
