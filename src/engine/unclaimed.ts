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
  warnOnce(
    "unclaimed",
    `${caller}: steps give gradients to parameters that no optimizer has, as one of shape ${formatShape((found[0] as Parameter).shape)}. ` +
      "Add them to one, freeze() them, or train by minimize(f). Components do not find those in #private fields, sets and closures.",
  );
}
