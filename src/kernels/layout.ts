/** Where the parameters of a launch stand. */

/** A growing list of words, as plans are put together in. */
export interface Words {
  readonly length: number;
  at(index: number): number;
  put(index: number, value: number): void;
  /** Appends and returns the index. */
  push(value: number): number;
}

/** Parameters that have names, all of a launch or those with which it begins: where each stands, in order. */
export type Layout<Name extends string = string> = { readonly [name in Name]: number };

export const layoutSize = (layout: Layout): number => Object.keys(layout).length;

export function writeParameters<L extends Layout>(layout: L, words: Words, values: { readonly [name in keyof L]: number }): void {
  for (const name in layout) words.push(values[name]);
}

/** @param from where in `words` the parameters begin */
export const readParameters = <L extends Layout>(layout: L, words: ArrayLike<number>, from: number): { readonly [name in keyof L]: number } =>
  Object.fromEntries(Object.entries(layout).map(([name, at]) => [name, words[from + at]])) as { readonly [name in keyof L]: number };
