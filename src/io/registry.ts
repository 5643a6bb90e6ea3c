/** The names of components in files. A minifier may rename a class, so a name is given, never taken from the class. */

import * as components from "../components/index.ts";
import { Component, ParameterAverage, ValueError } from "../index.ts";
import { listed } from "../support/describe.ts";
import { closest } from "../support/edit-distance.ts";
import { checkArguments } from "../support/options.ts";

/** A class of components, whatever its constructor takes. */
export type ComponentClass = abstract new (...options: never[]) => Component;

/** Is it a class of components? */
const isComponentClass = (given: unknown): given is ComponentClass => typeof given === "function" && given.prototype instanceof Component;

const exported = Object.entries<unknown>(components).filter((entry): entry is [string, ComponentClass] => isComponentClass(entry[1]));

/** Every component of the library: what `options` gives, its constructor takes. What others extend is no component by itself. */
export const libraryComponents: Readonly<Record<string, ComponentClass>> = Object.fromEntries(
  exported.filter(([, given]) => !exported.some(([, other]) => other.prototype instanceof given)),
);
const libraryClasses = new Set<unknown>(Object.values(libraryComponents));

/** Names and classes, each to each. */
export class Registry {
  private readonly classes = new Map<string, ComponentClass>();
  private readonly names = new Map<unknown, string>();

  constructor(private readonly parent: Registry | null = null) {}

  add(caller: string, components: Readonly<Record<string, ComponentClass>>): void {
    if (typeof components !== "object" || components === null) {
      throw new ValueError(`${caller} takes names with their classes, such as { Decoder }, but got ${String(components)}.`);
    }
    const entries = Object.entries(components);
    for (const [name, given] of entries) {
      const quoted = JSON.stringify(name);
      if (!isComponentClass(given)) throw new ValueError(`${caller} takes classes that extend Component, but ${quoted} is none.`);
      if (name === "") throw new ValueError(`${caller} got an empty name.`);
      const [other, otherName] = [this.classOf(name), this.nameOf(given.prototype as object)];
      if (other !== null && other !== given) throw new ValueError(`${caller} got the name ${quoted}, which another class has already. Choose another name.`);
      if (otherName !== null && otherName !== name) {
        throw new ValueError(`${caller} got a class for the name ${quoted} that is already registered as ${JSON.stringify(otherName)}.`);
      }
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
}

const registered = new Registry();
registered.add("The library", { ...libraryComponents, ParameterAverage });

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
    const similar = closest(name, registry.all()).slice(0, 3);
    return JSON.stringify(name.slice(0, 80)) + (similar.length > 0 ? ` (similar: ${similar.join(", ")})` : "");
  });
  const entry = /^[A-Za-z_$][\w$]{0,60}$/.test(names[0]) ? names[0] : '"name": Class';
  return `no component is registered as ${listed(unknown)}${names.length > 10 ? ` and ${names.length - 10} more` : ""}. ` +
    `Import the class and call registerComponents({ ${entry} }) first, or load the values into a component that you have made, with { into: component }.`;
}
