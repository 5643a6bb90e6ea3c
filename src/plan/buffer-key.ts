/** What a buffer is, as one number: the values of an outside array, its gradient, or a node that a look has pinned. */
export const bufferKey = {
  value: (array: number): number => array * 2,
  gradient: (array: number): number => array * 2 + 1,
  pinned: (node: number): number => ~node,
} as const;
