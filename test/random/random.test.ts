import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ValueError } from "../../src/support/errors.ts";
import { boxMuller } from "../../src/random/box-muller.ts";
import { philox4x32 } from "../../src/random/philox.ts";
import { defaultRandom, Random, type RandomBlocks, seed } from "../../src/random/random.ts";

/** The words of consecutive blocks, as a device kernel computes them. */
function words(blocks: RandomBlocks, n: number): number[] {
  const first = blocks.counterHigh * 2 ** 32 + blocks.counterLow;
  const result: number[] = [];
  for (let block = first; result.length < n; block++) {
    const counter = [block >>> 0, Math.floor(block / 2 ** 32), 0, 0];
    result.push(...philox4x32(counter, [blocks.key0, blocks.key1], new Uint32Array(4)));
  }
  return result.slice(0, n);
}

const unit = (word: number): number => (word >>> 8) / 2 ** 24;
const mean = (xs: ArrayLike<number>): number => Array.from(xs).reduce((a, b) => a + b, 0) / xs.length;
const moment = (xs: ArrayLike<number>, k: number): number => mean(Array.from(xs, (x) => x ** k));

/**
 * Pearson's statistic, as a number of standard deviations above its mean: χ² with k degrees of freedom has mean k and
 * variance 2k. The seeds are fixed, so a test either always passes or never; 4 is exceeded by chance in about 1 of 5000.
 */
function chiSquareExcess(counts: ArrayLike<number>, expected: (i: number) => number): number {
  let statistic = 0;
  for (let i = 0; i < counts.length; i++) statistic += (counts[i] - expected(i)) ** 2 / expected(i);
  const freedom = counts.length - 1;
  return (statistic - freedom) / Math.sqrt(2 * freedom);
}

describe("uniform", () => {
  it("is the documented function of the seed", () => {
    const random = new Random(0);
    expect([random.uniform(), random.uniform(), random.uniform(), random.uniform()]).toEqual(
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8].map(unit),
    );
    const large = new Random(5 * 2 ** 32 + 7);
    const expected = words({ key0: 7, key1: 5, counterLow: 0, counterHigh: 0 }, 9).map(unit);
    expect(Array.from({ length: 9 }, () => large.uniform())).toEqual(expected);
  });

  it("carries into the upper counter word", () => {
    const random = new Random(3);
    random.state = { seed: 3, counter: 4 * (2 ** 32 - 1) + 2 };
    const expected = words({ key0: 3, key1: 0, counterLow: 0xffffffff, counterHigh: 0 }, 8).map(unit);
    expect([...random.uniformArray(6)]).toEqual(expected.slice(2));
    expect(random.state.counter).toBe(4 * (2 ** 32 + 1));
  });

  it("has the moments of a uniform distribution", () => {
    const n = 200_000;
    const xs = new Random(1).uniformArray(n);
    // The standard error of the mean of xᵏ is below 0.3/√n ≈ 0.0007.
    for (const k of [1, 2, 3, 4]) expect(Math.abs(moment(xs, k) - 1 / (k + 1))).toBeLessThan(0.003);
  });

  it.each([0, 1, 42, 2 ** 40 + 1])("fills cells evenly, alone and in pairs (seed %d)", (start) => {
    const random = new Random(start);
    const n = 1 << 18;
    const single = new Float64Array(256);
    const pairs = new Float64Array(256);
    let before = random.uniform();
    for (let i = 0; i < n; i++) {
      const x = random.uniform();
      single[Math.floor(x * 256)]++;
      pairs[Math.floor(before * 16) * 16 + Math.floor(x * 16)]++;
      before = x;
    }
    expect(Math.abs(chiSquareExcess(single, () => n / 256))).toBeLessThan(4);
    expect(Math.abs(chiSquareExcess(pairs, () => n / 256))).toBeLessThan(4);
  });

  it("stays in [low, high)", () => {
    const random = new Random(2);
    for (let i = 0; i < 1000; i++) {
      const x = random.uniform(-3, 5);
      expect(x >= -3 && x < 5).toBe(true);
    }
    const next = 1 + Number.EPSILON;
    for (const x of random.uniformArray(100, 1, next)) expect(x).toBe(1);
  });
});

describe("normal", () => {
  it("is Box–Muller of two uniform numbers", () => {
    const bits = words({ key0: 9, key1: 0, counterLow: 0, counterHigh: 0 }, 4).map((word) => word >>> 8);
    const random = new Random(9);
    expect(random.normal()).toBe(boxMuller(bits[0], bits[1]));
    expect(random.normal(10, 2)).toBe(10 + 2 * boxMuller(bits[2], bits[3]));
    expect(random.state.counter).toBe(4);
  });

  it("has the moments of a normal distribution", () => {
    const n = 400_000;
    const xs = new Random(4).normalArray(n);
    // Standard errors: √((2k−1)!!/n) for odd and even moments alike, at most √(10395/n) for k = 6.
    const expected = [0, 1, 0, 3, 0, 15];
    const error = [1, 2, 15, 96, 945, 10170];
    expected.forEach((value, i) => {
      expect(Math.abs(moment(xs, i + 1) - value)).toBeLessThan(4 * Math.sqrt(error[i] / n));
    });
  });

  it("has the quantiles of a normal distribution", () => {
    const n = 100_000;
    // The deciles of the standard normal distribution.
    const deciles = [-1.2815515655, -0.8416212336, -0.5244005127, -0.2533471031, 0, 0.2533471031, 0.5244005127, 0.8416212336, 1.2815515655];
    const counts = new Float64Array(10);
    for (const x of new Random(5).normalArray(n)) counts[deciles.filter((d) => d <= x).length]++;
    expect(Math.abs(chiSquareExcess(counts, () => n / 10))).toBeLessThan(4);
  });

  it("takes a mean and a standard deviation", () => {
    const xs = new Random(6).normalArray(100_000, -2, 0.5);
    expect(mean(xs)).toBeCloseTo(-2, 2);
    expect(moment(xs, 2) - mean(xs) ** 2).toBeCloseTo(0.25, 2);
    expect(new Random(6).normal(3, 0)).toBe(3);
  });
});

describe("arrays", () => {
  it("are what as many single calls give", () => {
    const [one, many] = [new Random(7), new Random(7)];
    expect([...many.uniformArray(7, -1, 2)]).toEqual(Array.from({ length: 7 }, () => one.uniform(-1, 2)));
    expect([...many.normalArray(5, 1, 3)]).toEqual(Array.from({ length: 5 }, () => one.normal(1, 3)));
    expect(many.state).toEqual(one.state);
    expect(many.uniformArray(0)).toEqual(new Float64Array(0));
  });
});

describe("integer", () => {
  it("gives every integer of the range equally often", () => {
    const random = new Random(8);
    const counts = new Float64Array(7);
    for (let i = 0; i < 70_000; i++) counts[random.integer(-3, 4) + 3]++;
    expect(Math.abs(chiSquareExcess(counts, () => 10_000))).toBeLessThan(4);
  });

  it("is unbiased where the range does not divide 2³²", () => {
    // Of 2³² words, three quarters make the range; a remainder would give the lower third twice as often.
    const range = 3 * 2 ** 30;
    const counts = new Float64Array(3);
    const random = new Random(9);
    for (let i = 0; i < 30_000; i++) counts[Math.floor(random.integer(0, range) / 2 ** 30)]++;
    expect(Math.abs(chiSquareExcess(counts, () => 10_000))).toBeLessThan(4);
  });

  it("covers ranges of more than 32 bits", () => {
    const random = new Random(10);
    const counts = new Float64Array(8);
    const range = 2 ** 53 - 2 ** 50;
    for (let i = 0; i < 14_000; i++) {
      const x = random.integer(0, range);
      expect(Number.isSafeInteger(x) && x >= 0 && x < range).toBe(true);
      counts[Math.floor(x / 2 ** 50)]++;
    }
    expect(counts[7]).toBe(0);
    expect(Math.abs(chiSquareExcess(counts.subarray(0, 7), () => 2000))).toBeLessThan(4);
  });

  it("stays in its half-open range", () => {
    const bound = fc.integer({ min: -1000, max: 1000 });
    fc.assert(
      fc.property(fc.nat(), bound, fc.integer({ min: 1, max: 50 }), (start, low, range) => {
        const x = new Random(start).integer(low, low + range);
        expect(Number.isInteger(x) && x >= low && x < low + range).toBe(true);
      }),
    );
  });
});

describe("shuffle", () => {
  it("permutes in place and returns the array", () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.integer()), (start, elements) => {
        const shuffled = [...elements];
        expect(new Random(start).shuffle(shuffled)).toBe(shuffled);
        const byValue = (a: number, b: number) => a - b;
        expect(shuffled.toSorted(byValue)).toEqual(elements.toSorted(byValue));
      }),
    );
    const typed = new Random(1).shuffle(Int32Array.from({ length: 100 }, (_, i) => i));
    expect(typed).not.toEqual(typed.toSorted());
    expect(typed.toSorted()).toEqual(Int32Array.from({ length: 100 }, (_, i) => i));
  });

  it("makes every order equally likely", () => {
    const random = new Random(11);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = random.shuffle(["a", "b", "c", "d"]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(Math.abs(chiSquareExcess([...counts.values()], () => 1000))).toBeLessThan(4);
  });
});

describe("choice", () => {
  it("takes every element equally often", () => {
    const random = new Random(12);
    const counts = { a: 0, b: 0, c: 0 };
    for (let i = 0; i < 30_000; i++) counts[random.choice(["a", "b", "c"] as const)]++;
    expect(Math.abs(chiSquareExcess(Object.values(counts), () => 10_000))).toBeLessThan(4);
  });

  it("follows weights, which need not sum to 1", () => {
    const random = new Random(13);
    const weights = [0, 1, 2, 0, 5, 0];
    const counts = new Float64Array(6);
    for (let i = 0; i < 40_000; i++) counts[random.choice([0, 1, 2, 3, 4, 5], weights)]++;
    expect([counts[0], counts[3], counts[5]]).toEqual([0, 0, 0]);
    const likely = [1, 2, 4];
    expect(Math.abs(chiSquareExcess(likely.map((i) => counts[i]), (i) => 5000 * weights[likely[i]]))).toBeLessThan(4);
  });

  it("takes from typed arrays and strings", () => {
    expect(new Random(0).choice(Float32Array.of(1.5))).toBe(1.5);
    expect(new Random(0).choice("x")).toBe("x");
  });
});

describe("state", () => {
  it("goes on where it was, through JSON, from any position", () => {
    for (let taken = 0; taken < 10; taken++) {
      const random = new Random(14);
      random.uniformArray(taken);
      const saved = JSON.parse(JSON.stringify(random.state));
      expect(saved).toEqual({ seed: 14, counter: taken });
      const after = [random.uniform(), random.normal(), random.integer(0, 100)];
      const other = new Random(99);
      other.state = saved;
      expect([other.uniform(), other.normal(), other.integer(0, 100)]).toEqual(after);
      random.state = saved;
      expect(random.uniform()).toBe(after[0]);
    }
  });

  it("is unchanged by a bad state", () => {
    const random = new Random(15);
    random.uniform();
    expect(() => { random.state = { seed: 15, counter: -1 }; }).toThrow(ValueError);
    expect(() => { random.state = { seed: 0.5, counter: 1 }; }).toThrow(ValueError);
    expect(() => { random.state = null as never; }).toThrow(ValueError);
    expect(random.state).toEqual({ seed: 15, counter: 1 });
  });
});

describe("reserve", () => {
  it("gives the blocks that uniform would have used", () => {
    for (const taken of [0, 1, 3, 4, 6]) {
      for (const n of [0, 1, 4, 5, 8, 17]) {
        const device = new Random(2 ** 33 + 1);
        device.uniformArray(taken);
        const blocks = device.reserve(n);
        const host = new Random(2 ** 33 + 1);
        host.uniformArray(Math.ceil(taken / 4) * 4);
        expect(words(blocks, n).map(unit)).toEqual([...host.uniformArray(n)]);
        // Both go on at the next whole block.
        host.reserve(0);
        expect(device.state).toEqual(host.state);
        expect(device.uniform()).toBe(host.uniform());
      }
    }
  });

  it("splits the block number into two unsigned words", () => {
    const random = new Random(0);
    random.state = { seed: 2 ** 53 - 1, counter: 4 * (6 * 2 ** 32 + 0xfffffffe) };
    expect(random.reserve(12)).toEqual({ key0: 0xffffffff, key1: 2 ** 21 - 1, counterLow: 0xfffffffe, counterHigh: 6 });
    expect(random.reserve(1)).toMatchObject({ counterLow: 1, counterHigh: 7 });
  });
});

describe("the default generator", () => {
  it("is there for all to see", () => {
    expect(Random.default).toBe(defaultRandom());
  });

  it("starts with seed 0 and again with each seed", () => {
    expect(defaultRandom().state).toEqual({ seed: 0, counter: 0 });
    const random = defaultRandom();
    const first = random.uniform();
    expect(first).toBe(new Random(0).uniform());
    seed(5);
    expect(defaultRandom()).toBe(random);
    expect(random.uniform()).toBe(new Random(5).uniform());
    seed(0);
    expect(random.uniform()).toBe(first);
  });
});

describe("bad arguments", () => {
  const random = new Random(0);
  const bad: [string, () => unknown][] = [
    ["a seed that is not an integer", () => new Random(1.5)],
    ["a negative seed", () => new Random(-1)],
    ["a NaN seed", () => new Random(Number.NaN)],
    ["an infinite seed", () => new Random(Number.POSITIVE_INFINITY)],
    ["a seed above 2⁵³ − 1", () => new Random(2 ** 53)],
    ["a seed that is no number", () => new Random("1" as never)],
    ["no seed", () => new Random(undefined as never)],
    ["a bad default seed", () => seed(-1)],
    ["uniform with low = high", () => random.uniform(1, 1)],
    ["uniform with one argument above 1", () => random.uniform(2)],
    ["uniform to NaN", () => random.uniform(0, Number.NaN)],
    ["uniform to infinity", () => random.uniform(0, Number.POSITIVE_INFINITY)],
    ["uniform over more than all numbers", () => random.uniform(-Number.MAX_VALUE, Number.MAX_VALUE)],
    ["a negative standard deviation", () => random.normal(0, -1)],
    ["a NaN mean", () => random.normal(Number.NaN)],
    ["integer with low = high", () => random.integer(3, 3)],
    ["integer with low > high", () => random.integer(4, 3)],
    ["integer of fractions", () => random.integer(0, 1.5)],
    ["integer without a range", () => random.integer(3, undefined as never)],
    ["integer over more than 53 bits", () => random.integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)],
    ["choice of nothing", () => random.choice([])],
    ["choice of null", () => random.choice(null as never)],
    ["choice with too few weights", () => random.choice([1, 2], [1])],
    ["choice with a negative weight", () => random.choice([1, 2], [1, -1])],
    ["choice with a NaN weight", () => random.choice([1, 2], [1, Number.NaN])],
    ["choice with all weights 0", () => random.choice([1, 2], [0, 0])],
    ["shuffle of a string", () => random.shuffle("abc" as never)],
    ["shuffle of null", () => random.shuffle(null as never)],
    ["a negative number of elements", () => random.uniformArray(-1)],
    ["a fractional number of elements", () => random.normalArray(1.5)],
    ["a negative number of words", () => random.reserve(-1)],
    ["more words than there are", () => random.reserve(Number.MAX_SAFE_INTEGER)],
  ];

  it.each(bad)("%s is a ValueError and takes nothing from the stream", (_, f) => {
    const before = random.state;
    expect(f).toThrow(ValueError);
    expect(random.state).toEqual(before);
  });
});
