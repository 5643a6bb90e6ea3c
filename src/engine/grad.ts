/** The three ways to run a function of variables: with gradients, without, and gradients as variables. */

import { addGradients, differentiate, zeroGradient } from "./differentiate.ts";
import { isMap, kindOf } from "../support/arrays.ts";
import { describe } from "../support/describe.ts";
import { ShapeError, UsageError, ValueError } from "../support/errors.ts";
import { checkArguments } from "../support/options.ts";
import { formatShape, type Shape } from "../support/shape.ts";
import { bufferKey } from "../plan/buffer-key.ts";
import type { Root } from "../plan/planner.ts";
import { LeafKind, Mark } from "../plan/trace.ts";
import type { Goal, Reached } from "./compile.ts";
import { keep, openStep, withStep } from "./recording.ts";
import type { Step } from "./step.ts";
import { type Parameter, Variable } from "./variable.ts";

/** What a function given to `grad` may return: the loss, or an object that has it as `loss`. */
export type WithLoss = Variable | { readonly loss: Variable };

/**
 * Runs `f`, back-propagates from the loss that it returns, and adds the gradients to `grad` of every parameter that
 * the loss depends on.
 *
 * @param f returns a Variable with one element, or an object whose `loss` is one
 * @returns what `f` returned, every Variable in it with its numbers
 * @throws UsageError if `f` is asynchronous, if a step is open already, or if the loss depends on no parameter;
 *   ShapeError if the loss has more than one element. After any error parameters, their gradients and states are unchanged.
 * @example
 * const w = parameter([1, 2]);
 * grad(() => mul(w, w).sum()).item(); // 5
 * w.grad?.toArray(); // [2, 4]
 * // Once more: gradients add up until an optimizer's update, or w.clearGrad().
 * grad(() => mul(w, w).sum()).item(); // 5
 * w.grad?.toArray(); // [4, 8]
 */
export function grad<R extends WithLoss>(f: () => R): R {
  checkArguments("grad", arguments, 1);
  return withStep("grad", "training", (step) => {
    const found = call("grad", f);
    // A loss that is a parameter or a state itself comes back as its number now, like any other loss.
    const result = found instanceof Variable && found.storage !== null ? (step.variable(step.node(found)) as WithLoss as R) : found;
    const loss = lossOf("grad", result);
    const kept = variablesIn(result).filter((variable) => variable.storage === null);
    const given = [loss, ...kept].map((variable) => step.node(variable));
    // Rules of the user's own are asked every time: what they say may depend on more than the structure.
    const recorded = step.ownRules ? gradientGoal(step, given) : null;
    const roots = recorded?.roots.map((root) => root.node) ?? [];
    const { compiled, region } = step.finish(Mark.gradient, [...given, ...roots], (nodes) => recorded ?? gradientGoal(step, nodes));
    for (const { array, rows } of compiled.reached) (step.arrays[array] as Parameter).reached(rows);
    kept.forEach((variable, i) => { step.materialize(variable, region, compiled.plan.results[i]); });
    return result;
  });
}

/** Records the gradients of all parameters of the step, to be written or added to their places; `nodes` are the loss and what is kept. */
function gradientGoal(step: Step, [loss, ...kept]: readonly number[]): Goal {
  const { trace } = step;
  step.eager = false;
  const parameters: number[] = [];
  for (let node = 0; node <= loss; node++) {
    if (trace.isLeaf(node) && (trace.leafKind(node) === LeafKind.parameter || trace.leafKind(node) === LeafKind.accumulating)) parameters.push(node);
  }
  const roots: Root[] = kept.map((node) => ({ node, target: null }));
  const reached: Reached[] = [];
  /** What the leaves added here stand for: gradients from earlier steps. */
  const earlier = new Map<number, number>();
  const earlierGradient = (key: number, shape: Shape): Variable => {
    earlier.set(trace.arrayCount, key);
    return step.earlierGradient(shape);
  };
  differentiate(step, step.variable(loss), parameters).forEach((gradient, i) => {
    if (gradient === null) return;
    const leaf = parameters[i];
    const array = trace.leafOrdinal(leaf);
    let before = trace.leafKind(leaf) === LeafKind.accumulating ? earlierGradient(bufferKey.gradient(array), gradient.shape) : null;
    const rows = step.rowsOf(array);
    if (rows !== null && before === null) {
      const target = bufferKey.gradient(array + 1);
      const known = rows === (step.arrays[array] as Parameter).byRows ? earlierGradient(target, rows.shape) : null;
      const list = rows.listed(gradient, known);
      if (list !== null) {
        roots.push({ node: step.node(list), target });
        reached.push({ array, rows: rows.countOf(list.size) });
        return;
      }
      before = known && rows.wholeOf(known);
    }
    const total = before === null ? gradient : addGradients(before, gradient);
    roots.push({ node: step.node(total), target: bufferKey.gradient(array) });
    reached.push({ array, rows: -1 });
  });
  if (reached.length === 0) throw independent("grad");
  return {
    roots,
    reached,
    arrayKey: (ordinal) => earlier.get(ordinal) ?? bufferKey.value(ordinal),
  };
}

/**
 * Runs `f` without gradients; dropout is the identity.
 * @returns what `f` returned, every Variable in it with its numbers
 * @throws UsageError if `f` is asynchronous or if a step is open already
 * @example
 * const x = input([1, 2]);
 * const { y, total } = evaluate(() => {
 *   const y = x.mul(2);
 *   return { y, total: y.sum() };
 * });
 * y.toArray(); // [2, 4]
 * total.item(); // 6
 */
export function evaluate<R>(f: () => R): R {
  checkArguments("evaluate", arguments, 1);
  return withStep("evaluate", "values", (step) => {
    const result = call("evaluate", f);
    keep(step, variablesIn(result));
    return result;
  });
}

/**
 * The gradients of the scalar that `f` returns by some variables, as variables that can be used and differentiated further.
 * Inside `grad`, `evaluate` or another `gradients` they belong to that step; outside they come back with their numbers, and as nothing
 * is trained there, dropout is the identity.
 *
 * @param f returns a Variable with one element, computed from `variables`
 * @param variables by which to differentiate: parameters, inputs, or results computed in the same step
 * @returns for each variable a gradient of its shape, zero where the result does not depend on it
 * @throws ShapeError if the result has more than one element; UsageError if `f` is asynchronous; ValueError for what is no array of Variables
 * @example
 * const x = input([1, 2]);
 * const cubes = () => pow(x, 3).sum();
 * gradients(cubes, [x])[0].toArray(); // [3, 12]
 * // The derivative of the derivative, 6x
 * gradients(() => gradients(cubes, [x])[0].sum(), [x])[0].toArray(); // [6, 12]
 */
export function gradients(f: () => Variable, variables: readonly Variable[]): Variable[] {
  checkArguments("gradients", arguments, 2);
  if (!Array.isArray(variables)) throw new ValueError("gradients takes a function and an array of Variables: gradients(() => loss, [x, y]).");
  for (const variable of variables) {
    if (!(variable instanceof Variable)) {
      throw new ValueError(`gradients takes an array of Variables to differentiate by, but got ${describe(variable)} in it.`);
    }
  }
  const open = openStep();
  if (open === null) {
    return withStep("gradients", "gradients", (step) => {
      const found = record(step);
      keep(step, found);
      return found;
    });
  }
  return record(open);

  function record(step: Step): Variable[] {
    // Entered first, so that f and the gradients mean the same nodes.
    const targets = variables.map((variable) => step.node(variable));
    const result = lossOf("gradients", call("gradients", f));
    const node = step.node(result);
    const found = differentiate(step, step.variable(node), targets);
    return found.map((gradient, i) => gradient ?? zeroGradient(variables[i].shape));
  }
}

function call<R>(caller: string, f: () => R): R {
  if (typeof f !== "function") throw new UsageError(`${caller} takes a function, but got ${describe(f)}: write ${caller}(() => …).`);
  const result = f();
  if (typeof (result as { then?: unknown } | null | undefined)?.then === "function") {
    // Nobody will wait for it; its failure is not one more error.
    (result as unknown as Promise<unknown>).then(undefined, () => {});
    throw new UsageError(
      `The function given to ${caller} is async: it returned a Promise, and what it does after its first await would be outside of the step. ` +
        `Await your data before calling ${caller}, and give it a function that is not async.`,
    );
  }
  return result;
}

function lossOf(caller: string, result: WithLoss): Variable {
  const loss = result instanceof Variable ? result : (result as { loss?: unknown } | null | undefined)?.loss;
  if (!(loss instanceof Variable)) {
    throw new UsageError(
      `The function given to ${caller} must return the loss, a Variable with one element` +
        `${caller === "grad" ? ", or an object with it as `loss`" : ""}, but returned ${describe(result)}.`,
    );
  }
  if (loss.size !== 1) {
    throw new ShapeError(
      `The loss given to ${caller} has shape ${formatShape(loss.shape)}, but only a single number can be differentiated. ` +
        "Reduce it, for example with sum() or mean().",
    );
  }
  return loss;
}

const independent = (caller: string): UsageError =>
  new UsageError(
    `The loss given to ${caller} depends on no parameter, so there is nothing to differentiate. ` +
      "Make it from variables created by parameter(…), inside the function; detach() and evaluate() cut the dependence.",
  );

/** Every Variable in arrays, objects, maps and sets, each once. */
function variablesIn(value: unknown): Variable[] {
  if (value instanceof Variable) return [value];
  const found = new Set<Variable>();
  const seen = new Set<unknown>();
  const open: unknown[] = [value]; // no recursion: a result may be a list with ten thousand links
  while (open.length > 0) {
    const part = open.pop();
    if (typeof part !== "object" || part === null || seen.has(part) || ArrayBuffer.isView(part)) continue;
    seen.add(part);
    if (part instanceof Variable) found.add(part);
    else if (Array.isArray(part) || kindOf(part) === "Set") (part as unknown[]).forEach((entry) => { open.push(entry); });
    else if (isMap(part)) part.forEach((entry, key) => open.push(key, entry));
    else for (const entry of Object.values(part)) open.push(entry);
  }
  return [...found];
}
