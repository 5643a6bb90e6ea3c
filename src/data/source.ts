/** Where samples come from, and going through them with errors that say how far it went. */

import { ValueError } from "../index.ts";
import { refusal } from "../support/check.ts";
import { messageOf } from "../support/describe.ts";
import { StreamError } from "./stream-error.ts";

/** Samples that are there: an array, another iterable, or a function that makes one for each pass. */
export type Source<T> = Iterable<T> | (() => Iterable<T>);
/** Samples that arrive: an async iterable, such as a stream, or a function that makes one for each pass. */
export type AsyncSource<T> = AsyncIterable<T> | (() => AsyncIterable<T>);

/** What is done with samples on their way: the same for both kinds of sources. */
export interface Stage<T, R> {
  /** Takes a sample; gives what is ready to go on. */
  take(sample: T): readonly R[];
  /** What is left when all samples have come. */
  end(): readonly R[];
}

/** A pass over it is a pass over its source; `for` works if the source can be waited for, `for await` always. */
interface Passable<R> extends Iterable<R>, AsyncIterable<R> {}

const isObject = (value: unknown): value is object => (typeof value === "object" || typeof value === "function") && value !== null;
export const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "string" ? false : isObject(value) && typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === "function";
export const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  isObject(value) && typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === "function";

/**
 * Applies a stage to the samples of a source, a new stage at each pass.
 * @throws ValueError for what is no source
 */
export function staged<T, R>(caller: string, source: Source<T> | AsyncSource<T>, stage: () => Stage<T, R>): Passable<R> {
  if (!isIterable(source) && !isAsyncIterable(source) && typeof source !== "function") throw notASource(caller, source);
  const open = (): Iterable<T> | AsyncIterable<T> => (typeof source === "function" ? source() : source);
  return {
    *[Symbol.iterator]() {
      const found = open();
      if (!isIterable(found)) {
        throw isAsyncIterable(found)
          ? new ValueError(`${caller} got samples that have to be waited for: go through them with \`for await (… of …)\`.`)
          : notASource(caller, found);
      }
      const current = stage();
      const progress = { samples: 0, done: false };
      const iterator = found[Symbol.iterator]();
      try {
        for (;;) {
          let next: IteratorResult<T>;
          try {
            next = iterator.next();
          } catch (error) {
            throw failed(error, progress);
          }
          if (next.done) break;
          progress.samples++;
          yield* current.take(next.value);
        }
        progress.done = true;
      } finally {
        if (!progress.done) iterator.return?.();
      }
      yield* current.end();
    },
    async *[Symbol.asyncIterator]() {
      const found: unknown = open();
      if (!isAsyncIterable(found) && !isIterable(found)) throw notASource(caller, found);
      const current = stage();
      const progress = { samples: 0, done: false };
      const iterator = (isAsyncIterable(found) ? found[Symbol.asyncIterator]() : found[Symbol.iterator]()) as AsyncIterator<T>;
      try {
        for (;;) {
          let next: IteratorResult<T>;
          try {
            next = await iterator.next();
          } catch (error) {
            throw failed(error, progress);
          }
          if (next.done) break;
          progress.samples++;
          yield* current.take(next.value);
        }
        progress.done = true;
      } finally {
        if (!progress.done) await iterator.return?.();
      }
      yield* current.end();
    },
  };
}

const notASource = (caller: string, source: unknown): ValueError =>
  refusal(caller, "an array, an iterable or async iterable of samples, or a function that returns one", source);

/** What a source threw, with how far it had come. Nothing is asked of it any more. */
function failed(error: unknown, progress: { readonly samples: number; done: boolean }): Error {
  progress.done = true;
  if (error instanceof StreamError) return error; // a stage before this one has said it
  return new StreamError(`The stream of samples failed after ${progress.samples}: ${messageOf(error)}`, progress.samples, { cause: error });
}
