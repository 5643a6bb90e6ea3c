/** What options may be: of which kind, and what they are unless given. */

import { checkChoice, checkFlag, checkInstance, checkInteger, refusal } from "./check.ts";
import { checkArguments } from "./options.ts";

/** What an option may be. */
export interface Kind<Given, Value = Given, Owner = unknown> {
  /**
   * What was given, as the field has it.
   * @param caller the class, and
   * @param name the option, for messages
   * @param owner what the options are of: it has those before this one
   * @throws ValueError for what is not of this kind
   */
  readonly read: (given: Given, caller: string, name: string, owner: Owner) => Value;
  /** What is read unless something is given; an option without it must be given. */
  readonly initial?: (owner: Owner) => unknown;
  /** A value of the field as what `read` takes, and JSON can hold; the value itself unless told. */
  plain?(value: Value): unknown;
}

/** A kind of what need not be given. */
export type Optional<Given, Value = Given, Owner = unknown> = Kind<Given, Value, Owner> & { readonly initial: (owner: Owner) => unknown };

/** The kinds of some options: O has what may be given, the fields of the owner what becomes of it. */
export type Kinds<O extends object, Owner extends Readonly<Record<keyof O, unknown>>> = {
  readonly [K in keyof O]-?: Partial<Pick<O, K>> extends Pick<O, K> ? Optional<NonNullable<O[K]>, Owner[K], Owner> : Kind<O[K], Owner[K], Owner>;
};

/**
 * What is `initial` unless given.
 * @example
 * option.optional(option.flag, false).initial(null); // false
 */
export function optional<Given, Value, Owner, Initial extends Given>(kind: Kind<Given, Value, Owner>, initial: Initial): Optional<Given, Value, Owner> {
  checkArguments("optional", arguments, 2);
  return { ...kind, initial: () => initial };
}
/**
 * What follows from the options before it unless given.
 * @example
 * option.derived(option.size, (owner: { readonly inputs: number }) => 4 * owner.inputs).initial({ inputs: 3 }); // 12
 */
export function derived<Given, Value, Owner, Initial extends Given>(
  kind: Kind<Given, Value>, initial: (owner: Owner) => Initial,
): Optional<Given, Value, Owner> {
  checkArguments("derived", arguments, 2);
  return { ...kind, initial };
}

/**
 * A number that `allows` accepts.
 * @param wanted what that is, for messages: "a finite number of more than 0"
 * @example
 * option.number("an even number", (x) => x % 2 === 0).read(4, "Layer", "width", null); // 4
 */
export function number(wanted: string, allows: (value: number) => boolean): Kind<number> {
  checkArguments("number", arguments, 2);
  return {
    read: (given, caller, name) => {
      if (Number.isFinite(given) && allows(given)) return given;
      throw refusal(caller, `${wanted} as ${name}`, given);
    },
  };
}
/** From 0 to less than 1: how much stays, or is dropped. */
export const fraction: Kind<number> = number("a finite number from 0 to less than 1", (value) => value >= 0 && value < 1);
/** More than 0. */
export const positive: Kind<number> = number("a finite number of more than 0", (value) => value > 0);
/** At least 0. */
export const amount: Kind<number> = number("a number of at least 0", (value) => value >= 0);

/**
 * An integer of at least `least`.
 * @example
 * option.integer(0).read(3, "Layer", "start", null); // 3
 */
export function integer(least: number): Kind<number> {
  checkArguments("integer", arguments, 1);
  return { read: (given, caller, name) => checkInteger(caller, name, given, least) };
}
/** An integer of at least 1. */
export const size: Kind<number> = integer(1);

/**
 * So many sizes, or one that stands for all of them.
 * @example
 * option.sizes(2).read(3, "Layer", "stride", null); // [3, 3]
 */
export function sizes(count: number, least = 1): Kind<number | readonly number[], readonly number[]> {
  checkArguments("sizes", arguments, 2);
  return {
    read: (given, caller, name, owner) => {
      const all = typeof given === "number" ? new Array<number>(count).fill(given) : given;
      if (!Array.isArray(all) || all.length !== count) throw refusal(caller, `a number or a list of ${count} numbers as ${name}`, given);
      return all.map((each) => integer(least).read(each, caller, name, owner));
    },
  };
}

/**
 * A list of what is of one kind, of at least `least` entries.
 * @param wanted what that is, for messages: "a list of sizes"
 * @param example such as "[8, 8]"
 * @example
 * option.list(option.size, "a list of sizes", "[8, 8]").read([3, 4], "Layer", "hidden", null); // [3, 4]
 */
export function list<Given, Value, Owner>(
  kind: Kind<Given, Value, Owner>, wanted: string, example: string, least = 0,
): Kind<readonly Given[], readonly Value[], Owner> {
  checkArguments("list", arguments, 4);
  return {
    read: (given, caller, name, owner) => {
      if (!Array.isArray(given) || given.length < least) throw refusal(caller, `${wanted} as ${name}, such as ${example}`, given);
      return given.map((each: Given, i) => kind.read(each, caller, `${name}[${i}]`, owner));
    },
  };
}

/** true or false. */
export const flag: Kind<boolean> = { read: (given, caller, name) => checkFlag(caller, name, given) };

/**
 * One of some words.
 * @example
 * option.choice(["plain", "gated"]).read("gated", "Layer", "kind", null); // "gated"
 */
export function choice<Word extends string>(words: readonly Word[]): Kind<Word> {
  checkArguments("choice", arguments, 1);
  return { read: (given, caller, name) => checkChoice(caller, name, given, words) };
}

/**
 * An object of a class: a component that is a part of another one.
 * @param wanted what that is, for messages: "a recurrent component"
 * @example
 * const kind = option.instance(Lstm, "a recurrent component", "an Lstm");
 * kind.read(new Lstm({ inputs: 2, outputs: 3 }), "Layer", "cell", null).outputs; // 3
 */
export function instance<T extends object>(type: abstract new (...args: never[]) => T, wanted: string, example: string): Kind<T> {
  checkArguments("instance", arguments, 3);
  return { read: (given, caller, name) => checkInstance(caller, `${wanted} as ${name}, such as ${example}`, given, type) };
}
