import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { philox4x32 } from "../../src/random/philox.ts";

const block = (counter: number[], key: number[]): string =>
  Array.from(philox4x32(counter, key, new Uint32Array(4)), (word) => word.toString(16).padStart(8, "0")).join(" ");

/** The definition in the paper, with exact integers. */
function philoxByDefinition(counter: readonly number[], key: readonly number[]): number[] {
  const mask = 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask];
    [k0, k1] = [(k0 + 0x9e3779b9n) & mask, (k1 + 0xbb67ae85n) & mask];
  }
  return [c0, c1, c2, c3].map(Number);
}

describe("philox4x32", () => {
  // The known answers that the authors publish with their library Random123 (kat_vectors, philox4x32 10).
  const ones = 0xffffffff;
  it.each([
    { counter: [0, 0, 0, 0], key: [0, 0], answer: "6627e8d5 e169c58d bc57ac4c 9b00dbd8" },
    { counter: [ones, ones, ones, ones], key: [ones, ones], answer: "408f276d 41c83b0e a20bc7c6 6d5451fd" },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      answer: "d16cfe09 94fdcceb 5001e420 24126ea1",
    },
  ])("gives the published answer $answer", ({ counter, key, answer }) => {
    expect(block(counter, key)).toBe(answer);
  });

  it("agrees with exact integer arithmetic everywhere", () => {
    const word = fc.oneof(fc.integer({ min: 0, max: ones }), fc.constantFrom(0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, ones));
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        expect([...philox4x32(counter, key, new Uint32Array(4))]).toEqual(philoxByDefinition(counter, key));
      }),
      { numRuns: 1000 },
    );
  });

  it("may write over its own counter", () => {
    const words = new Uint32Array(4);
    expect(philox4x32(words, [0, 0], words)).toBe(words);
    expect(words[0]).toBe(0x6627e8d5);
  });
});
