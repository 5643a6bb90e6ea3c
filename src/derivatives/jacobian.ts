/** Whole matrices of derivatives: a backward pass for each row, all in one step. */

import { differentiate, zeroGradient } from "../engine/differentiate.ts";
import { call, gradients, lossOf, within } from "../engine/grad.ts";
import type { Step } from "../engine/step.ts";
import type { Variable } from "../engine/variable.ts";
import { eye } from "../operations/creation.ts";
import { stack } from "../operations/joining.ts";
import { reshape, slice } from "../operations/layout.ts";
import { checkArguments } from "../support/options.ts";
import { valueIn } from "./vector-products.ts";

/**
 * The derivatives of all elements that `f` gives by all elements of some variables. Takes a backward pass for each element of the value, so best of
 * few elements by many. All are in one step, in which like operations run as one; for wide variables and many elements `jvp` along each
 * variable takes fewer passes.
 * Inside a step the results belong to it and can be differentiated further; outside they come back with their numbers, as those of `gradients`.
 *
 * @param f returns a Variable of any shape, computed from `variables`
 * @returns for each variable an array [...shape of the value, ...shape of the variable], zero where the value does not depend on it
 * @throws as `gradients`
 * @example
 * const x = input([1, 2, 3]);
 * jacobian(() => mul(slice(x, [0, 2]), slice(x, [1, 3])), [x])[0].toArray(); // [[2, 1, 0], [0, 3, 2]]
 */
export function jacobian(f: () => Variable, variables: readonly Variable[]): Variable[] {
  checkArguments("jacobian", arguments, 2);
  return within("jacobian", variables, (step, targets) => rows(step, valueIn("jacobian", step, f), variables, targets));
}

/**
 * The second derivatives of the number that `f` returns, by each two elements of some variables: the Jacobians of its gradients. Takes a backward pass for each
 * element of the variables, all in one step. A product of the Hessian with one vector takes less: `gradients` of the sum of `gradients` times the vector.
 *
 * @param f returns a Variable with one element, computed from `variables`
 * @returns blocks, of which `[i][j]` is an array [...shape of variable i, ...shape of variable j]; zero where nothing depends
 * @throws as `gradients`
 * @example
 * const [x, y] = [input([1, 2]), input(3)];
 * const blocks = hessian(() => mul(pow(x, 3).sum(), y), [x, y]);
 * blocks[0][0].toArray(); // [[18, 0], [0, 36]]
 * blocks[0][1].toArray(); // [3, 12]
 * blocks[1][1].item(); // 0
 */
export function hessian(f: () => Variable, variables: readonly Variable[]): Variable[][] {
  checkArguments("hessian", arguments, 2);
  return within("hessian", variables, (step, targets) =>
    gradients(() => lossOf("hessian", call("hessian", f)), variables).map((slope) => rows(step, slope, variables, targets)));
}

function rows(step: Step, value: Variable, variables: readonly Variable[], targets: readonly number[]): Variable[] {
  const units = eye(value.size);
  const found = Array.from({ length: value.size }, (_, i) => differentiate(step, value, targets, reshape(slice(units, i), value.shape)));
  return variables.map((variable, k) => {
    const shape = [...value.shape, ...variable.shape];
    // All rows depend on the same variables.
    const own = found.flatMap((row) => row[k] ?? []);
    return own.length === 0 ? zeroGradient(shape) : reshape(stack(own), shape);
  });
}
