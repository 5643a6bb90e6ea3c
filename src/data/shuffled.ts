import { checkArguments, checkOptions } from "../support/options.ts";
import { Random } from "../index.ts";
import { checkInstance, checkInteger } from "../support/check.ts";
import { type AsyncSource, type Source, type Stage, staged } from "./source.ts";

/** How samples are brought into a random order. */
export interface ShuffleOptions {
  /** Where the order comes from; the default generator, which `seed` sets, unless given. */
  readonly random?: Random | undefined;
  /** For what is not an array: how many samples are held back to choose from; 1024 unless given. */
  readonly buffer?: number | undefined;
}

/**
 * Samples in a random order, another one at each pass.
 *
 * An array is shuffled whole, each order equally likely; the array itself stays as it is. Of an iterable, a stream or a
 * function that makes one for each pass, `buffer` samples are held in memory: the next one is chosen among them, and the
 * one that arrives takes its place. What fits into the buffer is shuffled whole.
 *
 * @throws ValueError for what is no source, or a buffer that is not an integer of at least 1; StreamError, in a pass,
 *   where the source fails
 * @example
 * const samples = shuffled([1, 2, 3]);
 * for (const sample of samples) console.log(sample); // each once
 * [...samples].sort(); // [1, 2, 3]
 * async function* stream() { for (let i = 0; i < 100; i++) yield i; }
 * for await (const sample of shuffled(stream, { buffer: 10 })) console.log(sample); // 10 of them in memory
 */
export function shuffled<T>(source: Source<T>, options?: ShuffleOptions): Iterable<T>;
export function shuffled<T>(source: AsyncSource<T>, options?: ShuffleOptions): AsyncIterable<T>;
export function shuffled<T>(source: Source<T> | AsyncSource<T>, options: ShuffleOptions = {}): Iterable<T> | AsyncIterable<T> {
  checkArguments("shuffled", arguments, 2);
  checkOptions("shuffled", options, ["random", "buffer"]);
  const random = checkInstance("shuffled", "a generator made by new Random(seed)", options.random ?? Random.default, Random);
  const buffer = checkInteger("shuffled", "buffer", options.buffer ?? 1024, 1);
  if (!Array.isArray(source) && !ArrayBuffer.isView(source)) return staged<T, T>("shuffled", source, () => holding(buffer, random));
  const whole = source as Iterable<T>;
  return staged<T, T>("shuffled", () => random.shuffle([...whole]), passing);
}

const passing = <T>(): Stage<T, T> => ({ take: (sample) => [sample], end: () => [] });

function holding<T>(size: number, random: Random): Stage<T, T> {
  const held: T[] = [];
  return {
    take(sample) {
      if (held.length < size) {
        held.push(sample);
        return [];
      }
      const i = random.integer(0, size);
      const chosen = held[i];
      held[i] = sample;
      return [chosen];
    },
    end: () => random.shuffle(held),
  };
}
