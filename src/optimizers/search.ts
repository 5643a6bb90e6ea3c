/** What looks at numbers to know how to go on, written once for those that can wait for them and those that cannot. */

import { ready } from "../engine/ready.ts";

/** A search, which gives at each `yield` what it looks at next: that has to be known when it goes on. */
export type Search<R> = Generator<unknown, R>;

/** Makes a search; looks wait. */
export function atOnce<R>(search: Search<R>): R {
  for (;;) {
    const { done, value } = search.next();
    if (done) return value;
  }
}

/** Makes a search that goes on when what it looks at is there. */
export async function whenKnown<R>(search: Search<R>): Promise<R> {
  let next = search.next();
  while (!next.done) {
    const error = await ready(next.value).then(() => null, (error: Error) => error);
    next = error === null ? search.next() : search.throw(error);
  }
  return next.value;
}
