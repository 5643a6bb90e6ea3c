/**
 * A step of training whose function looks at numbers. It is no method, as no bundler drops those: so programs that do without carry nothing of it. LBFGS, whose
 * own search looks at numbers too, has a method of this name.
 */

import { attempted } from "../engine/attempts.ts";
import type { WithLoss } from "../engine/grad.ts";
import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import { checkArguments } from "../support/options.ts";
import type { LBFGS } from "./lbfgs.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * As `optimizer.minimize(f)`, where `f` may look at numbers on every device, as `gradAsync` describes. There is one update however often `f` is run.
 * `LBFGS` looks at numbers itself, so where a device cannot be waited for its `f` may not.
 * @returns what `f` returned, when its numbers are there
 * @throws as `minimize` and `gradAsync`. After any error gradients are as before, too; ValueError for what is no optimizer
 * @example
 * const w = parameter([3, -4]);
 * const optimizer = new GradientDescent(w, { learningRate: 0.5 });
 * // A loss that is steeper where it is large.
 * const loss = await minimizeAsync(optimizer, () => (w.sum().item() < 0 ? w.mul(w) : w).sum());
 * loss.item(); // 25
 * w.toArray(); // [0, 0]
 */
export async function minimizeAsync<O extends object, R extends WithLoss>(optimizer: Optimizer<O>, f: () => R): Promise<R> {
  checkArguments("minimizeAsync", arguments, 2);
  if (typeof optimizer?.minimize !== "function") throw new ValueError(`minimizeAsync takes an optimizer and a function, but got ${describe(optimizer)}.`);
  const own = optimizer as Optimizer<O> & { readonly minimizeAsync?: LBFGS["minimizeAsync"] };
  return own.minimizeAsync?.(f) ?? attempted("minimizeAsync", f, (f) => optimizer.minimize(f));
}
