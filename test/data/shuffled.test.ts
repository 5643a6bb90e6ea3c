import { describe, expect, it } from "vitest";
import { StreamError, shuffled } from "../../src/data/index.ts";
import { Random, seed, ValueError } from "../../src/index.ts";

const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);
const ascending = (a: number, b: number) => a - b;
async function collect<T>(samples: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const sample of samples) found.push(sample);
  return found;
}

describe("shuffled", () => {
  it("gives every sample of an array once, in another order at each pass, and leaves the array as it is", () => {
    const data = numbers(50);
    const samples = shuffled(data, { random: new Random(1) });
    const passes = [[...samples], [...samples]];
    for (const pass of passes) expect(pass.toSorted(ascending)).toEqual(data);
    expect(passes[0]).not.toEqual(passes[1]);
    expect(passes[0]).not.toEqual(data);
    expect(data).toEqual(numbers(50));
    expect([...shuffled([])]).toEqual([]);
    expect([...shuffled(["only"])]).toEqual(["only"]);
    expect([...shuffled(Int32Array.of(4, 5, 6))].toSorted(ascending)).toEqual([4, 5, 6]);
  });

  it("is determined by its generator, or by the seed", () => {
    const pass = (random: Random) => [...shuffled(numbers(20), { random })];
    expect(pass(new Random(5))).toEqual(pass(new Random(5)));
    expect(pass(new Random(5))).not.toEqual(pass(new Random(6)));
    seed(5);
    expect([...shuffled(numbers(20))]).toEqual(pass(new Random(5)));
    // A generator's state is enough to repeat a later pass.
    const random = new Random(5);
    const samples = shuffled(numbers(20), { random });
    void [...samples];
    const { state } = random;
    const second = [...samples];
    random.state = state;
    expect([...samples]).toEqual(second);
  });

  it("gives each order of an array equally often", () => {
    const counts = new Map<string, number>();
    const samples = shuffled(["a", "b", "c"], { random: new Random(2) });
    for (let i = 0; i < 6000; i++) {
      const order = [...samples].join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150); // five standard errors of 29
  });

  it("holds a buffer of a stream and chooses among it", async () => {
    async function* stream() { for (const i of numbers(100)) yield i; }
    const found = await collect(shuffled(stream, { buffer: 10, random: new Random(3) }));
    expect(found.toSorted(ascending)).toEqual(numbers(100));
    expect(found).not.toEqual(numbers(100));
    // The k-th sample to leave is among the first k + 10.
    found.forEach((sample, k) => { expect(sample).toBeLessThan(k + 11); });
    expect(await collect(shuffled(stream, { buffer: 1 }))).toEqual(numbers(100));
    const whole = await collect(shuffled(stream, { buffer: 100, random: new Random(3) }));
    expect(whole.toSorted(ascending)).toEqual(numbers(100));
  });

  it("takes a sync iterable or a function too, and an async pass over an array", async () => {
    function* generate() { yield* numbers(30); }
    const samples = shuffled(generate, { buffer: 5, random: new Random(4) });
    expect([...samples].toSorted(ascending)).toEqual(numbers(30));
    expect([...samples].toSorted(ascending)).toEqual(numbers(30));
    expect([...shuffled(new Set([1, 2]))].toSorted(ascending)).toEqual([1, 2]);
    expect((await collect(shuffled(numbers(5)) as unknown as AsyncIterable<number>)).toSorted(ascending)).toEqual(numbers(5));
  });

  it("closes the source when the pass is left", () => {
    let closed = 0;
    function* generate() {
      try {
        yield* numbers(30);
      } finally {
        closed++;
      }
    }
    for (const sample of shuffled(generate, { buffer: 3 })) if (sample >= 0) break;
    expect(closed).toBe(1);
    expect(() => { for (const _ of shuffled(generate, { buffer: 3 })) throw new RangeError("mine"); }).toThrow(RangeError);
    expect(closed).toBe(2);
  });

  it("says where a source failed", () => {
    function* generate() {
      yield* numbers(4);
      throw new Error("disk on fire");
    }
    const pass = () => [...shuffled(generate, { buffer: 2 })];
    expect(pass).toThrow(StreamError);
    expect(pass).toThrow("The stream of samples failed after 4: disk on fire");
  });

  it("refuses", () => {
    expect(() => shuffled(5 as unknown as number[])).toThrow(ValueError);
    expect(() => shuffled("abc" as unknown as string[])).toThrow(ValueError);
    expect(() => shuffled(Promise.resolve([]) as unknown as number[])).toThrow(ValueError);
    expect(() => shuffled([1], { random: 3 as unknown as Random })).toThrow(ValueError);
    expect(() => shuffled(numbers(2).values(), { buffer: 0 })).toThrow(ValueError);
    expect(() => [...shuffled((() => 5) as unknown as () => number[])]).toThrow(ValueError);
  });
});
