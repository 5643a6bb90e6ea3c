/** The names of components in files. A minifier may rename a class, so a name is given, never taken from the class. */

import {
  AdditiveAttention, AveragePool2d, Bidirectional, BinaryTreeLstm, ChildSumTreeLstm, Conv2d, CtcOutput, Dropout, Embedding, FeedForward, Fusion,
  GatedRecurrent, LayerNorm, LinearRegression, Lstm, MaxPool2d, MemoryNetwork, MultiHeadAttention, SigmoidRegression, SimpleRecurrent,
  SoftmaxRegression, StackRnn, Stacked, TransformerBlock, ValueComponent,
} from "../components/index.ts";
import { Component, ValueError } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { listed } from "./messages.ts";

/** A class of components, whatever its constructor takes. */
export type ComponentClass = abstract new (...options: never[]) => Component;

/** Every component of the library: what `options` gives, its constructor takes. */
export const libraryComponents: Readonly<Record<string, ComponentClass>> = {
  AdditiveAttention, AveragePool2d, Bidirectional, BinaryTreeLstm, ChildSumTreeLstm, Conv2d, CtcOutput, Dropout, Embedding, FeedForward, Fusion,
  GatedRecurrent, LayerNorm, LinearRegression, Lstm, MaxPool2d, MemoryNetwork, MultiHeadAttention, SigmoidRegression, SimpleRecurrent,
  SoftmaxRegression, StackRnn, Stacked, TransformerBlock, ValueComponent,
};
const libraryClasses = new Set<unknown>(Object.values(libraryComponents));

/** Names and classes, each to each. */
export class Registry {
  private readonly classes = new Map<string, ComponentClass>();
  private readonly names = new Map<unknown, string>();

  constructor(private readonly parent: Registry | null = null) {}

  add(caller: string, components: Readonly<Record<string, ComponentClass>>): void {
    if (typeof components !== "object" || components === null) throw new ValueError(`${caller} takes names with their classes, such as { Decoder }, but got ${String(components)}.`);
    const entries = Object.entries(components);
    for (const [name, given] of entries) {
      if (typeof given !== "function" || !((given as { prototype?: unknown }).prototype instanceof Component)) throw new ValueError(`${caller} takes classes that extend Component, but ${JSON.stringify(name)} is none.`);
      if (name === "") throw new ValueError(`${caller} got an empty name.`);
      const [other, otherName] = [this.classOf(name), this.nameOf(given.prototype as object)];
      if (other !== null && other !== given) throw new ValueError(`${caller} got the name ${JSON.stringify(name)}, which another class has already. Choose another name.`);
      if (otherName !== null && otherName !== name) throw new ValueError(`${caller} got a class for the name ${JSON.stringify(name)} that is already registered as ${JSON.stringify(otherName)}.`);
    }
    for (const [name, given] of entries) {
      this.classes.set(name, given);
      this.names.set(given.prototype, name);
    }
  }

  classOf(name: string): ComponentClass | null { return this.classes.get(name) ?? this.parent?.classOf(name) ?? null; }

  /** The name of the class with this prototype. */
  nameOf(prototype: object): string | null { return this.names.get(prototype) ?? this.parent?.nameOf(prototype) ?? null; }

  all(): string[] { return [...(this.parent?.all() ?? []), ...this.classes.keys()]; }

  /** The names most like another: what was meant, perhaps. */
  similar(name: string): string[] {
    const scored = this.all().map((other) => ({ other, distance: distance(name.slice(0, 60).toLowerCase(), other.slice(0, 60).toLowerCase()) }));
    return scored.filter(({ other, distance }) => distance <= 1 + other.length / 3).sort((a, b) => a.distance - b.distance).slice(0, 3).map(({ other }) => other);
  }
}

/** Levenshtein's: how many letters have to be added, removed or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}

const registered = new Registry();
registered.add("The library", libraryComponents);

/**
 * Gives classes of components names in files, so that what is saved can be built again. Register them once, where they
 * are defined, before saving and before restoring. The components of the library have their names.
 *
 * @throws ValueError for what is no class of components, or a name or a class that is taken; then none is registered
 * @example
 * class Decoder extends Component {
 *   readonly w = parameter(zeros([3, 8]));
 * }
 * registerComponents({ Decoder });
 * restore(serialize(new Decoder())).component instanceof Decoder; // true
 */
export function registerComponents(components: Readonly<Record<string, ComponentClass>>): void {
  checkArguments("registerComponents", arguments, 1);
  registered.add("registerComponents", components);
}

/** The names that there are, and those of a single call. */
export function registryWith(caller: string, components: Readonly<Record<string, ComponentClass>> | undefined): Registry {
  if (components === undefined) return registered;
  const own = new Registry(registered);
  own.add(caller, components);
  return own;
}

/** Does this class belong to the library itself? */
export const isOfLibrary = (given: ComponentClass): boolean => libraryClasses.has(given);

/**
 * Is a component of this class made by its constructor from `options`? Those of the library are, and those whose class has a getter
 * of that name itself: one that is inherited gives what another constructor takes.
 */
export function hasOptions(prototype: object): boolean {
  if (isOfLibrary((prototype as { constructor: ComponentClass }).constructor)) return true;
  return typeof Object.getOwnPropertyDescriptor(prototype, "options")?.get === "function";
}

/** What to do about classes that have no name. */
export function unknownNames(names: readonly string[], registry: Registry): string {
  const unknown = names.slice(0, 10).map((name) => {
    const similar = registry.similar(name);
    return JSON.stringify(name.slice(0, 80)) + (similar.length > 0 ? ` (similar: ${similar.join(", ")})` : "");
  });
  return `no component is registered as ${listed(unknown)}${names.length > 10 ? ` and ${names.length - 10} more` : ""}. Import the class and call registerComponents({ ${/^[A-Za-z_$][\w$]{0,60}$/.test(names[0]) ? names[0] : '"name": Class'} }) first, or load the values into a component that you have made, with { into: component }.`;
}
