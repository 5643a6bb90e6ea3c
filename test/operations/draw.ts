/** Drawing the arguments of operations: shapes, and numbers that suit. */

import fc from "fast-check";
import { Random, type Shape } from "../../src/index.ts";
import { sizeOf } from "../../src/support/shape.ts";

/** An argument of an operation, before it is a Variable of some device. Its numbers are float32 numbers. */
export class Tensor {
  constructor(
    readonly shape: Shape,
    readonly values: Float64Array,
    /** Do gradients flow to it? */
    readonly differentiable = true,
  ) {}

  /** For messages. */
  [fc.toStringMethod](): string { return this.toString(); }
  toString(): string { return `Tensor [${this.shape.join(", ")}] (${[...this.values.subarray(0, 12)].join(", ")}${this.values.length > 12 ? ", …" : ""})`; }
}

/** Where numbers come from: they are drawn one after another. */
export type Domain = (random: Random) => number;

export const domains = {
  /** Of either sign, as most functions take them. */
  plain: (random) => random.uniform(-2, 2),
  positive: (random) => random.uniform(0.5, 3),
  /** Not close to 0. */
  nonzero: (random) => random.uniform(0.25, 2) * (random.uniform() < 0.5 ? -1 : 1),
  /** Few numbers, so that many are equal. */
  integers: (random) => random.integer(-2, 3),
} satisfies Record<string, Domain>;

/** Around the width of a vector, of four of them, and of eight. */
const lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33];
const sizes = [1, 2, 3, 4, 5];

/** One draw of a property: each method draws something more. Shapes shrink when a property fails; numbers follow from a seed. */
export class Draw {
  readonly random: Random;
  /** How many of the grid of distinct numbers are taken. */
  private taken = 0;

  constructor(
    private readonly g: fc.GeneratorValue,
    /** The most elements that a shape has. */
    readonly limit: number,
  ) {
    this.random = new Random(g(fc.nat));
  }

  integer(min: number, max: number): number { return this.g(fc.integer, { min, max }); }
  pick<T>(list: readonly T[]): T { return list[this.integer(0, list.length - 1)]; }
  /** True once in so many draws; never in the simplest one. */
  oneIn(n: number): boolean { return this.integer(0, n - 1) === n - 1; }

  /** A size that an axis beside `others` elements may have. */
  size(others = 1, empty = true): number {
    const size = empty && this.oneIn(20) ? 0 : this.oneIn(2) ? this.pick(lengths) : this.pick(sizes);
    return size * others <= this.limit ? size : 1;
  }

  shape(minRank = 0, maxRank = 4, empty = true): number[] {
    const rank = this.integer(minRank, maxRank);
    const shape = new Array<number>(rank).fill(1);
    // The long axis may be any.
    const first = rank === 0 ? 0 : this.integer(0, rank - 1);
    for (let i = 0; i < rank; i++) shape[(first + i) % rank] = this.size(Math.max(1, sizeOf(shape)), empty);
    return shape;
  }

  /** Shapes that broadcast to one. */
  broadcastable(count: number, minRank = 0): number[][] {
    const whole = this.shape(minRank);
    return Array.from({ length: count }, () => {
      const shape = whole.map((size) => (this.oneIn(4) ? 1 : size));
      return this.oneIn(3) ? shape.slice(this.integer(0, shape.length)) : shape;
    });
  }

  axis(rank: number): number { return this.integer(-rank, rank - 1); }

  /** Axes to reduce: one, several in any order, none, or all by leaving them out. */
  axes(rank: number): number | number[] | undefined {
    if (this.oneIn(3)) return undefined;
    if (rank > 0 && this.oneIn(2)) return this.axis(rank);
    const all = this.random.shuffle(Array.from({ length: rank }, (_, i) => i));
    return all.slice(0, this.integer(0, rank)).map((axis) => (this.oneIn(2) ? axis - rank : axis));
  }

  indices(count: number, size: number): number[] {
    return Array.from({ length: count }, () => this.random.integer(0, size));
  }

  tensor(shape: Shape, domain: Domain = domains.plain, differentiable = true): Tensor {
    const values = new Float64Array(sizeOf(shape));
    for (let i = 0; i < values.length; i++) values[i] = Math.fround(domain(this.random));
    return new Tensor(shape, values, differentiable);
  }

  /** Numbers of which no two of the draw are closer than 0.03, and none is closer to 0 than 0.015: no comparison changes near them. */
  distinct(shape: Shape): Tensor {
    const size = sizeOf(shape);
    const first = this.taken;
    this.taken += size;
    // Both signs in turns, from the middle outwards.
    const values = Float64Array.from({ length: size }, (_, k) => {
      const i = first + k;
      return Math.fround((i % 2 === 0 ? 0.05 : -0.05) * (0.5 + (i >> 1)) + this.random.uniform(-0.01, 0.01));
    });
    return new Tensor(shape, this.random.shuffle(values));
  }
}
