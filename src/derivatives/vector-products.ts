/** Jacobians times vectors, and vectors times Jacobians, without the Jacobians. */

import { differentiate, zeroGradient } from "../engine/differentiate.ts";
import { call, orZeros, within } from "../engine/grad.ts";
import type { Step } from "../engine/step.ts";
import { input, type TensorLike, Variable } from "../engine/variable.ts";
import { add, mul } from "../operations/arithmetic.ts";
import { sum } from "../operations/reduction.ts";
import { describe } from "../support/describe.ts";
import { ShapeError, UsageError, ValueError } from "../support/errors.ts";
import { checkArguments } from "../support/options.ts";
import { formatShape, type Shape, sameShape } from "../support/shape.ts";

/** What a function gives, and the gradients by its variables. */
export interface VectorJacobianProduct {
  readonly value: Variable;
  readonly gradients: Variable[];
}

/** What a function gives, and how that changes. */
export interface JacobianVectorProduct {
  readonly value: Variable;
  readonly tangent: Variable;
}

/**
 * A vector times the Jacobian: the gradients of Σ `cotangent`·f by some variables, where `f` gives an array of any shape. Takes one backward pass.
 * Inside a step the results belong to it and can be differentiated further; outside they come back with their numbers, as those of `gradients`.
 *
 * @param f returns a Variable, computed from `variables`
 * @param cotangent of the shape of that
 * @returns the value of `f`, and for each variable a gradient of its shape, zero where the value does not depend on it
 * @throws ShapeError if the shape of the cotangent is another; else as `gradients`
 * @example
 * const x = input([1, 2, 3]);
 * // Of [x₀·x₁, x₁·x₂], with the rows [x₁, x₀, 0] and [0, x₂, x₁]
 * const { value, gradients } = vjp(() => mul(slice(x, [0, 2]), slice(x, [1, 3])), [x], [10, 1]);
 * value.toArray(); // [2, 6]
 * gradients[0].toArray(); // [20, 13, 2]
 */
export function vjp(f: () => Variable, variables: readonly Variable[], cotangent: TensorLike): VectorJacobianProduct {
  checkArguments("vjp", arguments, 3);
  return within("vjp", variables, (step, targets) => {
    const value = valueIn("vjp", step, f);
    const seed = vector("vjp", "cotangent", step, cotangent, value.shape);
    return { value, gradients: orZeros(differentiate(step, value, targets, seed), variables) };
  });
}

/**
 * The Jacobian times a vector: the derivative of `f`, which gives an array of any shape, where the variables move along `tangents`. It is the
 * derivative of a backward pass by what it begins with, so it works for every operation that can be differentiated twice; two passes are
 * recorded, and what runs costs about as much as `f` once more. A gradient that is not in proportion to the one that arrives, such as that of `gradnorm`, has
 * no such product.
 *
 * @param f returns a Variable, computed from `variables`
 * @param tangents for each variable an array of its shape
 * @returns the value of `f`, and its derivative in the same shape
 * @throws ShapeError for a tangent of another shape; ValueError unless there is one for each variable; else as `gradients`
 * @example
 * const x = input([1, 2, 3]);
 * const { value, tangent } = jvp(() => mul(slice(x, [0, 2]), slice(x, [1, 3])), [x], [[1, 0, 2]]);
 * value.toArray(); // [2, 6]
 * tangent.toArray(); // [2, 4]
 */
export function jvp(f: () => Variable, variables: readonly Variable[], tangents: readonly TensorLike[]): JacobianVectorProduct {
  checkArguments("jvp", arguments, 3);
  return within("jvp", variables, (step, targets) => {
    if (!Array.isArray(tangents) || tangents.length !== variables.length) {
      throw new ValueError(`jvp takes an array with a tangent for each of the ${variables.length} variables, but got ${describe(tangents)}.`);
    }
    const value = valueIn("jvp", step, f);
    const directions = variables.map(({ shape }, i) => vector("jvp", `tangents[${i}]`, step, tangents[i] as TensorLike, shape));
    // What is differentiated by: it stands for any cotangent, as the gradients are linear in it.
    const seed = zeroGradient(value.shape);
    const terms = differentiate(step, value, targets, seed).flatMap((gradient, i) => (gradient === null ? [] : [sum(mul(gradient, directions[i]))]));
    const tangent = terms.length === 0 ? null : differentiate(step, terms.reduce((a, b) => add(a, b)), [step.node(seed)])[0];
    return { value, tangent: tangent ?? zeroGradient(value.shape) };
  });
}

/** What a function gives, as a Variable of the step. */
export function valueIn(caller: string, step: Step, f: () => Variable): Variable {
  const value = call(caller, f);
  if (!(value instanceof Variable)) throw new UsageError(`The function given to ${caller} must return a Variable, but returned ${describe(value)}.`);
  return step.variable(step.node(value));
}

function vector(caller: string, name: string, step: Step, given: TensorLike, shape: Shape): Variable {
  const found = given instanceof Variable ? given : input(given);
  if (sameShape(found.shape, shape)) return step.variable(step.node(found));
  throw new ShapeError(`${caller} got ${name} of shape ${formatShape(found.shape)} for an array of shape ${formatShape(shape)}.`);
}
