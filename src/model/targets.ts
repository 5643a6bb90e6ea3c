/** What functions of parameters are given: a component, a parameter, or several. */

import type { Trainable } from "../engine/trainable.ts";
import { Parameter } from "../engine/variable.ts";
import { isMap } from "../support/arrays.ts";
import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import { Component } from "./component.ts";

/**
 * Parameters by name: by their paths in a component, by their places in an array; named ones as they are.
 * @throws ValueError for what is none of these, or holds no parameter
 */
export function namedIn(caller: string, given: Trainable | ReadonlyMap<string, Parameter>): ReadonlyMap<string, Parameter> {
  if (isMap(given)) {
    for (const [name, parameter] of given) {
      if (!(parameter instanceof Parameter)) throw new ValueError(`${caller} takes Parameters by name, but got ${describe(parameter)} as ${String(name)}.`);
    }
  }
  const named = isMap(given) ? given as ReadonlyMap<string, Parameter> : new Map(entriesIn(caller, given as Trainable));
  if (named.size > 0) return named;
  throw new ValueError(`${caller} got nothing that holds a Parameter. Make them with parameter(…), and keep them in fields of a component.`);
}

function entriesIn(caller: string, given: unknown): [string, Parameter][] {
  if (given instanceof Component) return [...given.namedParameters()];
  if (given instanceof Parameter) return [["parameter", given]];
  if (!Array.isArray(given)) throw new ValueError(`${caller} takes a Component, a Parameter or an array of these, but got ${describe(given)}.`);
  return given.flatMap((entry, i) => entriesIn(caller, entry).map(([name, parameter]): [string, Parameter] =>
    [entry instanceof Component ? `${i}.${name}` : String(i), parameter]));
}
