/**
 * Random numbers that a seed determines, the same on every platform and device.
 *
 * The stream of a seed is a sequence of 32-bit words: block 0, 1, 2, … of Philox4x32-10, four words each, with
 *   key     = (lower 32 bits of the seed, upper 21 bits of the seed)
 *   counter = (lower 32 bits of the block number, upper bits of the block number, 0, 0).
 * A word w gives the 24-bit integer w >>> 8. Everything else follows from these integers:
 *   uniform   one word: (w >>> 8) / 2²⁴, exact in float32 as well
 *   normal    two words: Box–Muller, √(−2 ln(1 − u₁)) · cos(2π u₂) (see box-muller.ts)
 *   integer   one word for a range of at most 2³², else two; words that would make some numbers likelier are skipped
 */

import { ValueError } from "../support/errors.ts";
import { checkArguments } from "../support/options.ts";
import { formatCall, inspected } from "../support/print.ts";
import { describe } from "../support/describe.ts";
import { isList } from "../support/arrays.ts";
import { checkInstance, checkInteger, checkNumber, refusal } from "../support/check.ts";
import { boxMuller } from "./box-muller.ts";
import { philoxBlock } from "./philox.ts";

/** Where a generator is in its stream: all that a checkpoint has to keep. */
export interface RandomState {
  /** What the generator was made with. */
  readonly seed: number;
  /** How many words of the stream have been taken. */
  readonly counter: number;
}

/**
 * Blocks of the stream set aside for a device kernel, as unsigned 32-bit words.
 * @internal
 */
export interface RandomBlocks {
  readonly key0: number;
  readonly key1: number;
  /** The number of the first block: counter word 0. Words 2 and 3 are 0. */
  readonly counterLow: number;
  /** Counter word 1. */
  readonly counterHigh: number;
}

/** What `shuffle` takes: an array or a typed array. */
export interface Shuffleable {
  readonly length: number;
  [index: number]: unknown;
}

const TWO_32 = 2 ** 32;
/** An integer as two words. */
const lowOf = (n: number): number => n >>> 0;
const highOf = (n: number): number => Math.floor(n / TWO_32);
/** A seed, and a position in the stream, has to be an exact integer. */
const LAST = Number.MAX_SAFE_INTEGER;

/**
 * A source of random numbers, determined by its seed: Philox4x32-10 (J. K. Salmon et al.: Parallel random numbers: as easy as 1, 2, 3, SC 2011).
 * @example
 * const random = new Random(42);
 * random.uniform(); // in [0, 1)
 * random.normal(0, 0.1); // mean 0, standard deviation 0.1
 * random.integer(0, 6); // one of 0, 1, 2, 3, 4 and 5
 * random.shuffle(["a", "b", "c"]); // the same array
 * const saved = random.state;
 * const next = random.uniform();
 * random.state = saved; // goes on from there
 * random.uniform() === next; // true
 */
export class Random {
  #seed = 0;
  /** The block after the one in `#words`. */
  #next = 0;
  readonly #words = new Uint32Array(4);
  /** The next word of `#words`; 4 when all are taken. */
  #lane = 4;

  /**
   * @param seed an integer from 0 to 2⁵³ − 1; different seeds give independent streams
   * @throws ValueError for any other seed
   */
  constructor(seed: number) {
    checkArguments("Random", arguments, 1);
    this.state = { seed, counter: 0 };
  }

  /** The generator that everything draws from unless told otherwise, and that `seed` starts again. */
  static get default(): Random { return generator; }

  /** Where the generator is; set it to go on from there. It survives JSON. */
  get state(): RandomState {
    return { seed: this.#seed, counter: 4 * this.#next - (4 - this.#lane) };
  }

  set state(state: RandomState) {
    if (typeof state !== "object" || state === null) throw refusal("Random", "an object { seed, counter } as a state", state);
    const { seed, counter } = state;
    checkInteger("Random", "the seed", seed, 0, LAST);
    checkInteger("Random", "the counter of a state", counter, 0, LAST);
    this.#seed = seed;
    this.#seek(Math.floor(counter / 4));
    if (counter % 4 > 0) {
      this.#refill();
      this.#lane = counter % 4;
    }
  }

  /**
   * A number that is at least `low` and less than `high`, all equally likely: `low + (high − low) · i/2²⁴`.
   * Without arguments in [0, 1).
   * @throws ValueError unless low < high, both finite
   */
  uniform(low = 0, high = 1): number {
    checkArguments("uniform", arguments, 2);
    checkRange("uniform", low, high);
    return this.#uniform(low, high);
  }

  /**
   * A normally distributed number. It takes two words of the stream and keeps nothing back, so that
   * a state says everything. Standard normal numbers of more than 5.77 in magnitude do not occur.
   * @throws ValueError unless mean and std are finite and std is not negative
   */
  normal(mean = 0, std = 1): number {
    checkArguments("normal", arguments, 2);
    checkNormal("normal", mean, std);
    return this.#normal(mean, std);
  }

  /**
   * An integer from `low` up to, but not including, `high`: exactly equally likely.
   * @throws ValueError unless both are integers with low < high, at most 2⁵³ apart
   */
  integer(low: number, high: number): number {
    checkArguments("integer", arguments, 2);
    checkInteger("integer", "low", low);
    checkInteger("integer", "high", high);
    checkRange("integer", low, high);
    const range = high - low;
    if (range > 2 ** 53) throw new ValueError(`integer: low and high may be at most 2^53 apart, but got ${low} and ${high}.`);
    return low + this.#below(range);
  }

  /**
   * Brings the elements of an array or typed array into a random order, each order equally likely (Fisher–Yates).
   * @returns the same array
   */
  shuffle<A extends Shuffleable>(array: A): A {
    checkArguments("shuffle", arguments, 1);
    if (!isList(array)) throw refusal("shuffle", "an array or a typed array", array);
    const elements: { [index: number]: unknown } = array;
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.#below(i + 1);
      const element = elements[i];
      elements[i] = elements[j];
      elements[j] = element;
    }
    return array;
  }

  /**
   * One element of an array, each equally likely, or as likely as its weight.
   * @param weights for each element a finite number that is not negative; they need not sum to 1
   * @throws ValueError for an empty array, or weights of another length or that cannot be probabilities
   */
  choice<T>(array: ArrayLike<T>, weights?: ArrayLike<number>): T {
    checkArguments("choice", arguments, 2);
    if (typeof array === "function" || !(array?.length >= 1)) throw refusal("choice", "an array with at least one element", array);
    return array[weights === undefined ? this.#below(array.length) : this.#weighted(weights, array.length)];
  }

  /** `n` times `uniform(low, high)`. */
  uniformArray(n: number, low = 0, high = 1): Float64Array {
    checkArguments("uniformArray", arguments, 3);
    checkInteger("uniformArray", COUNT, n, 0);
    checkRange("uniformArray", low, high);
    const result = new Float64Array(n);
    for (let i = 0; i < n; i++) result[i] = this.#uniform(low, high);
    return result;
  }

  /** `n` times `normal(mean, std)`. */
  normalArray(n: number, mean = 0, std = 1): Float64Array {
    checkArguments("normalArray", arguments, 3);
    checkInteger("normalArray", COUNT, n, 0);
    checkNormal("normalArray", mean, std);
    const result = new Float64Array(n);
    for (let i = 0; i < n; i++) result[i] = this.#normal(mean, std);
    return result;
  }

  /**
   * Sets whole blocks aside for `n` words that a device computes, and goes on after them.
   * Words left in the current block are skipped, so that word i is word i mod 4 of block `counter + ⌊i/4⌋`.
   * What the device makes of them is what `n` calls of `uniform()` would have given at that position.
   * @internal
   */
  reserve(n: number): RandomBlocks {
    checkInteger("reserve", COUNT, n, 0);
    const next = this.#next;
    const end = next + Math.ceil(n / 4);
    if (4 * end > LAST) throw new ValueError(`reserve: ${n} words are more than the generator has left.`);
    this.#seek(end);
    return { key0: lowOf(this.#seed), key1: highOf(this.#seed), counterLow: lowOf(next), counterHigh: highOf(next) };
  }

  toString(): string {
    return formatCall("Random", this.state);
  }

  /** What `console.log` prints in Node. */
  [inspected](): string { return this.toString(); }

  /** Go on with a block. It is computed when its first word is needed. */
  #seek(block: number): void {
    this.#next = block;
    this.#lane = 4;
  }

  #refill(): void {
    philoxBlock(lowOf(this.#next), highOf(this.#next), 0, 0, lowOf(this.#seed), highOf(this.#seed), this.#words);
    this.#next++;
    this.#lane = 0;
  }

  /** The next word of the stream, unsigned. */
  #word(): number {
    if (this.#lane === 4) this.#refill();
    return this.#words[this.#lane++];
  }

  #bits24(): number {
    return this.#word() >>> 8;
  }

  /** An integer of 53 bits: the upper 27 of one word, then the upper 26 of the next. */
  #bits53(): number {
    const high = this.#word() >>> 5;
    return high * 0x4000000 + (this.#word() >>> 6);
  }

  /** Rounding may not reach the upper end, which is excluded. */
  #uniform(low: number, high: number): number {
    const value = low + (high - low) * (this.#bits24() / 0x1000000);
    return value < high ? value : low;
  }

  #normal(mean: number, std: number): number {
    const a = this.#bits24();
    return mean + std * boxMuller(a, this.#bits24());
  }

  /** An integer in [0, range). A number of bits that is no multiple of the range would favour small results. */
  #below(range: number): number {
    const wide = range > TWO_32;
    const all = wide ? 2 ** 53 : TWO_32;
    const limit = all - (all % range);
    for (;;) {
      const bits = wide ? this.#bits53() : this.#word();
      if (bits < limit) return bits % range;
    }
  }

  #weighted(weights: ArrayLike<number>, length: number): number {
    if (weights?.length !== length) {
      throw new ValueError(`choice: there are ${length} elements, so expected as many weights, but got ${weights?.length}.`);
    }
    let total = 0;
    let last = 0;
    for (let i = 0; i < length; i++) {
      const weight = weights[i];
      if (!(Number.isFinite(weight) && weight >= 0)) {
        throw refusal("choice", `a finite number of at least 0 as weight ${i}`, weight);
      }
      if (weight > 0) last = i;
      total += weight;
    }
    if (!(total > 0 && Number.isFinite(total))) {
      throw new ValueError(`choice: the weights must have a positive, finite sum, but it is ${total}.`);
    }
    let rest = (this.#bits53() / 2 ** 53) * total;
    for (let i = 0; i < last; i++) {
      if (rest < weights[i]) return i;
      rest -= weights[i];
    }
    return last; // Rounding may leave a little; an element of weight 0 is never chosen.
  }
}

/** What `n` is in messages. */
const COUNT = "the number of elements";

function checkRange(name: string, low: number, high: number): void {
  if (low < high && Number.isFinite(low) && Number.isFinite(high) && Number.isFinite(high - low)) return;
  throw new ValueError(`${name}(low, high): expected finite numbers with low < high, but got ${describe(low)} and ${describe(high)}.`);
}

function checkNormal(name: string, mean: number, std: number): void {
  checkNumber(name, "the mean", mean);
  checkNumber(name, "the standard deviation", std, 0);
}

const generator = new Random(0);

/**
 * The generator that everything draws from unless told otherwise: initial parameters, dropout, synthetic data.
 * It starts with seed 0, so a program gives the same numbers at every run until it chooses another seed.
 */
export function defaultRandom(): Random {
  return generator;
}

/**
 * The generator that a user gave, or the default one.
 * @internal
 */
export const chooseRandom = (caller: string, random: Random = generator): Random =>
  checkInstance(caller, "a generator made by new Random(seed)", random, Random);

/**
 * Starts the default generator again, with another seed.
 * @throws ValueError unless it is an integer from 0 to 2⁵³ − 1
 * @example
 * seed(1);
 * const x = rand([3]);
 * seed(1);
 * equal(rand([3]), x).toArray(); // [1, 1, 1]
 */
export function seed(n: number): void {
  checkArguments("seed", arguments, 1);
  checkInteger("seed", "the seed", n, 0, LAST);
  generator.state = { seed: n, counter: 0 };
}
