/** Which parameters are meant. */

import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import { Parameter } from "./variable.ts";

/** What can be trained: a Component (or what has parameters as one does), a Parameter, or several of these. */
export type Trainable = { parameters(): readonly Parameter[] } | Parameter | readonly ({ parameters(): readonly Parameter[] } | Parameter)[];

/** The parameters of a target, each once. */
export function parametersOf(caller: string, target: Trainable): Parameter[] {
  const entries: readonly unknown[] = Array.isArray(target) ? target : [target];
  const found = entries.flatMap((entry) => {
    if (entry instanceof Parameter) return [entry];
    if (isHolder(entry)) return entry.parameters();
    throw new ValueError(`${caller} takes a Component, a Parameter or an array of these, but got ${describe(entry)}${Array.isArray(target) ? " in one" : ""}.`);
  });
  if (found.length === 0) {
    throw new ValueError(`${caller} got nothing to train: no Parameter is in it. Make them with parameter(…) and keep them in fields.`);
  }
  return [...new Set(found)];
}

/** Components are known by what they do, as they are made of what is here. */
export const isHolder = (value: unknown): value is { parameters(): readonly Parameter[] } =>
  typeof (value as { readonly parameters?: unknown } | null | undefined)?.parameters === "function";
