/**
 * Steps whose function looks at numbers, also on a device that answers later and cannot be waited for: where a number is not there yet, the step is given up,
 * the number awaited, and the function run again, with the numbers that are known by then.
 */

import { currentDevice } from "../devices/current.ts";
import type { Storage } from "../devices/storage.ts";
import type { FloatArray } from "../kernels/kernel.ts";
import { defaultRandom } from "../random/random.ts";
import { DeviceError, UsageError } from "../support/errors.ts";
import { checkArguments, checkOptions, noOptions } from "../support/options.ts";
import { type Shape, sameShape } from "../support/shape.ts";
import { type EvaluateOptions, evaluate, type GradOptions, grad, gradients, type WithLoss } from "./grad.ts";
import { ready } from "./ready.ts";
import { openStep } from "./recording.ts";
import type { Step } from "./step.ts";
import { Variable } from "./variable.ts";

/** What ends an attempt. Nobody sees it but a function that catches it, which helps nothing. */
class NotThere extends Error {
  constructor() { super("A number that the function of a step looks at is not there yet. The function is going to be run again: let this pass."); }
}

/** What has been looked at, and its numbers. */
interface Seen {
  readonly shape: Shape;
  readonly operation: Variable["operation"];
  readonly values: FloatArray;
}

class Attempts {
  /** By the nodes of the step, which are the same in each attempt. */
  private readonly seen = new Map<number, Seen>();
  /** How many looks there have been in this attempt, and in the one before when it was given up. */
  private looks = 0;
  private before = 0;
  /** What this attempt has been given up for. */
  private awaited: Promise<void> | null = null;

  constructor(private readonly caller: string) {}

  /** Gives the function again and again to what runs it as a step, until it has returned. */
  async run<F extends () => unknown, R>(f: F, run: (f: F) => R): Promise<R> {
    const { state } = defaultRandom();
    const whole = (() => {
      const result = f();
      if (this.awaited !== null) throw new NotThere(); // it has caught that
      if (this.looks < this.before) throw this.unrepeatable();
      return result;
    }) as F;
    for (;;) {
      this.looks = 0;
      this.awaited = null;
      try {
        const result = this.watching(() => run(typeof f === "function" ? whole : f));
        if (this.awaited === null) return result;
      } catch (error) {
        if (this.awaited === null) throw error;
      }
      await this.awaited;
      defaultRandom().state = state;
    }
  }

  /** Runs an attempt, in which all looks come by here. It is done so that programs which have no attempts carry nothing of them. */
  private watching<R>(attempt: () => R): R {
    const { prototype } = Variable;
    const { values } = prototype;
    const give = (variable: Variable): FloatArray => {
      this.looks++;
      try {
        return values.call(variable);
      } catch (error) {
        if (!(error instanceof DeviceError && error.reason === "cannot-wait")) throw error;
        return this.numbersOf(variable);
      }
    };
    prototype.values = function () { return give(this); };
    try {
      return attempt();
    } finally {
      prototype.values = values;
    }
  }

  /** The numbers of what has run, if they are known; else they are asked for, and the attempt is given up. */
  private numbersOf(given: Variable): FloatArray {
    let variable = given;
    while (variable.standIn) variable = variable.standIn;
    const step = openStep();
    const isOfStep = step !== null && variable.source === step;
    const found = isOfStep ? this.seen.get(variable.index) : undefined;
    if (found !== undefined) {
      if (!sameShape(found.shape, variable.shape) || found.operation !== variable.operation) throw this.unrepeatable();
      return found.values;
    }
    if (this.awaited === null) {
      if (this.looks <= this.before) throw this.unrepeatable();
      this.before = this.looks;
      this.awaited = isOfStep ? this.ask(step, variable) : (variable.storage as Storage).read().then(() => {});
    }
    throw new NotThere();
  }

  private async ask(step: Step, variable: Variable): Promise<void> {
    const { arrays, trace } = step;
    const { index, shape, operation } = variable;
    const values = trace.isLeaf(index) ? (arrays[trace.leafOrdinal(index)].storage as Storage).read() : step.read(variable);
    this.seen.set(index, { shape, operation, values: await values });
  }

  private unrepeatable(): UsageError {
    return new UsageError(
      `The function given to ${this.caller} looked at other numbers when it was run again. Where a device cannot be waited for, it is run until all numbers ` +
        "that it looks at are there: so it has to do the same each time. Draw from the default generator, and read and change what is outside before or after.",
    );
  }
}

/**
 * Runs a step by `run`, whose function may look at numbers on every device.
 * @param caller is named as the function that does so at once, with Async
 * @returns what `run` does, with its numbers
 */
export async function attempted<F extends () => unknown, R>(caller: string, f: F, run: (f: F) => R): Promise<R> {
  const open = openStep();
  if (open !== null) {
    throw new UsageError(`${caller} was called inside ${open.caller}, where nothing can be awaited. Call ${caller.replace("Async", "")}, or call it outside.`);
  }
  return ready(currentDevice().later?.canWait === false ? await new Attempts(caller).run(f, run) : run(f));
}

/**
 * As `grad`, and then the numbers of what `f` returned are there: `item()` gives them at once. On a device that cannot be waited for, `f` may look at
 * numbers by this, and by this alone: it is run until it looks at a number that is not there yet, and when that has come it is run again from the
 * beginning, with the numbers that are known by then, until it returns. Each time the default generator goes on from where it was, and what has been
 * assigned to a State is forgotten, so in the end all is as if `f` had been run once. What else `f` does outside of itself it does several times. It has to
 * look at the same each time, so it draws from no other generator. Until it is done, nothing else may train or draw. On all other devices `f` runs once.
 * @returns what `f` returned
 * @throws as `grad`; what goes wrong on the device in this step; UsageError where `f` looks at something else when it is run again, and inside a step
 * @example
 * const w = parameter(2);
 * // Newton's method for √w, until it stands still.
 * const root = await gradAsync(() => {
 *   let x: Variable = w;
 *   for (let last = Infinity; x.item() < last; x = x.add(w.div(x)).mul(0.5)) last = x.item();
 *   return x;
 * });
 * root.item(); // 1.4142
 * w.grad?.item(); // 0.3536
 */
export async function gradAsync<R extends WithLoss>(f: () => R, options: GradOptions = noOptions): Promise<R> {
  checkArguments("gradAsync", arguments, 2);
  checkOptions("gradAsync", options, ["of"]);
  return attempted("gradAsync", f, (f) => grad(f, options));
}

/**
 * As `evaluate`, where `f` may look at numbers on every device, as `gradAsync` describes.
 * @returns what `f` returned, when its numbers are there
 * @throws as `gradAsync`
 * @example
 * const x = input([3, -4]);
 * const y = await evaluateAsync(() => (x.sum().item() > 0 ? x : x.mul(-1)));
 * y.toArray(); // [-3, 4]
 */
export async function evaluateAsync<R>(f: () => R, options: EvaluateOptions = noOptions): Promise<R> {
  checkArguments("evaluateAsync", arguments, 2);
  checkOptions("evaluateAsync", options, ["dropout"]);
  return attempted("evaluateAsync", f, (f) => evaluate(f, options));
}

/**
 * As `gradients`, where `f` may look at numbers on every device, as `gradAsync` describes.
 * @returns the gradients, when their numbers are there
 * @throws as `gradients` and `gradAsync`
 * @example
 * const x = input([3, -4]);
 * const [slope] = await gradientsAsync(() => (x.sum().item() > 0 ? x : x.mul(x)).sum(), [x]);
 * slope.toArray(); // [6, -8]
 */
export async function gradientsAsync(f: () => Variable, variables: readonly Variable[]): Promise<Variable[]> {
  checkArguments("gradientsAsync", arguments, 2);
  return attempted("gradientsAsync", f, (f) => gradients(f, variables));
}
