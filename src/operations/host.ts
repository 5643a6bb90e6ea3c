/** Operations that a user writes as a plain loop. */

import { callHost } from "../engine/host-call.ts";
import { newOperation } from "../engine/operation.ts";
import { refusal } from "../support/check.ts";
import { UsageError, ValueError } from "../support/errors.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { checkShape, type Shape } from "../support/shape.ts";
import type { HostArray } from "../kernels/kernel.ts";
import { lowerHost } from "../plan/host.ts";
import { openStep, record } from "../engine/recording.ts";
import { Variable } from "../engine/variable.ts";
import { ownRules } from "./own-rule.ts";

/** How an operation is declared to `operation`. */
export interface OperationDefinition {
  /** For messages. */
  readonly name: string;
  /** The shape of the result from those of the inputs; throw a ShapeError where they do not fit. */
  shape(...inputs: Shape[]): Shape;
  /**
   * Writes the elements of `y.data`, which are 0 at first. Runs when the step runs, once for each use, on the host. The inputs are copies,
   * so the loop may use them as scratch; copying takes a third to once the time of a loop that reads each element once.
   */
  forward(y: HostArray, ...inputs: HostArray[]): void;
  /**
   * From the gradient of the result, the gradients of the inputs in their shapes; null for an input without one.
   * Made of operations on Variables, so it can be differentiated again. It is asked in every step, so it may also use numbers
   * from outside that change; `structural` says that it does not. Left out, no gradient passes.
   */
  reverse?(gradient: Variable, y: Variable, ...inputs: Variable[]): readonly (Variable | null)[];
  /**
   * Does what `reverse` records follow from the shapes of its arguments alone, as that of the library's own operations does? Then it is asked
   * once for steps of the same structure, which are planned once; otherwise every step that uses the operation is differentiated anew, in
   * about a millisecond for a thousand operations. Where it is declared but not so (numbers or Variables from outside that are others in the next step, an
   * `if` on one), steps go on with what the rule gave at first. A rule that looks at the number of a Variable is refused. Default false.
   */
  readonly structural?: boolean;
}

/**
 * A new operation from a loop over arrays and a reverse rule. It runs on every device (data are handed to the host).
 * Prefer `elementwise` where one expression says it all: that is faster and derives the rule.
 * @throws ValueError for another definition
 * @example
 * const reverse = operation({
 *   name: "reverse",
 *   shape: (x) => x,
 *   forward(y, x) { for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[x.data.length - 1 - i]; },
 *   reverse: (g) => [reverse(g)],
 * });
 * reverse(input([1, 2, 3])).toArray(); // [3, 2, 1]
 */
export function operation(definition: OperationDefinition): (...inputs: (Variable | number)[]) => Variable {
  checkArguments("operation", arguments, 1);
  checkOptions("operation", definition, ["name", "shape", "forward", "reverse", "structural"]);
  const { name, reverse, structural = false } = definition;
  if (typeof name !== "string" || typeof definition.shape !== "function" || typeof definition.forward !== "function" ||
    !["function", "undefined"].includes(typeof reverse) || typeof structural !== "boolean") {
    throw new ValueError(
      "operation takes { name, shape, forward, reverse, structural }: a string, functions, true or false. " +
        "See its documentation for an example.",
    );
  }

  const recorded = newOperation({
    name,
    lower: (lowering, node) => lowerHost(lowering, node, run),
    reverse: reverse === undefined ? () => null : ownRules(name, 0, (gradient, inputs, y) => reverse.call(definition, gradient, y, ...inputs)),
  });

  function run(y: HostArray, ...inputs: HostArray[]): void {
    y.data.fill(0);
    // Typed arrays cannot be frozen, and these are the numbers of parameters and of other operations.
    const copies = inputs.map(({ data, shape }) => ({ data: data.slice(), shape }));
    const returned: unknown = callHost(() => definition.forward(Object.freeze(y), ...copies));
    if (typeof (returned as { then?: unknown } | undefined)?.then !== "function") return;
    (returned as Promise<unknown>).then(undefined, () => {}); // nobody will wait for it
    throw new UsageError(
      `The forward function of ${name} is async: what it does after its first await would come too late. ` +
        "Await before the step, and give the operation what you waited for.",
    );
  }

  return (...inputs) => {
    const variables = inputs.map((x) => {
      if (x instanceof Variable || typeof x === "number") return x;
      throw refusal(name, "Variables and numbers", x, " Wrap arrays with input(…).");
    });
    const shape = checkShape(name, definition.shape(...variables.map((x) => (typeof x === "number" ? [] : x.shape.slice()))));
    const step = openStep();
    if (step !== null && reverse !== undefined && !structural) step.ownRules = true;
    return record(recorded, shape.slice(), variables, shape);
  };
}
