/** Where the generators of a training are, so that an epoch can be gone through again as it was. */

import { Random, type RandomState, ValueError } from "../index.ts";
import { checkInstance } from "../support/check.ts";

/** The default generator, and those that the user named. */
export class Generators {
  private readonly list: readonly Random[];

  constructor(given: Random | readonly Random[] | undefined) {
    const own = given === undefined ? [] : Array.isArray(given) ? (given as readonly Random[]) : [given as Random];
    for (const random of own) checkInstance("fit", "as random a generator made by new Random(seed), or a list of them", random, Random);
    this.list = [...new Set([Random.default, ...own])];
  }

  /** @throws ValueError for the states of another number of generators */
  check(states: readonly RandomState[]): void {
    if (states.length === this.list.length) return;
    throw new ValueError(
      `The checkpoint has the states of ${states.length} generators, but fit was given ${this.list.length} (the default one is the first). ` +
        "Give the same generators in the option random.",
    );
  }

  get states(): RandomState[] { return this.list.map((random) => random.state); }

  set states(states: readonly RandomState[]) {
    this.list.forEach((random, i) => { random.state = states[i]; });
  }
}

export const sameStates = (a: readonly RandomState[], b: readonly RandomState[]): boolean =>
  a.every((state, i) => state.counter === b[i].counter && state.seed === b[i].seed);
