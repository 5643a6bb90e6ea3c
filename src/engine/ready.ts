/** Waiting for a device that answers later, where a program may wait. */

import { checkArguments } from "../support/options.ts";
import { variablesIn } from "./results.ts";

/**
 * Waits until the numbers of all Variables in something have arrived: a Variable, arrays, objects, a component. From then on `item()`, `toArray()` and `data`
 * give them at once, on every device, as long as they do not change.
 * @returns what was given
 * @throws what has gone wrong in a step since something was read last
 * @example
 * const w = parameter([1, 2]);
 * const { loss, norm } = await ready(grad(() => ({ loss: mul(w, w).sum(), norm: norm2(w) })));
 * loss.item(); // 5
 * norm.item(); // 2.2361
 */
export async function ready<T>(value: T): Promise<T> {
  checkArguments("ready", arguments, 1);
  const awaited = variablesIn(value).filter((variable) => !variable.isKnown);
  if (awaited.length > 0) await Promise.all(awaited.map((variable) => variable.arrival()));
  return value;
}
