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

  it("can be dropped while they are written", () => {
    const interned = new Interned();
    numberOf(interned, [1]);
    interned.add(5);
    interned.drop();
    expect(numberOf(interned, [1])).toBe(0);
    interned.add(1);
    interned.drop();
    expect(numberOf(interned, [5])).toBe(1);
  });

  it("keep their numbers while the table grows, and are forgotten at a reset, also of a huge one", () => {
    const interned = new Interned();
    for (const count of [10, 100_000, 300]) {
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
      interned.reset();
      expect(interned.count).toBe(0);
    }
  });

  it("take no time at a reset because there once were many", () => {
    const [small, huge] = [new Interned(), new Interned()];
    for (let i = 0; i < 400_000; i++) numberOf(huge, [i]);
    const time = (interned: Interned): number => {
      const start = performance.now();
      for (let i = 0; i < 50; i++) interned.reset();
      return performance.now() - start;
    };
    const best = (interned: Interned): number => Math.min(...Array.from({ length: 10 }, () => time(interned)));
    // Clearing a table for 400,000 each time took a thousand times longer than for none.
    expect(best(huge)).toBeLessThan(50 * best(small) + 1);
  });
});
