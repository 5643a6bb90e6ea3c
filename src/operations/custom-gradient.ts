/** Compositions of operations with gradients of one's own. */

import { newOperation } from "../engine/operation.ts";
import { openStep, record } from "../engine/recording.ts";
import type { Operand } from "../engine/step.ts";
import { Variable } from "../engine/variable.ts";
import { Role } from "../plan/role.ts";
import { checkFlag, checkFunction } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import { checkArguments, checkOptions, noOptions } from "../support/options.ts";
import { ownRules } from "./own-rule.ts";

/** What `customGradient` may be told. */
export interface CustomGradientOptions {
  /**
   * Does what `reverse` records follow from the shapes of its arguments alone? Then it is asked once for steps of the same structure, as the library's own
   * operations are; otherwise every step that uses it is differentiated anew, in about a millisecond for a thousand operations. What changes from
   * step to step, such as a strength, is an input then. Declared where it is not so, steps go on with what the rule gave at first; a rule that looks at the
   * number of a Variable is refused. Default false.
   */
  readonly structural?: boolean | undefined;
}

/**
 * A function made of operations, with a gradient that is not theirs: straight-through estimators, gradients that are reversed or clipped, implicit
 * functions. Going forward it is `f`; going back, no gradient passes through what `f` records, and `reverse` says what the inputs get. It is made of
 * operations too, so it can be differentiated again. Make it once, not in each step.
 *
 * @param f takes Variables and numbers. What it uses without taking it, such as a parameter of a component, is a constant for it.
 * @param reverse from the gradient of the result, the inputs (numbers as Variables) and the result, the gradients of the inputs in their shapes; null for an
 *   input without one
 * @returns the function to be used in place of `f`
 * @throws ValueError for what are no functions; in steps, for a rule that does not return a list of gradients, and ShapeError if one has another shape
 * @example
 * // 1 where x is positive; the gradient passes as if that were the identity (straight through: Y. Bengio et al., arXiv:1308.3432).
 * const bit = customGradient((x: Variable) => greater(x, 0), (gradient) => [gradient], { structural: true });
 * const w = parameter([0.4, -1.7]);
 * grad(() => dot(bit(w), input([3, 5]))).item(); // 3
 * w.grad?.toArray(); // [3, 5]
 * // The identity, whose gradient is reversed (Y. Ganin, V. Lempitsky, arXiv:1409.7495), with a strength that may change
 * const reversed = customGradient(
 *   (x: Variable, strength: number) => x, (gradient, [, strength]) => [gradient.mul(strength).neg(), null], { structural: true });
 * gradients(() => reversed(w, 0.5).sum(), [w])[0].toArray(); // [-0.5, -0.5]
 */
export function customGradient<I extends readonly Operand[]>(
  f: (...inputs: I) => Variable,
  reverse: (gradient: Variable, inputs: { [K in keyof I]: Variable }, output: Variable) => readonly (Variable | null)[],
  options: CustomGradientOptions = noOptions,
): (...inputs: I) => Variable {
  checkArguments("customGradient", arguments, 3);
  const structural = checkFlag("customGradient", "structural", checkOptions("customGradient", options, ["structural"]).structural ?? false);
  checkFunction("customGradient", "f", f, "(...inputs) => result");
  checkFunction("customGradient", "reverse", reverse, "(gradient, inputs, output) => gradients");
  const name = f.name === "" ? "customGradient" : f.name;
  /** Inputs: the result of f, then what f was given. */
  const operation = newOperation({
    name,
    role: Role.view,
    lower: (lowering, node) => { lowering.alias(node, lowering.trace.input(node, 0)); },
    reverse: ownRules(name, 1, (gradient, inputs, output) => reverse(gradient, inputs as { [K in keyof I]: Variable }, output)),
  });
  return (...inputs) => {
    const result: unknown = f(...inputs);
    if (!(result instanceof Variable)) throw new ValueError(`The function given to customGradient must return a Variable, but returned ${describe(result)}.`);
    const step = openStep();
    if (step !== null && !structural) step.ownRules = true;
    return record(operation, result.shape, [result, ...inputs]);
  };
}
