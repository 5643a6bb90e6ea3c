/** Numbers at which functions are special. */

import { isOnGpu } from "../device.ts";
import { Tensor } from "./draw.ts";

/** −10⁻³⁸ is denormal, and its inverse still finite. GPUs may flush it. */
const specials = [0, -0, 1, -1, 0.5, -2.5, 3, 100, -100, 1e20, -1e20, 1e-30, isOnGpu ? -2e-38 : -1e-38, 3e38, -3e38, Infinity, -Infinity, NaN].map(Math.fround);

/** All combinations of them, as one array for each operand. */
export function combinations(count: number): Tensor[] {
  const total = specials.length ** count;
  return Array.from({ length: count }, (_, k) =>
    new Tensor([total], Float64Array.from({ length: total }, (_, i) => specials[Math.floor(i / specials.length ** k) % specials.length])));
}
