/** Options for a class of components, from what it declares: a new component needs no example. */

import { GatedRecurrent, Lstm, SimpleRecurrent } from "../../src/components/index.ts";
import type { Component, option, Random } from "../../src/index.ts";

export type Build = (new (options: never) => Component & { readonly options: object }) & { readonly options?: Readonly<Record<string, option.Kind<unknown>>> };

const values: readonly (() => unknown)[] = [
  ...[1, 2, 3, 4, 6, -1, -3, 0.25, 0.5, true, false, [2, 1], [3, 3], [4], "tanh", "relu", "sigmoid"].map((value) => () => value),
  () => new Lstm({ inputs: 2, outputs: 3 }), () => new GatedRecurrent({ inputs: 2, outputs: 1, normed: true }),
  () => [new Lstm({ inputs: 2, outputs: 3 }), new SimpleRecurrent({ inputs: 3, outputs: 1 })],
];

/** What the kind takes, of some values in any order. */
function valueFor(kind: option.Kind<unknown>, random: Random): unknown {
  for (const i of random.shuffle(values.map((_, i) => i))) {
    const value = values[i]();
    try {
      kind.read(value, "", "", {});
      return value;
    } catch { /* another one */ }
  }
  throw new Error("There is no value of this kind among those of random-options.ts: add one.");
}

/** Options of which some that need not be given are left out; what does not go together is drawn again. */
export function randomOptions(Build: Build, random: Random): object {
  const kinds = Object.entries(Build.options ?? {});
  if (kinds.length === 0) return { shape: [2, 3] }; // a ValueComponent
  for (let attempt = 0; attempt < 1000; attempt++) {
    const given = kinds.filter(([, { initial }]) => initial === undefined || random.uniform() < 0.75);
    const options = Object.fromEntries(given.map(([name, kind]) => [name, valueFor(kind, random)]));
    try {
      new Build(options as never);
      return options;
    } catch { /* again */ }
  }
  throw new Error(`No options were found for ${Build.name}.`);
}
