/** What batching may assume of an operation that says so. */
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
} as const;
export type Role = (typeof Role)[keyof typeof Role];
