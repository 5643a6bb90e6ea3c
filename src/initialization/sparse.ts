import { input, type Shape, type Variable } from "../index.ts";
import { checkInteger, checkNumber } from "../support/check.ts";
import { type InitializationOptions, randomOf, weightsOf } from "./weights.ts";

/** Where numbers come from, and how many there are. */
export interface SparseOptions extends InitializationOptions {
  /** How many inputs each output is connected to, or all of them if there are fewer; 15 unless given. */
  readonly connections?: number | undefined;
  /** The standard deviation of the weights that are not 0; 1 unless given. */
  readonly std?: number | undefined;
}

/**
 * Each output listens to a few inputs only, chosen at random, with normal weights; the other weights are 0. So units are
 * different from each other, and their input does not grow with the number of inputs (J. Martens: Deep learning via
 * Hessian-free optimization, 2010; I. Sutskever et al.: On the importance of initialization and momentum, 2013).
 *
 * @param shape [outputs, inputs]; of [outputs, inputs, …window] everything after the outputs counts as inputs
 * @throws ShapeError for another shape; ValueError for other options
 * @example
 * const w = sparse([3, 100], { connections: 5 });
 * notEqual(w, 0).sum(-1).toArray(); // [5, 5, 5]
 */
export function sparse(shape: Shape, options: SparseOptions = {}): Variable {
  const random = randomOf("sparse", arguments, options, ["connections", "std"]);
  const { outputs, inputs, window } = weightsOf("sparse", shape);
  const { connections = 15, std = 1 } = options;
  checkInteger("sparse", "connections", connections, 0);
  checkNumber("sparse", "std", std, 0);
  const columns = inputs * window;
  const count = Math.min(connections, columns);
  const values = new Float64Array(outputs * columns);
  const order = Int32Array.from({ length: columns }, (_, j) => j);
  for (let i = 0; i < outputs; i++) {
    for (let k = 0; k < count; k++) {
      // The first `count` places of a shuffled list.
      const j = random.integer(k, columns);
      [order[k], order[j]] = [order[j], order[k]];
      values[i * columns + order[k]] = random.normal(0, std);
    }
  }
  return input(values, shape);
}
