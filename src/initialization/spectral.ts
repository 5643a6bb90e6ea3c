import type { Shape, Variable } from "../index.ts";
import { checkNumber } from "../support/check.ts";
import { type InitializationOptions, independent, randomOf, weightsOf } from "./weights.ts";

/**
 * Normal numbers of the variance with which a square matrix has about a wanted spectral radius, the largest magnitude of
 * an eigenvalue: radius² / n (the circular law, for large n; at n = 128 the radius is 5 % above it on average).
 * Around 1 a recurrent network neither forgets at once nor explodes (H. Jaeger: The "echo state" approach, 2001).
 *
 * @param shape [outputs, inputs]; n is the larger of both, so that other matrices are parts of a square one
 * @param options radius, 1 unless given; random
 * @throws ShapeError for another shape; ValueError for a radius that is not a finite number of at least 0
 * @example
 * const u = parameter(spectral([200, 200], { radius: 0.9 })); // numbers of variance 0.9² / 200
 * u.shape; // [200, 200]
 */
export function spectral(shape: Shape, options: InitializationOptions & { readonly radius?: number } = {}): Variable {
  const random = randomOf("spectral", arguments, options, ["radius"]);
  const { outputs, inputs, window } = weightsOf("spectral", shape);
  const radius = checkNumber("spectral", "radius", options.radius ?? 1, 0);
  return independent(shape, random, "normal", radius / Math.sqrt(Math.max(outputs, inputs * window)));
}
