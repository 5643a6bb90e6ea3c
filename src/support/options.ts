/**
 * What JavaScript lets pass: arguments that nobody reads, and options that are not there. Most public functions hand over their `arguments`,
 * an object for each call; what models call thousands of times a step has a parameter `more` instead, which its declaration does not show.
 */

import { isPlainObject } from "./arrays.ts";
import { refusal } from "./check.ts";
import { describe } from "./describe.ts";
import { closest } from "./edit-distance.ts";
import { ValueError } from "./errors.ts";

/**
 * Refuses arguments beyond the first `most`, but for an index and the array that it is of, as `map` and `reduce` pass them:
 * `terms.reduce(add)` and `xs.map(tanh)` work. One that is undefined is not there.
 */
export function checkArguments(caller: string, args: ArrayLike<unknown>, most: number): void {
  let count = args.length;
  while (count > most && args[count - 1] === undefined) count--;
  if (count <= most) return;
  const [index, list] = [args[most] as number, args[most + 1]];
  if (count === most + 2 && Array.isArray(list) && Object.is(list[index], args[most - 1])) return;
  const numbers = typeof args[most - 1] === "number" && typeof index === "number" ? " A shape, or several axes, are one list: [2, 3]." : "";
  throw new ValueError(
    `${caller} got an argument too many, ${describe(index)}.${numbers} Leave it out or give it to a further call; as a callback, write (x) => ${caller}(x).`,
  );
}

/** Where none were given: costs are called many times a step, and an object for each is garbage. */
export const noOptions: object = Object.freeze({});

/**
 * Refuses options that are no plain object, and names that are not among the known ones: most often one that was mistyped.
 * @returns the options
 */
export function checkOptions<T extends object>(caller: string, options: T, known: readonly string[]): T {
  if (options === noOptions) return options;
  const list = (): string => known.join(", "); // only for a message: costs check their options in every step
  if (!isPlainObject(options)) throw refusal(caller, `one object with the options ${list()}`, options);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const [meant] = closest(name, known);
    throw new ValueError(
      `${caller} got the option ${JSON.stringify(name)}, which it does not have. ` +
        `${meant === undefined ? "" : `Did you mean ${meant}? `}Its options are ${list()}.`,
    );
  }
  return options;
}
