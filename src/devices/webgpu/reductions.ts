/** How many numbers become one, without float64: sums of blocks are added up as pairs, so that rounding does not grow with the number. */

import { identities, type Reduction } from "../../kernels/kernel.ts";
import { call, literal } from "./functions.ts";

/** So many numbers make a block. */
const BLOCK = 16;

export interface Accumulator {
  readonly begin: string;
  /** Takes the next number; `position` counts them from 0. */
  take(value: string, position: string): string;
  readonly result: string;
}

/** An accumulator whose variables begin with `name`. */
export function accumulator(reduce: Reduction, name: string): Accumulator {
  if (reduce !== "sum") {
    return { begin: `var ${name} = ${literal(identities[reduce])};`, take: (value) => `${name} = ${call(reduce, name, value)};`, result: name };
  }
  const block = `${name}Block`;
  return {
    begin: `var ${name} = vec2f(0.0); var ${block} = 0.0;`,
    take: (value, position) => `${block} = exactly(${block} + ${value});
if (${position} % ${BLOCK}u == ${BLOCK - 1}u) {
  ${name} = pairPlus(${name}, ${block});
  ${block} = 0.0;
}`,
    result: `pairPlus(${name}, ${block}).x`,
  };
}
