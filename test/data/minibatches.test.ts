import { describe, expect, it } from "vitest";
import { minibatches, StreamError, sampleCount, shuffled } from "../../src/data/index.ts";
import { evaluate, input, Random, seed, ShapeError, ValueError, type Variable } from "../../src/index.ts";
import { onBoth } from "../devices/unwaited.ts";

const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);
async function collect<T>(samples: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const sample of samples) found.push(sample);
  return found;
}
async function* stream(n: number, fail?: Error): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) {
    if (i % 3 === 0) await Promise.resolve();
    yield i;
  }
  if (fail !== undefined) throw fail;
}

describe("the number of samples of a batch", () => {
  it("is known of minibatches", async () => {
    expect([...minibatches({ x: input([[1], [2], [3]]), y: [0, 1, 2] }, 2)].map(sampleCount)).toEqual([2, 1]);
    expect([...minibatches(numbers(5), 3)].map(sampleCount)).toEqual([3, 2]);
    expect((await collect(minibatches(() => stream(5), 3))).map(sampleCount)).toEqual([3, 2]);
  });

  it("is known of nothing else: one sequence looks the same", () => {
    for (const batch of [{ x: input([[1], [2]]), y: [0, 1] }, [1, 2], input([1]), 3, "ab", null, undefined]) expect(sampleCount(batch)).toBe(null);
  });
});

describe("minibatches of samples", () => {
  it("are arrays in order, the last with what is left", () => {
    expect([...minibatches(numbers(7), 3)]).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect([...minibatches(numbers(7), 3, { dropLast: true })]).toEqual([[0, 1, 2], [3, 4, 5]]);
    expect([...minibatches(numbers(6), 3)]).toEqual([[0, 1, 2], [3, 4, 5]]);
    expect([...minibatches(numbers(2), 10)]).toEqual([[0, 1]]);
    expect([...minibatches(numbers(2), 10, { dropLast: true })]).toEqual([]);
    expect([...minibatches(numbers(2), 1)]).toEqual([[0], [1]]);
  });

  it("can be gone through again, shuffled anew", () => {
    const batches = minibatches(shuffled(numbers(8), { random: new Random(1) }), 4);
    const passes = [[...batches].flat(), [...batches].flat()];
    expect(passes[0]).not.toEqual(passes[1]);
    for (const pass of passes) expect(pass.toSorted((a, b) => a - b)).toEqual(numbers(8));
  });

  it("of a stream are waited for, and only as many samples are taken as are used", async () => {
    expect(await collect(minibatches(stream(5), 2))).toEqual([[0, 1], [2, 3], [4]]);
    expect(await collect(minibatches(() => stream(5), 2, { dropLast: true, count: 5 }))).toEqual([[0, 1], [2, 3]]);
    expect((await collect(minibatches(shuffled(() => stream(9), { buffer: 4, random: new Random(2) }), 3))).flat().toSorted((a, b) => a - b))
      .toEqual(numbers(9));
    let taken = 0;
    let closed = false;
    async function* counted() {
      try {
        for (;;) yield taken++;
      } finally {
        closed = true;
      }
    }
    for await (const batch of minibatches(counted, 3)) if (batch[0] >= 6) break;
    expect([taken, closed]).toEqual([9, true]);
  });

  it("say where a stream failed, with the cause and how many samples had come", async () => {
    const cause = new Error("connection lost");
    const error = await collect(minibatches(stream(5, cause), 2)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(StreamError);
    expect(error).toMatchObject({ message: "The stream of samples failed after 5: connection lost", samples: 5, cause });
    const inner = await collect(minibatches(shuffled(stream(5, cause), { buffer: 1 }), 2)).catch((e: unknown) => e);
    expect(inner).toMatchObject({ samples: 5, cause });
    const thrown = await collect(minibatches({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject("text") }) } as AsyncIterable<number>, 2))
      .catch((e: unknown) => e);
    expect(thrown).toMatchObject({ message: "The stream of samples failed after 0: text" });
  });

  it("hand over the full batches before a failure", async () => {
    const seen: number[][] = [];
    await expect((async () => { for await (const batch of minibatches(stream(5, new Error("x")), 2)) seen.push(batch); })()).rejects.toThrow(StreamError);
    expect(seen).toEqual([[0, 1], [2, 3]]);
  });

  it("say when a stream ends early or gives nothing", async () => {
    await expect(collect(minibatches(stream(5), 2, { count: 8 }))).rejects.toThrow("The stream ended after 5 of 8 samples.");
    const once = stream(4);
    expect(await collect(minibatches(once, 2))).toHaveLength(2);
    await expect(collect(minibatches(once, 2))).rejects.toThrow(/gave no samples.*a function that makes a new one/);
    expect(() => [...minibatches([], 2)]).toThrow(StreamError);
    expect([...minibatches([], 2, { count: 0 })]).toEqual([]);
  });

  it("do not touch what the loop itself throws", async () => {
    await expect((async () => { for await (const _ of minibatches(stream(5), 2)) throw new RangeError("mine"); })()).rejects.toThrow(RangeError);
  });

  it("refuse", () => {
    for (const size of [0, -1, 1.5, NaN, "2"]) expect(() => minibatches([1], size as number)).toThrow(ValueError);
    for (const source of [null, undefined, 5, "text", input([1, 2])]) expect(() => minibatches(source as unknown as number[], 1)).toThrow(ValueError);
    expect(() => minibatches([1], 1, { count: -1 })).toThrow(ValueError);
    expect(() => minibatches([1], 1, { shuffle: true } as object)).toThrow(/shuffled\(samples\)/);
    expect(() => minibatches([1], 1, null as unknown as object)).toThrow(ValueError);
    expect(() => [...(minibatches(stream(3), 1) as unknown as Iterable<number[]>)]).toThrow(/for await/);
  });
});

describe("minibatches of a table", () => {
  const table = { x: input([[1, 2], [3, 4], [5, 6]]), y: Int32Array.of(0, 1, 2), name: ["a", "b", "c"] };

  it("have the same columns", () => {
    const batches = [...minibatches(table, 2)];
    expect(batches.map(({ x }) => x.toArray())).toEqual([[[1, 2], [3, 4]], [[5, 6]]]);
    expect(batches.map(({ y }) => y)).toEqual([Int32Array.of(0, 1), Int32Array.of(2)]);
    expect(batches.map(({ name }) => name)).toEqual([["a", "b"], ["c"]]);
    expect([...minibatches(table, 2, { dropLast: true })]).toHaveLength(1);
    expect([...minibatches({ x: input([[[1]], [[2]]]) }, 1)].map(({ x }: { x: Variable }) => x.shape)).toEqual([[1, 1, 1], [1, 1, 1]]);
    expect([...minibatches({ x: input([7, 8]) }, 5)][0].x.toArray()).toEqual([7, 8]);
  });

  it("keep rows together when shuffled, and are shuffled anew at each pass", () => {
    const n = 40;
    const wide = { x: input(numbers(n).map((i) => [i, -i])), y: Float64Array.from(numbers(n)) };
    const batches = minibatches(wide, 16, { shuffle: new Random(1) });
    const passes = [[...batches], [...batches]];
    for (const pass of passes) {
      expect(pass.map(({ y }) => y.length)).toEqual([16, 16, 8]);
      for (const { x, y } of pass) expect(x.toArray()).toEqual(Array.from(y, (i) => [i, -i]));
      expect(pass.flatMap(({ y }) => [...y]).toSorted((a, b) => a - b)).toEqual(numbers(n));
    }
    expect(passes[0][0].y).not.toEqual(passes[1][0].y);
    seed(1);
    expect([...minibatches(wide, 16, { shuffle: true })].map(({ y }) => y)).toEqual(passes[0].map(({ y }) => y));
  });

  it("stay on a device that cannot be waited for where they are there", async () => {
    await onBoth(async () => {
      const columns = evaluate(() => ({ x: input([[1, 2], [3, 4], [5, 6]]).mul(2), t: input([1, 2, 3]).add(1) }));
      const batches = minibatches({ ...columns, y: [0, 1, 2] }, 2, { shuffle: new Random(1) });
      const inside = evaluate(() => [...batches].map(({ x }) => x.mul(2)));
      return Promise.all([...batches].map(async ({ x, t, y }, i) => [x.shape, await x.read(), await t.read(), y, await inside[i].read()]));
    });
  });

  it("refuse", () => {
    expect(() => minibatches({ x: input([1, 2]), y: [1] }, 1)).toThrow(ShapeError);
    expect(() => minibatches({ x: input(1) }, 1)).toThrow(ShapeError);
    expect(() => minibatches({ x: [] }, 1)).toThrow(ShapeError);
    expect(() => minibatches({}, 1)).toThrow(ValueError);
    expect(() => minibatches({ x: 5 as unknown as number[] }, 1)).toThrow(ValueError);
    expect(() => minibatches(table, 0)).toThrow(ValueError);
    expect(() => minibatches(table, 1, { count: 3 } as object)).toThrow(ValueError);
    expect(() => minibatches(table, 1, { shuffle: 3 as unknown as Random })).toThrow(ValueError);
  });
});
