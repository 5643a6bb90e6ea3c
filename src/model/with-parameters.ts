/** A call of a component with other weights. */

import { call } from "../engine/grad.ts";
import { type Parameter, Variable } from "../engine/variable.ts";
import { isMap, isPlainObject } from "../support/arrays.ts";
import { describe } from "../support/describe.ts";
import { closest } from "../support/edit-distance.ts";
import { ShapeError, ValueError } from "../support/errors.ts";
import { checkArguments } from "../support/options.ts";
import { formatShape, sameShape } from "../support/shape.ts";
import type { Component } from "./component.ts";

/** Variables by the paths of the parameters that they stand in for. */
export type StandIns = ReadonlyMap<string, Variable> | Readonly<Record<string, Variable>>;

/**
 * Calls `f` with other Variables in place of some parameters of a component, wherever these are used. Gradients flow to the Variables that stand in, so
 * that a component can be called with weights that have been computed: by a step of gradient descent (MAML, arXiv:1703.03400), or by another network.
 * The parameters themselves are as before afterwards, also after an error.
 *
 * @param map by paths, as `namedParameters` has them; parameters that it does not name stand for themselves
 * @param f may be part of a step, or run steps of its own
 * @returns what `f` returned
 * @throws ValueError for a path that the component does not have, or what is no Variable; ShapeError for another shape than the parameter's;
 *   UsageError if `f` is asynchronous
 * @example
 * class Line extends Component {
 *   readonly slope = parameter(1);
 *   cost(x: number, y: number) { return this.slope.mul(x).sub(y).pow(2); }
 * }
 * const line = new Line();
 * // A step of gradient descent for one task, y = 3 at x = 1; then the cost of another, y = 4 at x = 2, is differentiated through that step.
 * grad(() => {
 *   const [slope] = gradients(() => line.cost(1, 3), [line.slope]); // −4
 *   return withParameters(line, { slope: line.slope.sub(slope.mul(0.1)) }, () => line.cost(2, 4)); // the slope is 1.4 there
 * }).item(); // 1.44
 * line.slope.grad?.item(); // -3.84
 */
export function withParameters<R>(component: Component, map: StandIns, f: () => R): R {
  checkArguments("withParameters", arguments, 3);
  if (typeof component?.namedParameters !== "function") {
    throw new ValueError(`withParameters takes a Component, Variables by the paths of its parameters, and a function, but got ${describe(component)}.`);
  }
  if (!isMap(map) && !isPlainObject(map)) {
    throw new ValueError(`withParameters takes a Map or an object of Variables by the paths of parameters, but got ${describe(map)}.`);
  }
  const given = isMap(map) ? map as ReadonlyMap<string, Variable> : new Map(Object.entries(map));
  return standingIn(standInsFor(component, given), () => call("withParameters", f));
}

function standInsFor(component: Component, given: ReadonlyMap<string, Variable>): Map<Parameter, Variable> {
  const named = component.namedParameters();
  const found = new Map<Parameter, Variable>();
  for (const [path, variable] of given) {
    const parameter = named.get(path);
    if (parameter === undefined) {
      const [meant] = closest(path, [...named.keys()]);
      throw new ValueError(`withParameters got ${JSON.stringify(path)}, but ${component.constructor.name} has no parameter of this path.` +
        (meant === undefined ? "" : ` Did you mean ${meant}?`));
    }
    if (!(variable instanceof Variable)) throw new ValueError(`withParameters takes Variables, but got ${describe(variable)} for ${path}.`);
    if (!sameShape(variable.shape, parameter.shape)) {
      throw new ShapeError(`withParameters got shape ${formatShape(variable.shape)} for the parameter ${path} of shape ${formatShape(parameter.shape)}.`);
    }
    if ((found.get(parameter) ?? variable) !== variable) {
      throw new ValueError(`withParameters got two Variables for one parameter, which is shared: the second one for ${path}.`);
    }
    if (variable !== parameter) found.set(parameter, variable);
  }
  for (const variable of found.values()) {
    if (!found.has(variable as Parameter)) continue;
    throw new ValueError("withParameters got a parameter that another Variable stands in for. Give x.add(0) for its values.");
  }
  return found;
}

/** Calls `f` while Variables stand in for parameters. */
export function standingIn<R>(standIns: ReadonlyMap<Parameter, Variable>, f: () => R): R {
  const before = [...standIns.keys()].map((parameter) => ({ parameter, standIn: parameter.standIn, step: parameter.step, index: parameter.index }));
  for (const [parameter, variable] of standIns) {
    parameter.standIn = variable;
    parameter.step = null; // the open step may know it already, by its own values
  }
  try {
    return f();
  } finally {
    for (const { parameter, ...fields } of before) Object.assign(parameter, fields);
  }
}
