/** The three ways to run a function of variables: with gradients, without, and gradients as variables. */

import { currentDevice } from "../devices/current.ts";
import { Storage } from "../devices/storage.ts";
import { addGradients, differentiate, zeroGradient } from "./differentiate.ts";
import { checkFlag } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ShapeError, UsageError, ValueError } from "../support/errors.ts";
import { checkArguments, checkOptions, noOptions } from "../support/options.ts";
import { formatShape, type Shape } from "../support/shape.ts";
import { bufferKey } from "../plan/buffer-key.ts";
import type { Root } from "../plan/planner.ts";
import { LeafKind, Mark } from "../plan/trace.ts";
import type { Goal, Reached } from "./compile.ts";
import { asConstant } from "./constant-part.ts";
import { keep, openStep, withStep } from "./recording.ts";
import { variablesIn } from "./results.ts";
import type { Step } from "./step.ts";
import { parametersOf, type Trainable } from "./trainable.ts";
import { suspect } from "./unclaimed.ts";
import { byRowsOf, markReached, Parameter, type RowGradient, Variable } from "./variable.ts";

/** What a function given to `grad` may return: the loss, or an object that has it as `loss`. */
export type WithLoss = Variable | { readonly loss: Variable };

/** What `grad` may be told. */
export interface GradOptions {
  /** The parameters whose gradients are wanted: a component, a parameter, or an array of these. All others are constants. */
  readonly of?: Trainable | undefined;
}

/**
 * Runs `f`, back-propagates from the loss that it returns, and adds the gradients to `grad` of every parameter that
 * the loss depends on; with `of`, of those alone: others are constants in this step, so nothing is computed for them.
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
 * // By some parameters only
 * const v = parameter([3, 4]);
 * grad(() => mul(v, w).sum(), { of: v });
 * [v.grad, w.grad].map((gradient) => gradient?.toArray()); // [[1, 2], [4, 8]]
 */
export function grad<R extends WithLoss>(f: () => R, options: GradOptions = noOptions): R {
  checkArguments("grad", arguments, 2);
  const { of } = checkOptions("grad", options, ["of"]);
  return gradOf("grad", f, of === undefined ? null : new Set(parametersOf("grad({ of })", of)));
}

/** Lets parameters have no gradients. @returns how to give them back those that they had */
export function setAside(parameters: readonly Parameter[]): () => void {
  const earlier = parameters.map(({ grad }) => {
    const storage = grad && (grad.storage as Storage);
    return storage && (storage.away("gradients") ?? new Storage(storage.size, null, "gradients").copy(storage));
  });
  const journal = currentDevice().later?.journal;
  journal?.setAside(parameters);
  for (const parameter of parameters) parameter.hasGradient = false;
  return () => {
    journal?.drop(parameters);
    parameters.forEach((parameter, i) => {
      const values = earlier[i];
      parameter.hasGradient = false;
      if (values === null) return;
      if (values.isLost) parameter.hasGradient = true; // nor has the step written a gradient
      else {
        markReached(parameter, -1);
        parameter.gradient.copy(values);
      }
    });
  };
}

/** The same as `grad` for a caller with a name of its own. */
export function gradOf<R extends WithLoss>(caller: string, f: () => R, of: ReadonlySet<Parameter> | null): R {
  return withStep(caller, "training", (step) => {
    const found = call(caller, f);
    // A loss that is a parameter or a state itself comes back as its number now, like any other loss.
    const result = found instanceof Variable && found.storage !== null ? (step.variable(step.node(found)) as WithLoss as R) : found;
    const loss = lossOf(caller, result);
    const kept = variablesIn(result).filter((variable) => variable.storage === null);
    const given = [loss, ...kept].map((variable) => step.node(variable));
    // Rules of the user's own are asked every time: what they say may depend on more than the structure.
    const recorded = step.ownRules ? gradientGoal(step, given) : null;
    const roots = recorded?.roots.map((root) => root.node) ?? [];
    const { compiled, region } = step.complete(Mark.gradient, [...given, ...roots], (nodes) => recorded ?? gradientGoal(step, nodes));
    const { reached } = compiled;
    let unowned = 0;
    for (const { array, rows } of reached) {
      const parameter = step.arrays[array] as Parameter;
      markReached(parameter, rows);
      if (!parameter.isOwned) unowned++;
    }
    if (unowned > 0 && unowned < reached.length && of === null) suspect(reached.map(({ array }) => step.arrays[array] as Parameter));
    kept.forEach((variable, i) => { step.materialize(variable, region, compiled.plan.results[i]); });
    return result;
  }, of);
}

/** Records the gradients of all parameters of the step, to be written or added to their places; `nodes` are the loss and what is kept. */
function gradientGoal(step: Step, [loss, ...kept]: readonly number[]): Goal {
  const { trace } = step;
  step.eager = false;
  step.constants = null; // nodes have other numbers now, and nothing that is recorded from here on is differentiated
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
    const rows = before === null ? step.rowsOf(array) : null;
    let list: Variable | null = null;
    if (rows !== null) {
      const known = rows === byRowsOf(step.arrays[array] as Parameter) ? earlierGradient(bufferKey.gradient(array + 1), rows.shape) : null;
      list = rows.listed(gradient, known);
      if (list === null) before = known && rows.wholeOf(known);
    }
    const total = list ?? (before === null ? gradient : addGradients(before, gradient));
    roots.push({ node: step.node(total), target: bufferKey.gradient(list === null ? array : array + 1) });
    reached.push({ array, rows: list === null ? -1 : (rows as RowGradient).countOf(list.size) });
  });
  if (reached.length === 0) throw independent(step);
  return {
    roots,
    reached,
    arrayKey: (ordinal) => earlier.get(ordinal) ?? bufferKey.value(ordinal),
  };
}

/** What `evaluate` may be told. */
export interface EvaluateOptions {
  /** Whether dropout acts. Unless given it does not; in an `evaluate` inside of one that was told so, it does as there. */
  readonly dropout?: boolean | undefined;
}

/**
 * Runs `f` without gradients; dropout is the identity, unless `{ dropout: true }` keeps it on (Monte Carlo dropout, arXiv:1506.02142).
 *
 * Inside `grad`, `gradients` or another `evaluate` it is a constant part of that step: what is computed in it has the same numbers, and no gradient passes from
 * there to anything outside, as by `detach`, whichever way the result leaves `f`. Nothing is run early: what `f` returns is used further in the step. In this
 * part `isTraining()` is false. `gradients` works in it as everywhere.
 *
 * @returns what `f` returned, every Variable in it with its numbers; inside of a step a Variable of that step
 * @throws UsageError if `f` is asynchronous
 * @example
 * const x = input([1, 2]);
 * const { y, total } = evaluate(() => {
 *   const y = x.mul(2);
 *   return { y, total: y.sum() };
 * });
 * y.toArray(); // [2, 4]
 * total.item(); // 6
 * // A target that is a constant: the gradient of (w − 2w)² is 2·(w − 2w), not 2·w.
 * const w = parameter(3);
 * grad(() => w.sub(evaluate(() => w.mul(2))).pow(2));
 * w.grad?.item(); // -6
 */
export function evaluate<R>(f: () => R, options: EvaluateOptions = noOptions): R {
  checkArguments("evaluate", arguments, 2);
  const { dropout } = checkOptions("evaluate", options, ["dropout"]);
  if (dropout !== undefined) checkFlag("evaluate", "dropout", dropout);
  const open = openStep();
  if (open !== null) return asConstant(open, dropout, () => call("evaluate", f));
  return withStep("evaluate", "values", (step) => {
    step.dropout = dropout === true;
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
  return within("gradients", variables, (step, targets) => {
    const node = step.node(lossOf("gradients", call("gradients", f)));
    return orZeros(differentiate(step, step.variable(node), targets), variables);
  });
}

/**
 * Runs `body` in the open step, or in one of its own, after which what it returns has its numbers.
 * @param variables by which it differentiates; `body` gets their nodes
 */
export function within<R>(caller: string, variables: readonly Variable[], body: (step: Step, targets: readonly number[]) => R): R {
  if (!Array.isArray(variables)) throw new ValueError(`${caller} takes a function and an array of Variables: ${caller}(() => loss, [x, y]).`);
  for (const variable of variables) {
    if (!(variable instanceof Variable)) {
      throw new ValueError(`${caller} takes an array of Variables to differentiate by, but got ${describe(variable)} in it.`);
    }
  }
  // Entered first, so that the function and its derivatives mean the same nodes.
  const run = (step: Step): R => body(step, variables.map((variable) => step.node(variable)));
  const open = openStep();
  if (open !== null) return run(open);
  return withStep(caller, "gradients", (step) => {
    const found = run(step);
    keep(step, variablesIn(found));
    return found;
  });
}

/** Gradients by some variables, with zeros for what a result does not depend on. */
export const orZeros = (found: readonly (Variable | null)[], variables: readonly Variable[]): Variable[] =>
  found.map((gradient, i) => gradient ?? zeroGradient(variables[i].shape));

/** Calls a function of the user, which is to be one and not asynchronous. */
export function call<R>(caller: string, f: () => R): R {
  if (typeof f !== "function") throw new UsageError(`${caller} takes a function, but got ${describe(f)}: write ${caller}(() => …).`);
  const result = f();
  if (typeof (result as { then?: unknown } | null | undefined)?.then === "function") {
    // Nobody will wait for it; its failure is not one more error.
    (result as unknown as Promise<unknown>).then(undefined, () => {});
    throw new UsageError(
      `The function given to ${caller} is async: what it does after its first await would be outside of the step. ` +
        `Await your data before calling ${caller}.`,
    );
  }
  return result;
}

/** The loss that a function has returned. */
export function lossOf(caller: string, result: WithLoss): Variable {
  const loss = result instanceof Variable ? result : (result as { loss?: unknown } | null | undefined)?.loss;
  if (!(loss instanceof Variable)) {
    throw new UsageError(
      `The function given to ${caller} must return the loss, a Variable with one element` +
        `${caller !== "gradients" ? ", or an object with it as `loss`" : ""}, but returned ${describe(result)}.`,
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

function independent({ caller, of, arrays }: Step): UsageError {
  const used = arrays.filter((array) => array instanceof Parameter && (of?.has(array) ?? true));
  if (used.length > 0 && used.every(({ isFrozen }) => isFrozen)) {
    return new UsageError(`All parameters that ${caller} could train are frozen: unfreeze() some.`);
  }
  return new UsageError(
    `The loss given to ${caller} depends on ${of === null ? "no parameter" : "none of the parameters that are asked for"}, ` +
      "so there is nothing to differentiate. Make it from variables created by parameter(…), inside the function; detach() and evaluate() cut the dependence.",
  );
}
