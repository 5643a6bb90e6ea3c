/**
 * Options that are declared once. A class says of each the kind, which knows what may be given, and what it is unless given; from that follow
 * what its constructor takes, what it refuses, and what builds another one. An interface has their names, types and descriptions, and what it
 * has and the declaration has not, or the other way round, does not compile.
 *
 *     interface ScaleOptions {
 *       readonly inputs: number;
 *       /** With which values it begins; 1 unless given. *\/
 *       readonly start?: number;
 *     }
 *     class Scale extends Component {
 *       static get options(): option.Kinds<ScaleOptions, Scale> { return { inputs: option.size, start: option.optional(option.amount, 1) }; }
 *       declare readonly inputs: number;
 *       declare readonly start: number;
 *       readonly gain: Parameter;
 *       constructor(options: ScaleOptions) {
 *         super();
 *         option.take(this, Scale.options, options);
 *         this.gain = parameter(full([this.inputs], this.start));
 *       }
 *     }
 *
 * A getter, as what a class computes when it is defined stays in every bundle.
 */

import { checkArguments, checkOptions, refusal } from "./options.ts";

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
 * Gives an object the options that its constructor was given, each a field.
 * @param args the arguments of the constructor, to refuse those besides the options
 * @returns the object
 * @throws ValueError for arguments besides one object of options, an option that is not declared, and a value that is not of its kind
 */
export function take<O extends object, Owner extends Readonly<Record<keyof O, unknown>>>(
  owner: object, kinds: Kinds<O, Owner>, options: O, args: ArrayLike<unknown> = [],
): Owner {
  const { name } = owner.constructor;
  const all = Object.entries<Kind<unknown>>(kinds as never);
  checkArguments(name, args, 1);
  const given = checkOptions(name, options, all.map(([key]) => key)) as Readonly<Record<string, unknown>>;
  for (const [key, kind] of all) (owner as Record<string, unknown>)[key] = kind.read(given[key] ?? kind.initial?.(owner), name, key, owner);
  return owner as Owner;
}

/** The options that an object has: what its constructor takes to build such a one again. */
export function of<O extends object, Owner extends Readonly<Record<keyof O, unknown>>>(owner: object, kinds: Kinds<O, Owner>): Required<O> {
  return Object.fromEntries(Object.entries<Kind<unknown>>(kinds as never).map(([key, kind]) => {
    const value = (owner as Record<string, unknown>)[key];
    return [key, kind.plain === undefined ? value : kind.plain(value)];
  })) as Required<O>;
}

/** What is `initial` unless given. */
export const optional = <Given, Value, Owner, Initial extends Given>(
  kind: Kind<Given, Value, Owner>, initial: Initial,
): Optional<Given, Value, Owner> => ({ ...kind, initial: () => initial });
/** What follows from the options before it unless given. */
export const derived = <Given, Value, Owner, Initial extends Given>(
  kind: Kind<Given, Value>, initial: (owner: Owner) => Initial,
): Optional<Given, Value, Owner> => ({ ...kind, initial });

/** A number that `allows` accepts. @param wanted what that is, for messages: "a finite number of more than 0" */
export const number = (wanted: string, allows: (value: number) => boolean): Kind<number> => ({
  read: (given, caller, name) => {
    if (Number.isFinite(given) && allows(given)) return given;
    throw refusal(caller, `${wanted} as ${name}`, given);
  },
});
/** From 0 to less than 1: how much stays, or is dropped. */
export const fraction: Kind<number> = /*#__PURE__*/ number("a finite number from 0 to less than 1", (value) => value >= 0 && value < 1);
/** More than 0. */
export const positive: Kind<number> = /*#__PURE__*/ number("a finite number of more than 0", (value) => value > 0);
/** At least 0. */
export const amount: Kind<number> = /*#__PURE__*/ number("a number of at least 0", (value) => value >= 0);

/** An integer of at least `least`. */
export const integer = (least: number): Kind<number> => number(`an integer of at least ${least}`, (value) => Number.isInteger(value) && value >= least);
/** An integer of at least 1. */
export const size: Kind<number> = /*#__PURE__*/ integer(1);

/** So many sizes, or one that stands for all of them. */
export const sizes = (count: number, least = 1): Kind<number | readonly number[], readonly number[]> => ({
  read: (given, caller, name, owner) => {
    const list = typeof given === "number" ? new Array<number>(count).fill(given) : given;
    if (!Array.isArray(list) || list.length !== count) throw refusal(caller, `a number or a list of ${count} numbers as ${name}`, given);
    return list.map((each) => integer(least).read(each, caller, name, owner));
  },
});

/**
 * A list of what is of one kind, of at least `least` entries.
 * @param wanted what that is, for messages: "a list of sizes"
 * @param example such as "[8, 8]"
 */
export const list = <Given, Value, Owner>(
  kind: Kind<Given, Value, Owner>, wanted: string, example: string, least = 0,
): Kind<readonly Given[], readonly Value[], Owner> => ({
  read: (given, caller, name, owner) => {
    if (!Array.isArray(given) || given.length < least) throw refusal(caller, `${wanted} as ${name}, such as ${example}`, given);
    return given.map((each: Given, i) => kind.read(each, caller, `${name}[${i}]`, owner));
  },
});

/** true or false. */
export const flag: Kind<boolean> = {
  read: (given, caller, name) => {
    if (typeof given === "boolean") return given;
    throw refusal(caller, `true or false as ${name}`, given);
  },
};

/** One of some words. */
export const choice = <Word extends string>(...words: readonly Word[]): Kind<Word> => ({
  read: (given, caller, name) => {
    if (words.includes(given)) return given;
    throw refusal(caller, `${words.map((word) => JSON.stringify(word)).join(" or ")} as ${name}`, given);
  },
});

/** An object of a class: a component that is a part of another one. @param wanted what that is, for messages: "a recurrent component" */
export const instance = <T extends object>(type: abstract new (...args: never[]) => T, wanted: string, example: string): Kind<T> => ({
  read: (given, caller, name) => {
    if (given instanceof type) return given;
    throw refusal(caller, `${wanted} as ${name}, such as ${example}`, given);
  },
});
