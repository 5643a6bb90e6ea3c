/** How many numbers become one, without float64: sums of blocks are added up as pairs, so that rounding does not grow with the number. */

import { identities, type Reduction } from "../../kernels/kernel.ts";
import { call, literal } from "./functions.ts";

/** So many numbers make a block. */
const BLOCK = 16;

export interface Accumulator {
  readonly begin: string;
  /** Takes the next number; `position` counts them from 0. */
  take(value: string, position: string): string;
  /** What has been taken, so that it can be put together with what others have taken: numbers of a type. */
  readonly taken: string;
  readonly type: "f32" | "vec2f";
  readonly nothing: string;
  together(a: string, b: string): string;
  /** The result of what has been taken. */
  result(taken: string): string;
}

/** An accumulator whose variables begin with `name`. */
export function accumulator(reduce: Reduction, name: string): Accumulator {
  if (reduce !== "sum") {
    const nothing = literal(identities[reduce]);
    const together = (a: string, b: string): string => call(reduce, a, b);
    return {
      begin: `var ${name} = ${nothing};`, take: (value) => `${name} = ${together(name, value)};`, taken: name, type: "f32", nothing, together,
      result: (taken) => taken,
    };
  }
  const block = `${name}Block`;
  return {
    begin: `var ${name} = vec2f(0.0); var ${block} = 0.0;`,
    take: (value, position) => `${block} = exactly(${block} + ${value});
if (${position} % ${BLOCK}u == ${BLOCK - 1}u) {
  ${name} = pairPlus(${name}, ${block});
  ${block} = 0.0;
}`,
    taken: `pairPlus(${name}, ${block})`, type: "vec2f", nothing: "vec2f(0.0)",
    together: (a, b) => `pairPlus(pairPlus(${a}, ${b}.x), ${b}.y)`,
    result: (taken) => `${taken}.x`,
  };
}

/** Where parts of a reduction are kept: two numbers each. */
export const stored = ({ type }: Accumulator, place: string, taken: string): string => (type === "f32" ? `heap[${place}] = ${taken};` : `let stored = ${taken};
heap[${place}] = stored.x; heap[${place} + 1u] = stored.y;`);
export const loaded = ({ type }: Accumulator, place: string): string => (type === "f32" ? `heap[${place}]` : `vec2f(heap[${place}], heap[${place} + 1u])`);
