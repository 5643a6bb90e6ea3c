/** The batches of an epoch, wherever they come from. */

import { UsageError, ValueError } from "../index.ts";
import { refusal } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { type StopRequest, stopped } from "./stop-request.ts";

type Source<B> = Iterable<B> | AsyncIterable<B>;

/**
 * Batches that are gone through once in each epoch: an iterable or async iterable that begins anew each time, or a function
 * that gives one for each epoch, counted from 1.
 */
export type Data<B> = Source<B> | ((epoch: number) => Source<B> | Promise<Source<B>>);

const methodOf = (value: unknown, name: symbol): (() => unknown) | undefined => {
  if (typeof value === "string" || value === null || value === undefined) return undefined;
  const method = (value as Record<symbol, unknown>)[name];
  return typeof method === "function" ? (method as () => unknown) : undefined;
};

/** @throws ValueError for what is no source of batches */
export function checkData(what: string, data: unknown): void {
  if (typeof data === "function" || isSource(data)) return;
  throw refusal(what, "an iterable or async iterable of batches, or a function (epoch) => one", data);
}

const isSource = (value: unknown): value is Source<unknown> =>
  methodOf(value, Symbol.asyncIterator) !== undefined || methodOf(value, Symbol.iterator) !== undefined;

export class Batches<B> {
  private waiting = false;
  private ended = false;

  private constructor(private readonly iterator: Iterator<B> | AsyncIterator<B>, private readonly asynchronous: boolean, readonly total: number | null) {}

  /**
   * @param again whether further epochs follow
   * @throws ValueError for what is no source; UsageError for one that can be gone through only once although epochs follow
   */
  static async open<B>(data: Data<B>, epoch: number, again: boolean): Promise<Batches<B>> {
    const source = typeof data === "function" ? await data(epoch) : data;
    if (!isSource(source)) {
      throw new ValueError(`The function gave ${describe(source)} for epoch ${epoch}, where an iterable or async iterable of batches is needed.`);
    }
    // An object that has both, as minibatches does, may have to be waited for.
    const waits = methodOf(source, Symbol.asyncIterator) !== undefined;
    const iterator = waits ? (source as AsyncIterable<B>)[Symbol.asyncIterator]() : (source as Iterable<B>)[Symbol.iterator]();
    if (again && typeof data !== "function" && (iterator as unknown) === source) {
      throw new UsageError("The data can be gone through only once, as what a generator function returns, but there are several epochs. " +
        "Give a function that makes a new iterable for each epoch.");
    }
    const { length } = source as { length?: unknown };
    return new Batches(iterator, waits, Number.isSafeInteger(length) && (length as number) > 0 ? (length as number) : null);
  }

  async next(stop: StopRequest): Promise<IteratorResult<B> | typeof stopped> {
    try {
      const result = this.asynchronous ? await this.waitFor(stop) : (this.iterator as Iterator<B>).next();
      if (result !== stopped && typeof result !== "object") throw new ValueError(`The iterator gave ${describe(result)} instead of { value, done }.`);
      if (result !== stopped && result.done) this.ended = true;
      return result;
    } catch (error) {
      this.ended = true; // nothing is asked any more of what has failed
      throw error;
    }
  }

  private waitFor(stop: StopRequest): Promise<IteratorResult<B> | typeof stopped> {
    this.waiting = true;
    const settled = (): void => { this.waiting = false; };
    const next = Promise.resolve(this.iterator.next());
    next.then(settled, settled);
    return stop.wait(next) as Promise<IteratorResult<B> | typeof stopped>;
  }

  /** Tells the source that something else has failed: what it says to that does not count, and nobody waits for it. */
  abandon(): void {
    if (this.ended) return;
    this.ended = true;
    try {
      Promise.resolve(this.iterator.return?.()).catch(() => {});
    } catch {}
  }

  /** Tells the source that no more is needed, unless it has ended itself. */
  async close(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    const closing = this.iterator.return?.();
    // An async generator that is being waited for closes after that, which may never come.
    if (this.waiting) Promise.resolve(closing).catch(() => {});
    else await closing;
  }
}
