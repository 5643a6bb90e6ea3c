/** Random numbers. */

import { Random, type Shape } from "../../../src/index.ts";
import { uniform } from "../../../src/operations/uniform.ts";
import type { Entry } from "../entry.ts";
import { type Index, sizeOf } from "../plain.ts";
import { Tensor } from "../draw.ts";

/** Philox4x32-10 (Salmon et al., SC 2011) with unbounded integers: the words of a block. */
function philox(counter: readonly bigint[], [k0, k1]: readonly bigint[]): bigint[] {
  const word = (x: bigint): bigint => x & 0xffffffffn;
  let [a, b, c, d] = counter;
  for (let round = 0n; round < 10n; round++) {
    const [x, y] = [a * 0xd2511f53n, c * 0xcd9e8d57n];
    [a, b, c, d] = [(y >> 32n) ^ b ^ word(k0 + round * 0x9e3779b9n), word(y), (x >> 32n) ^ d ^ word(k1 + round * 0xbb67ae85n), word(x)];
  }
  return [a, b, c, d];
}

/** The numbers that a generator of this seed draws. Only its key and counter are taken from src/. */
export function uniformNumbers(shape: Index, seed: number): Tensor {
  const { key0, key1, counterLow, counterHigh } = new Random(seed).reserve(sizeOf(shape));
  const key = [key0, key1].map((half) => BigInt(half >>> 0));
  return new Tensor([...shape], Float64Array.from({ length: sizeOf(shape) }, (_, i) =>
    Number(philox([BigInt(counterLow) + BigInt(i >> 2), BigInt(counterHigh), 0n, 0n], key)[i % 4] >> 8n) / 2 ** 24));
}

export const entries = {
  uniform: {
    meaning: uniformNumbers,
    draw: (draw) => [draw.shape(), draw.random.integer(0, 1000)],
    f: (shape: Shape, seed: number) => uniform(shape, new Random(seed)),
    smooth: null,
  },
} satisfies Record<string, Entry>;
