/** What the initializers share: their options, and the shape of weights as outputs and inputs. */

import { input, Random, type Shape, ShapeError, type Variable } from "../index.ts";
import { checkShape, formatShape, sizeOf } from "../support/shape.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { checkInstance } from "../support/check.ts";

/** What every way to begin takes. */
export interface InitializationOptions {
  /** Where the numbers are drawn from; the default generator, which `seed` sets, unless given. */
  readonly random?: Random | undefined;
}

/** The generator that a user gave, or the default one. Refuses arguments but shape and options, and options but `random` and `more`. */
export function randomOf(caller: string, args: ArrayLike<unknown>, options: InitializationOptions, more: readonly string[]): Random {
  checkArguments(caller, args, 2);
  checkOptions(caller, options, ["random", ...more]);
  return checkInstance(caller, "a generator made by new Random(seed)", options.random ?? Random.default, Random);
}

/** A shape [outputs, inputs, …] as a matrix: what follows the inputs, such as the window of a convolution, is joined to them. */
export interface Weights {
  readonly outputs: number;
  readonly inputs: number;
  /** The elements that each pair of an output and an input has. */
  readonly window: number;
}

export function weightsOf(caller: string, shape: Shape): Weights {
  checkShape(caller, shape);
  if (shape.length < 2 || sizeOf(shape) === 0) {
    throw new ShapeError(`${caller} takes the shape of weights, [outputs, inputs] or [outputs, inputs, …window] without a 0, but got ${formatShape(shape)}.`);
  }
  return { outputs: shape[0], inputs: shape[1], window: sizeOf(shape.slice(2)) };
}

/** Independent numbers of a distribution. */
export function independent(shape: Shape, random: Random, distribution: "normal" | "uniform", deviation: number): Variable {
  const bound = Math.sqrt(3) * deviation; // of the uniform distribution with this standard deviation
  const n = sizeOf(shape);
  if (deviation === 0) return input(new Float64Array(n), shape);
  return input(distribution === "normal" ? random.normalArray(n, 0, deviation) : random.uniformArray(n, -bound, bound), shape);
}
