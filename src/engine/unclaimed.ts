/** Warns of gradients that nobody applies: those of parameters that a step reaches together with an optimizer's, and that no optimizer has. */

import { formatShape } from "../support/shape.ts";
import { warnOnce } from "../support/warn.ts";
import type { Parameter } from "./variable.ts";

/** Of the last step that reached both kinds. */
let suspects: readonly WeakRef<Parameter>[] = [];

/** These have got gradients in one step, and not all of them belong to an optimizer. */
export function suspect(reached: readonly Parameter[]): void {
  suspects = reached.filter(({ isOwned, unclaimed }) => !isOwned && unclaimed >= 0).map((parameter) => new WeakRef(parameter));
}

/** An update has been made. Whoever applies gradients without an optimizer reads them, perhaps only after it: so it takes two until it is certain. */
export function checkClaimed(caller: string): void {
  if (suspects.length === 0) return;
  const found = suspects.map((reference) => reference.deref()).filter((parameter) => parameter?.hasGradient && !parameter.isOwned && parameter.unclaimed++ > 0);
  suspects = [];
  if (found.length === 0) return;
  for (const parameter of found) (parameter as Parameter).unclaimed = -1;
  const shapes = (found as Parameter[]).slice(0, 3).map(({ shape }) => formatShape(shape)).join(", ");
  warnOnce(
    "unclaimed",
    `${caller}: steps compute gradients of ${found.length} parameter${found.length === 1 ? "" : "s"} that no optimizer has, of shape ${shapes}` +
      `${found.length > 3 ? ", …" : ""}. They add up and are never applied. Give the parameters to an optimizer; or freeze() them, or train by ` +
      "optimizer.minimize(f) or grad(f, { of }), so that they are not computed. If they are of the model itself: it finds parameters in its fields, and in " +
      "components, arrays, maps and plain objects there, not in #private fields, sets, functions and objects of other classes.",
  );
}
