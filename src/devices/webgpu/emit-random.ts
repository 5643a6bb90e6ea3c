/** The random kernel: a thread for each block of Philox4x32-10 (Salmon et al. 2011), bit for bit what other devices draw. */

import { operandsAndParameters, shader } from "./shader.ts";

const ROUNDS = 10;
/** Halves of words that say where to begin. */
export const BITS = 8;
/** Numbers of a block. */
export const DRAWN = 4;

export const emitRandom = (): string =>
  shader(`${operandsAndParameters(["out", "bits"], "random")}
var key = vec2u(fromHalves(bits), fromHalves(bits + 2u));
let low = fromHalves(bits + 4u);
let high = fromHalves(bits + 6u);
var counter = vec4u(low + i, high + select(0u, 1u, low + i < low), 0u, 0u);
for (var round = 0u; round < ${ROUNDS}u; round++) {
  let a = counter.x * 0xd2511f53u;
  let b = counter.z * 0xcd9e8d57u;
  counter = vec4u(mulHigh(0xcd9e8d57u, counter.z) ^ counter.y ^ key.x, b, mulHigh(0xd2511f53u, counter.x) ^ counter.w ^ key.y, a);
  key += vec2u(0x9e3779b9u, 0xbb67ae85u);
}
for (var k = 0u; k < ${DRAWN}u; k++) {
  if (${DRAWN}u * i + k < n) { heap[out + ${DRAWN}u * i + k] = f32(counter[k] >> 8u) * ${1 / 2 ** 24}; }
}`);
