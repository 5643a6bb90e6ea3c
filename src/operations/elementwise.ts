/** Elementwise operations of one's own. */

import { newOperation } from "../engine/operation.ts";
import type { Variable } from "../engine/variable.ts";
import type { Expr } from "../kernels/expression.ts";
import { ValueError } from "../support/errors.ts";
import { checkArguments } from "../support/options.ts";
import { applying, definitionOf, expressionOf, type Operands } from "./define-elementwise.ts";

/**
 * A new differentiable operation from one scalar expression: its derivatives of every order follow from it, it
 * broadcasts by NumPy's rule, runs on every device, and is fused with its neighbours.
 *
 * @param name for messages
 * @param f from expressions to an expression, by methods such as `x.exp().add(y)`; called once, now
 * @throws ValueError if f does not return an expression, or uses operators or Math on its arguments
 * @example
 * const softsign = elementwise("softsign", (x) => x.div(x.abs().add(1)));
 * const x = input([0, 3]);
 * softsign(x).toArray(); // [0, 0.75]
 * gradients(() => softsign(x).sum(), [x])[0].toArray(); // [1, 0.0625]
 */
export function elementwise<P extends readonly Expr[]>(name: string, f: (...x: P) => Expr): (...x: Operands<P>) => Variable {
  checkArguments("elementwise", arguments, 2);
  if (typeof name !== "string" || typeof f !== "function") {
    throw new ValueError('elementwise takes a name and a function over expressions: elementwise("softsign", (x) => x.div(x.abs().add(1))).');
  }
  return applying(newOperation(definitionOf(name, f.length, expressionOf(name, f))), f.length);
}
