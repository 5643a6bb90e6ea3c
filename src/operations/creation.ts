/** Arrays to start from. Outside of any step; random ones come from the generator that `seed` sets. */

import { currentDevice } from "../devices/current.ts";
import { chooseRandom, type Random } from "../random/random.ts";
import { checkShape, type Shape, sizeOf } from "../support/shape.ts";
import { checkArguments } from "../support/options.ts";
import { fromValues, type Variable } from "../engine/variable.ts";
import { checkNumber, refusal } from "../support/check.ts";

function filled(operation: string, shape: Shape, value: number): Variable {
  const { FloatArray } = currentDevice();
  return fromValues(new FloatArray(sizeOf(checkShape(operation, shape))).fill(value), shape.slice());
}

/**
 * All elements 0.
 * @throws ShapeError for sizes that are not integers of at least 0
 * @example
 * zeros([2, 3]).toArray(); // [[0, 0, 0], [0, 0, 0]]
 */
export function zeros(shape: Shape): Variable {
  checkArguments("zeros", arguments, 1);
  return filled("zeros", shape, 0);
}

/**
 * All elements 1.
 * @throws ShapeError for sizes that are not integers of at least 0
 * @example
 * ones([2]).toArray(); // [1, 1]
 */
export function ones(shape: Shape): Variable {
  checkArguments("ones", arguments, 1);
  return filled("ones", shape, 1);
}

/**
 * All elements equal to a number.
 * @throws ShapeError for sizes that are not integers of at least 0; ValueError for what is not a number
 * @example
 * full([2], 0.5).toArray(); // [0.5, 0.5]
 */
export function full(shape: Shape, value: number): Variable {
  checkArguments("full", arguments, 2);
  if (typeof value !== "number") throw refusal("full", "a number to fill with", value);
  return filled("full", shape, value);
}

/**
 * Independent standard normal numbers.
 * @param random the generator; unless given the one that `seed` sets
 * @throws ShapeError for sizes that are not integers of at least 0; ValueError for another generator
 * @example
 * randn([2, 3]).shape; // [2, 3]
 * randn([2], new Random(1)).toArray(); // the same numbers each time
 */
export function randn(shape: Shape, random?: Random): Variable {
  checkArguments("randn", arguments, 2);
  const { FloatArray } = currentDevice();
  const size = sizeOf(checkShape("randn", shape));
  return fromValues(new FloatArray(chooseRandom("randn", random).normalArray(size)), shape.slice());
}

/**
 * Independent uniform numbers in [0, 1).
 * @param random the generator; unless given the one that `seed` sets
 * @throws ShapeError for sizes that are not integers of at least 0; ValueError for another generator
 * @example
 * const x = rand([100]);
 * x.min().item() >= 0 && x.max().item() < 1; // true
 */
export function rand(shape: Shape, random?: Random): Variable {
  checkArguments("rand", arguments, 2);
  const { FloatArray } = currentDevice();
  const size = sizeOf(checkShape("rand", shape));
  return fromValues(new FloatArray(chooseRandom("rand", random).uniformArray(size)), shape.slice());
}

/**
 * The identity matrix [n, n], or [n, m] with ones on the diagonal.
 * @throws ShapeError for sizes that are not integers of at least 0
 * @example
 * eye(2).toArray(); // [[1, 0], [0, 1]]
 * eye(2, 3).toArray(); // [[1, 0, 0], [0, 1, 0]]
 */
export function eye(n: number, m = n): Variable {
  checkArguments("eye", arguments, 2);
  const result = filled("eye", [n, m], 0);
  const values = result.values();
  for (let i = 0; i < Math.min(n, m); i++) values[i * m + i] = 1;
  return result;
}

/**
 * Evenly spaced numbers: `arange(end)` from 0, `arange(start, end)`, `arange(start, end, step)`; the end is not included.
 * @throws ValueError for a step of 0 or numbers that are not finite
 * @example
 * arange(3).toArray(); // [0, 1, 2]
 * arange(1, 2, 0.25).toArray(); // [1, 1.25, 1.5, 1.75]
 */
export function arange(start: number, end?: number, step = 1): Variable {
  checkArguments("arange", arguments, 3);
  const [from, to] = end === undefined ? [0, start] : [start, end];
  checkNumber("arange", "start", from);
  checkNumber("arange", "end", to);
  if (checkNumber("arange", "step", step) === 0) throw refusal("arange", "a step that is not 0", step);
  const count = Math.max(0, Math.ceil((to - from) / step));
  const { FloatArray } = currentDevice();
  return fromValues(new FloatArray(checkShape("arange", [count])[0]).map((_, i) => from + i * step), [count]);
}
