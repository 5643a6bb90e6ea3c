/** What is measured after an epoch. */

import { evaluate } from "../index.ts";
import type { Batches, Data } from "./batches.ts";
import type { Faults } from "./faults.ts";
import { Means, measurementOf, measuresOf } from "./means.ts";
import type { Validation } from "./options.ts";
import { type StopRequest, stopped } from "./stop-request.ts";
import { whenReady } from "./when-ready.ts";

/** What it needs of the training. */
export interface Measuring<V> {
  readonly faults: Faults;
  readonly stop: StopRequest;
  open(data: Data<V>): Promise<Batches<V>>;
  /** How many samples a batch has, null if that is not known. */
  count(batch: V): number | null;
}

/** Measures the validation data; `stopped` if a stop was asked for meanwhile. */
export async function validated<V>(validate: Validation<V>, epoch: number, { faults, stop, open, count }: Measuring<V>): Promise<Means | typeof stopped> {
  const [what, means] = [`Validation failed after epoch ${epoch}`, new Means()];
  if (typeof validate === "function") {
    const given = await faults.during(what, () => stop.wait(validate()), true);
    if (given !== stopped) await faults.during(what, () => whenReady(given, () => means.add(measuresOf("validate", given, false), 1)), true);
    return given === stopped ? stopped : means;
  }
  const batches = await faults.during(what, () => open(validate.data), true);
  try {
    for (let batch = 1; ; batch++) {
      const next = await faults.during(`${what}, batch ${batch} of its data`, () => batches.next(stop), true);
      if (next === stopped) break;
      if (next.done) {
        if (batch === 1) {
          throw faults.error(`The validation data gave no batches after epoch ${epoch}. Give a function that makes a new iterable for each epoch.`);
        }
        return means;
      }
      await faults.during(`${what}, batch ${batch}`, () => whenReady(evaluate(() => validate.cost(next.value)), (result) => {
        const { measures, weight } = measurementOf("the cost of validate", result, false);
        means.add(measures, weight ?? count(next.value) ?? 1);
      }), true);
      await stop.breathe();
      if (stop.reason !== null) break;
    }
  } catch (error) {
    batches.abandon();
    throw error;
  }
  await faults.during(`The validation data could not be closed after epoch ${epoch}`, () => batches.close(), true);
  return stopped;
}
