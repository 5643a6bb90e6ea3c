import { describe, expect, it } from "vitest";
import { Interned } from "../../src/plan/interned.ts";
import { Random } from "../../src/index.ts";

function numberOf(interned: Interned, words: readonly number[]): number {
  for (const word of words) interned.add(word);
  return interned.number();
}

describe("interned sequences", () => {
  it("get numbers in the order in which they first come, equal ones the same", () => {
    const interned = new Interned();
    const sequences = [[1, 2], [], [1], [2, 1], [1, 2, 0], [-1], [2 ** 31 - 1, -(2 ** 31)]];
    expect(sequences.map((words) => numberOf(interned, words))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect([...sequences].reverse().map((words) => numberOf(interned, words))).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(interned.count).toBe(7);
  });

  it("keep their numbers while the table grows", () => {
    for (const count of [10, 300, 100_000]) {
      const interned = new Interned();
      const random = new Random(3);
      const expected = new Map<string, number>();
      for (let i = 0; i < count; i++) {
        const words = Array.from({ length: random.integer(0, 5) }, () => random.integer(-9, 9));
        const key = words.join();
        const number = expected.get(key) ?? expected.size;
        expected.set(key, number);
        if (numberOf(interned, words) !== number) throw new Error(`${key} got another number than ${number}`);
      }
      expect(interned.count).toBe(expected.size);
    }
  });
});
