/**
 * Options that are declared once. A class says of each the kind, which knows what may be given, and what it is unless given; from that follow
 * what its constructor takes, what it refuses, and what builds another one. An interface has their names, types and descriptions, and what it
 * has and the declaration has not, or the other way round, does not compile. The declaration is a getter, as what a class computes when it is
 * defined stays in every bundle.
 */

import type { Kind, Kinds } from "./kinds.ts";
import { checkArguments, checkOptions } from "./options.ts";

export * from "./kinds.ts";

/**
 * Gives an object the options that its constructor was given, each a field.
 * @param args the arguments of the constructor, to refuse those besides the options
 * @returns the object
 * @throws ValueError for arguments besides one object of options, an option that is not declared, and a value that is not of its kind
 * @example
 * interface ScaleOptions {
 *   readonly inputs: number;
 *   readonly start?: number;
 * }
 * class Scale extends Component {
 *   static get options(): option.Kinds<ScaleOptions, Scale> { return { inputs: option.size, start: option.optional(option.amount, 1) }; }
 *   declare readonly inputs: number;
 *   declare readonly start: number;
 *   readonly gain: Parameter;
 *   constructor(options: ScaleOptions) {
 *     super();
 *     option.take(this, Scale.options, options);
 *     this.gain = parameter(full([this.inputs], this.start));
 *   }
 *   get options(): Required<ScaleOptions> { return option.of(this, Scale.options); }
 * }
 * new Scale({ inputs: 2 }).gain.toArray(); // [1, 1]
 * new Scale({ inputs: 2 }).options; // { inputs: 2, start: 1 }
 */
export function take<O extends object, Owner extends Readonly<Record<keyof O, unknown>>>(
  owner: object, kinds: Kinds<O, Owner>, given: O, args: ArrayLike<unknown> = [],
): Owner {
  checkArguments("take", arguments, 4);
  const { name } = owner.constructor;
  const all = Object.entries<Kind<unknown>>(kinds as never);
  checkArguments(name, args, 1);
  const options = checkOptions(name, given, all.map(([key]) => key)) as Readonly<Record<string, unknown>>;
  for (const [key, kind] of all) (owner as Record<string, unknown>)[key] = kind.read(options[key] ?? kind.initial?.(owner), name, key, owner);
  return owner as Owner;
}

/**
 * The options that an object has: what its constructor takes to build such a one again.
 * @example
 * const lstm = new Lstm({ inputs: 2, outputs: 3 });
 * option.of(lstm, Lstm.options); // { inputs: 2, outputs: 3, normed: false }
 */
export function of<O extends object, Owner extends Readonly<Record<keyof O, unknown>>>(owner: object, kinds: Kinds<O, Owner>): Required<O> {
  checkArguments("of", arguments, 2);
  return Object.fromEntries(Object.entries<Kind<unknown>>(kinds as never).map(([key, kind]) => {
    const value = (owner as Record<string, unknown>)[key];
    return [key, kind.plain === undefined ? value : kind.plain(value)];
  })) as Required<O>;
}
