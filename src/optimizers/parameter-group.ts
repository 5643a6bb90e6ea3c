/** Which parameters are trained, and groups of them with numbers of their own. */

import { Component } from "../model/component.ts";
import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import type { Kinds } from "../support/kinds.ts";
import { formatShape } from "../support/shape.ts";
import { Parameter } from "../engine/variable.ts";
import { checkRate, type LearningRate } from "./rate.ts";

/** What can be trained: a component, a parameter, or several of these. */
export type Trainable = Component | Parameter | readonly (Component | Parameter)[];

/**
 * Some parameters with options of their own. What is not given here is that of the optimizer; clipping and noise are
 * for all groups together.
 */
export type GroupOptions<O extends object = object> = { readonly parameters: Trainable } & Partial<Omit<O, "clip" | "noise">>;

/** What an optimizer takes first: what to train, or groups of it. */
export type Target<O extends object = object> = Trainable | readonly GroupOptions<O>[];

/** The numbers of a rule, as far as options give them, besides the learning rate. */
export type Settings<O extends object> = Readonly<Record<Exclude<keyof O, "learningRate" | "clip" | "noise" | "lazy">, number>>;

/** What these may be, and the learning rate, as an optimizer declares it. */
export type NumberKinds<O extends object> =
  Kinds<Pick<O, "learningRate" & keyof O>, { readonly learningRate: LearningRate }> & Kinds<Omit<O, "learningRate" | "clip" | "noise" | "lazy">, Settings<O>>;

/**
 * The numbers that a rule works with: the learning rate, the settings, and `count`, which is 1 at the first update of the
 * parameter. They are data of the step: other numbers run the same plan.
 */
export type Numbers<O extends object = object> = Settings<O> & Readonly<Record<"learningRate" | "count", number>>;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * A group of an optimizer.
 * @example
 * const [w, b] = [parameter([1]), parameter([1])];
 * const optimizer = new GradientDescent([{ parameters: w }, { parameters: b, learningRate: 0.5 }], { learningRate: 0.1 });
 * grad(() => w.add(b).sum());
 * optimizer.update();
 * concat([w, b]).toArray(); // [0.9, 0.5]
 * optimizer.groups[1].learningRate; // 0.5
 */
export class ParameterGroup<O extends object = object> {
  #learningRate: LearningRate | null;
  /** @internal The numbers of the update that is being made. */
  readonly numbers: Writable<Numbers<O>>;

  /** @internal */
  constructor(
    private readonly caller: string,
    readonly parameters: readonly Parameter[],
    learningRate: LearningRate | null,
    /** The numbers of the rule for these parameters. */
    readonly settings: Settings<O>,
    /** Is a table changed only where it has been looked up? */
    readonly lazy: boolean,
  ) {
    this.#learningRate = learningRate === null ? null : checkRate(caller, learningRate);
    this.numbers = { ...settings, learningRate: 0, count: 0 } as Writable<Numbers<O>>;
  }

  /** The group's own learning rate, a number or a schedule, or null for that of the optimizer. May be changed between updates. */
  get learningRate(): LearningRate | null { return this.#learningRate; }
  set learningRate(rate: LearningRate | null) {
    this.#learningRate = rate === null ? null : checkRate(this.caller, rate);
  }
}

const isGroup = (entry: unknown): entry is GroupOptions =>
  typeof entry === "object" && entry !== null && !(entry instanceof Component) && !(entry instanceof Parameter) && "parameters" in entry;

/** The groups that a user gave; a target without groups is one group without options. */
export function groupsOf<O extends object>(caller: string, target: Target<O>): GroupOptions<O>[] {
  if (!Array.isArray(target) || !target.some(isGroup)) return [{ parameters: target as Trainable } as GroupOptions<O>];
  const other = target.find((entry) => !isGroup(entry));
  if (other !== undefined) throw new ValueError(`${caller} got an array of groups with ${describe(other)} in it: make each entry { parameters: … }.`);
  return [...target];
}

/** The parameters of a target, each once. */
export function parametersOf(caller: string, target: Trainable): Parameter[] {
  const entries: readonly unknown[] = Array.isArray(target) ? target : [target];
  const found = entries.flatMap((entry) => {
    if (entry instanceof Component) return entry.parameters();
    if (entry instanceof Parameter) return [entry];
    throw new ValueError(`${caller} takes a Component, a Parameter or an array of these, but got ${describe(entry)}${Array.isArray(target) ? " in one" : ""}.`);
  });
  if (found.length === 0) {
    throw new ValueError(`${caller} got nothing to train: the component holds no Parameter. Make them with parameter(…) and keep them in fields.`);
  }
  return [...new Set(found)];
}

/** Refuses a parameter in two groups: which of their numbers should count? */
export function checkDisjoint(caller: string, groups: readonly (readonly Parameter[])[]): void {
  const owner = new Map<Parameter, number>();
  groups.forEach((parameters, i) => {
    for (const parameter of parameters) {
      const other = owner.get(parameter);
      if (other !== undefined) {
        throw new ValueError(`${caller} got a parameter of shape ${formatShape(parameter.shape)} in groups ${other} and ${i}: it may be in one only.`);
      }
      owner.set(parameter, i);
    }
  });
}
