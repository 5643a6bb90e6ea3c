import { ValueError } from "../index.ts";
import { defaultRandom, Random } from "../random/random.ts";
import { describe } from "../shape.ts";

/** An integer of at least `least`. */
export function checkCount(caller: string, name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new ValueError(`${caller} takes an integer of at least ${least} as ${name}, but got ${describe(value)}.`);
}

/** The generator that a user gave, or the default one. */
export function checkRandom(caller: string, random: Random | undefined): Random {
  if (random === undefined) return defaultRandom();
  if (random instanceof Random) return random;
  throw new ValueError(`${caller} takes a Random, but got ${describe(random)}.`);
}
