/** Where the parameters of a launch stand. */

/** A growing list of words, as plans are put together in. */
export interface Words {
  readonly length: number;
  at(index: number): number;
  put(index: number, value: number): void;
  /** Appends and returns the index. */
  push(value: number): number;
}

/** Parameters that have names: all of a launch, or those with which it begins. */
export interface Layout<Name extends string> {
  /** Where each stands among the parameters. */
  readonly at: { readonly [name in Name]: number };
  readonly names: readonly Name[];
  write(words: Words, values: { readonly [name in Name]: number }): void;
  /** @param from where in `words` the parameters begin */
  read(words: ArrayLike<number>, from: number): { readonly [name in Name]: number };
}

/** The layout of some parameters, in order. */
export function layout<Name extends string>(...names: Name[]): Layout<Name> {
  type Numbers = Record<Name, number>;
  return {
    at: Object.fromEntries(names.map((name, i) => [name, i])) as Numbers,
    names,
    write: (words, values) => { for (const name of names) words.push(values[name]); },
    read: (words, from) => Object.fromEntries(names.map((name, i) => [name, words[from + i]])) as Numbers,
  };
}
