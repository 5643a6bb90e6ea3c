/** Which parameters are trained, and groups of them with numbers of their own. */

import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import type { Kind, Optional } from "../support/kinds.ts";
import { formatShape } from "../support/shape.ts";
import { isHolder, type Trainable } from "../engine/trainable.ts";
import { Parameter } from "../engine/variable.ts";
import { checkRate, type LearningRate, rateAt, type Schedule } from "./rate.ts";

/**
 * Some parameters with options of their own. What is not given here is that of the optimizer; clipping and noise are
 * for all groups together.
 */
export type GroupOptions<O extends object = object> = { readonly parameters: Trainable } & Partial<Omit<O, "clip" | "noise">>;

/** What an optimizer takes first: what to train, or groups of it. */
export type Target<O extends object = object> = Trainable | readonly GroupOptions<O>[];

/** The numbers of a rule, as far as options give them, besides the learning rate; or schedules of them. */
export type Settings<O extends object> = Readonly<Record<Exclude<keyof O, "learningRate" | "clip" | "noise" | "lazy">, number | Schedule>>;

/** What these may be at each update, and the learning rate, as an optimizer declares it. Any of them may be given as a schedule. */
export type NumberKinds<O extends object> = {
  readonly [K in keyof Settings<O> | ("learningRate" & keyof O)]-?: Partial<Pick<O, K>> extends Pick<O, K> ? Optional<number> : Kind<number>;
};

/**
 * The numbers that a rule works with: the learning rate, the settings, and `count`, which is 1 at the first update of the
 * parameter. They are data of the step: other numbers run the same plan.
 */
export type Numbers<O extends object = object> = Readonly<Record<keyof Settings<O> | "learningRate" | "count", number>>;
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
  /** The settings that change. */
  private readonly scheduled: readonly (readonly [name: string, schedule: Schedule])[];

  /** @internal */
  constructor(
    private readonly caller: string,
    readonly parameters: readonly Parameter[],
    learningRate: LearningRate | null,
    /** The numbers of the rule for these parameters, and schedules of those that change. */
    readonly settings: Settings<O>,
    private readonly kinds: Readonly<Record<string, Kind<number>>>,
    /** Is a table changed only where it has been looked up? */
    readonly lazy: boolean,
  ) {
    this.#learningRate = learningRate === null ? null : checkRate(caller, learningRate);
    this.numbers = { ...settings, learningRate: 0, count: 0 } as Writable<Numbers<O>>;
    this.scheduled = Object.entries<number | Schedule>(settings).filter((entry): entry is [string, Schedule] => typeof entry[1] === "function");
  }

  /**
   * @internal Makes `numbers` those of the update with this number.
   * @param common the learning rate for groups that have none of their own
   * @throws ValueError for a schedule that gives a number which the optimizer does not take
   */
  begin(step: number, common: LearningRate): void {
    const { caller, kinds } = this;
    const numbers = this.numbers as Record<string, number>;
    numbers.learningRate = rateAt(caller, this.#learningRate ?? common, step);
    for (const [name, schedule] of this.scheduled) numbers[name] = kinds[name].read(schedule(step), `${caller}, at step ${step} of a schedule,`, name, numbers);
  }

  /** The group's own learning rate, a number or a schedule, or null for that of the optimizer. May be changed between updates. */
  get learningRate(): LearningRate | null { return this.#learningRate; }
  set learningRate(rate: LearningRate | null) {
    this.#learningRate = rate === null ? null : checkRate(this.caller, rate);
  }
}

const isGroup = (entry: unknown): entry is GroupOptions =>
  typeof entry === "object" && entry !== null && !isHolder(entry) && !(entry instanceof Parameter) && "parameters" in entry;

/** The numbers among some options, or schedules of them; those of `common` where they are not given. */
export function numbersFrom(
  caller: string, kinds: object, options: Readonly<Record<string, unknown>>, common: Readonly<Record<string, unknown>>,
): Readonly<Record<string, number | Schedule>> {
  const found: Record<string, number | Schedule> = {};
  for (const [name, kind] of Object.entries<Kind<number>>(kinds as never)) {
    const value = options[name] ?? common[name] ?? kind.initial?.(found);
    // What a schedule gives is read at each update.
    found[name] = typeof value === "function" ? (value as Schedule) : kind.read(value as number, caller, name, found);
  }
  return found;
}

/** @throws ValueError for what is no group */
export function checkGroup<O extends object>(caller: string, group: GroupOptions<O>): GroupOptions<O> {
  if (isGroup(group)) return group;
  throw new ValueError(`${caller} takes { parameters: … } with options of the group, but got ${describe(group)}.`);
}

/** The groups that a user gave; a target without groups is one group without options. */
export function groupsOf<O extends object>(caller: string, target: Target<O>): GroupOptions<O>[] {
  if (!Array.isArray(target) || !target.some(isGroup)) return [{ parameters: target as Trainable } as GroupOptions<O>];
  const other = target.find((entry) => !isGroup(entry));
  if (other !== undefined) throw new ValueError(`${caller} got an array of groups with ${describe(other)} in it: make each entry { parameters: … }.`);
  return [...target];
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
