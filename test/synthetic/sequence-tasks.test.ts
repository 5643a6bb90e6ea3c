import { describe, expect, it } from "vitest";
import { Random, seed, ValueError } from "../../src/index.ts";
import { AddTask, BabiTask, CopyTask, type Length, type TaskOptions, XorTask } from "../../src/synthetic/index.ts";

const tasks: Record<string, (length: Length, options?: TaskOptions) => { sample(n: number): unknown[] }> = {
  XorTask: (length, options) => new XorTask(length, options),
  AddTask: (length, options) => new AddTask(length, options),
  CopyTask: (length, options) => new CopyTask(length, options),
  BabiTask: (length, options) => new BabiTask(2, { length, ...options }),
};
const plain = (samples: unknown[]) => JSON.stringify(samples, (_, value) =>
  (typeof value === "object" && value !== null && "toArray" in value ? (value as { toArray(): unknown }).toArray() : value));

describe.each(Object.entries(tasks))("%s", (_, make) => {
  it("is determined by its generator, or by the seed, and goes on in it", () => {
    const draw = (random?: Random) => plain(make([4, 9], random === undefined ? {} : { random }).sample(8));
    expect(draw(new Random(1))).toBe(draw(new Random(1)));
    expect(draw(new Random(1))).not.toBe(draw(new Random(2)));
    seed(1);
    expect(draw()).toBe(draw(new Random(1)));
    const task = make(6, { random: new Random(3) });
    expect(plain(task.sample(3))).not.toBe(plain(task.sample(3)));
    expect(plain(make(6, { random: new Random(3) }).sample(6))).toBe(((t) => plain([...t.sample(2), ...t.sample(4)]))(make(6, { random: new Random(3) })));
  });

  it("refuses other lengths, numbers and generators", () => {
    for (const length of [0, -1, 2.5, NaN, "3", [5, 4], [3], [2, Infinity]]) expect(() => make(length as Length)).toThrow(ValueError);
    for (const n of [0, -1, 1.5, NaN, undefined]) expect(() => make(5).sample(n as number)).toThrow(ValueError);
    expect(() => make(5, { random: Math.random as unknown as Random })).toThrow(ValueError);
  });
});

describe("XorTask", () => {
  it("labels each step with the parity of the bits so far", () => {
    const samples = new XorTask([1, 7], { random: new Random(1) }).sample(500);
    expect(new Set(samples.map(({ y }) => y.length))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]));
    let ones = 0;
    let steps = 0;
    for (const { x, y } of samples) {
      expect(x.shape).toEqual([y.length, 2]);
      const bits = (x.toArray() as number[][]).map(([zero, one]) => {
        expect(zero + one).toBe(1);
        return one;
      });
      let sum = 0;
      bits.forEach((bit, t) => {
        sum += bit;
        expect(y[t]).toBe(sum % 2);
      });
      ones += sum;
      steps += bits.length;
    }
    expect(Math.abs(ones / steps - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / steps));
  });

  it("can have one step", () => { expect(new XorTask(1).sample(1)[0].x.shape).toEqual([1, 2]); });
});

describe("AddTask", () => {
  it("marks one number in each half, and asks for their sum", () => {
    const samples = new AddTask([2, 9], { random: new Random(1) }).sample(2000);
    let squares = 0;
    for (const { x, y } of samples) {
      const rows = x.toArray() as number[][];
      const marked = rows.flatMap(([, mark], t) => (mark === 1 ? [t] : []));
      expect(rows.every(([value, mark]) => value >= 0 && value < 1 && (mark === 0 || mark === 1))).toBe(true);
      expect(marked).toHaveLength(2);
      expect(marked[0]).toBeLessThan(Math.floor(rows.length / 2));
      expect(marked[1]).toBeGreaterThanOrEqual(Math.floor(rows.length / 2));
      // x has been rounded to float32; the values of the generator are exact there.
      expect(y).toBe(rows[marked[0]][0] + rows[marked[1]][0]);
      squares += (y - 1) ** 2;
    }
    // Always answering 1 errs by 1/6; the variance of (y − 1)² is 1/15 − 1/36.
    expect(Math.abs(squares / 2000 - 1 / 6)).toBeLessThan(5 * Math.sqrt((1 / 15 - 1 / 36) / 2000));
  });

  it("needs two steps", () => { expect(() => new AddTask(1)).toThrow(ValueError); });
});

describe("CopyTask", () => {
  it("gives letters, blanks, a mark, and wants the letters", () => {
    const task = new CopyTask(5, { letters: 4, length: 3, random: new Random(1) });
    expect([task.features, task.classes, task.blank]).toEqual([6, 5, 4]);
    const seen = new Set<number>();
    for (const { x, y } of task.sample(50)) {
      expect(x.shape).toEqual([11, 6]);
      const symbols = (x.toArray() as number[][]).map((row) => {
        expect(row.filter((value) => value === 1)).toHaveLength(1);
        expect(row.filter((value) => value === 0)).toHaveLength(5);
        return row.indexOf(1);
      });
      const letters = symbols.slice(0, 3);
      for (const letter of letters) seen.add(letter);
      expect(symbols.slice(3)).toEqual([4, 4, 4, 4, 5, 4, 4, 4]);
      expect([...y]).toEqual([4, 4, 4, 4, 4, 4, 4, 4, ...letters]);
    }
    expect(seen).toEqual(new Set([0, 1, 2, 3]));
  });

  it("has the paper's sizes unless told", () => {
    const { x, y } = new CopyTask(100).sample(1)[0];
    expect(x.shape).toEqual([120, 10]);
    expect(y).toHaveLength(120);
    expect(y.indexOf(8)).toBe(0);
  });

  it("may have delays of different lengths, from 1 on", () => {
    const task = new CopyTask([1, 4], { letters: 2, length: 1, random: new Random(2) });
    expect(new Set(task.sample(100).map(({ y }) => y.length))).toEqual(new Set([3, 4, 5, 6]));
    const { x } = new CopyTask(1, { letters: 2, length: 1 }).sample(1)[0];
    expect((x.toArray() as number[][]).map((row) => row.indexOf(1)).slice(1)).toEqual([3, 2]);
  });

  it("refuses other sizes", () => {
    expect(() => new CopyTask(5, { letters: 0 })).toThrow(ValueError);
    expect(() => new CopyTask(5, { length: 1.5 })).toThrow(ValueError);
    expect(() => new CopyTask(5, null as unknown as object)).toThrow(ValueError);
  });
});
