/** How components are made up, as JSON: which classes, their options or fields, and where they share parts. */

import { activationName } from "../components/index.ts";
import { Component, Random, ValueError, Variable } from "../index.ts";
import { isMap } from "../support/arrays.ts";
import { messageOf } from "../support/describe.ts";
import { isContainer } from "../support/places.ts";
import { holdings, isTensor, kindOf, type Tensor } from "./holdings.ts";
import { mostLevels } from "./json.ts";
import { pathText } from "./messages.ts";
import { hasOptions, type Registry } from "./registry.ts";

/** JSON; an object with the key `$` stands for what JSON does not have. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A component: by options and what it then holds, or by all its fields; or an array, a map or an object that is held twice. */
export type StructureNode = { class: string | null; options?: Json; holds?: Json; fields?: Json } | { value: Json };

/** Components that no class is registered for, by their paths, or everything. The first node is the component itself. */
export type Structure = { unregistered: string[] } | { nodes: StructureNode[] };

type Put = (json: Json) => void;

/** Writes values as JSON. What is met a second time becomes a node that both places refer to. */
export class Encoder {
  readonly nodes: StructureNode[] = [];
  readonly unregistered: string[] = [];
  private readonly ids = new Map<object, number>();
  /** Where an array, a map or an object was met first, and what was written there. */
  private readonly first = new Map<object, { readonly json: Json; readonly put: Put }>();
  private depth = 0;

  constructor(
    private readonly caller: string,
    private readonly registry: Registry,
    /** The name of an array in the file. */
    private readonly tensorName: (tensor: Tensor) => string | null,
    /** What to write for a component, if not a reference to its node. */
    private readonly refer: ((component: Component) => Json) | null = null,
  ) {}

  /** One value, alone. */
  encode(value: unknown, path: string): Json {
    let result: Json = null;
    this.value(value, path, (json) => { result = json; }, []);
    return result;
  }

  /** @param making the components whose options this is part of */
  private value(value: unknown, path: string, put: Put, making: readonly Component[]): void {
    if (value === null || typeof value === "boolean" || typeof value === "string") put(value);
    else if (typeof value === "number") put(
      Number.isFinite(value) && !Object.is(value, -0) ? value : { $: "number", value: Object.is(value, -0) ? "-0" : String(value) },
    );
    else if (typeof value === "bigint") put({ $: "bigint", value: String(value) });
    else if (value === undefined) put({ $: "undefined" });
    else if (typeof value === "function") put({ $: "activation", name: this.activation(value as never, path) });
    else if (value instanceof Component) put(this.reference(value, path, making));
    else if (isTensor(value)) put(this.tensor(value, path));
    else if (value instanceof Random) put({ $: "random", ...value.state });
    else if (isContainer(value)) this.holder(value, path, put, making);
    else throw this.cannot(
      path, `${typeof value === "object" ? `an object of the class ${value.constructor?.name || "without a name"}` : `a ${typeof value}`}`,
      "Give the class of the component an `options` getter that says what its constructor takes, in numbers, strings, arrays and components.",
    );
  }

  private holder(value: object, path: string, put: Put, making: readonly Component[]): void {
    const known = this.ids.get(value);
    if (known !== undefined) return put({ $: "node", id: known });
    const before = this.first.get(value);
    if (before !== undefined) {
      const id = this.nodes.push({ value: before.json }) - 1;
      this.ids.set(value, id);
      before.put({ $: "node", id });
      return put({ $: "node", id });
    }
    if (++this.depth > mostLevels.saved) {
      throw new ValueError(`${this.caller} cannot save ${pathText(path)}: it is nested in more than ${mostLevels.saved} levels.`);
    }
    const map = isMap(value) ? value : null;
    const keys = Array.isArray(value) || map !== null ? [] : Object.keys(value);
    const entries: Json[] = [];
    const json: Json = Array.isArray(value) ? entries : map !== null ? { $: "map", entries } : keys.includes("$") ? { $: "object", entries } : {};
    this.first.set(value, { json, put });
    put(json); // first of all: the value may contain itself
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) this.value(value[i], `${path}.${i}`, (entry) => { entries[i] = entry; }, making);
    } else if (map !== null) {
      for (const [key, entry] of map) entries.push(this.pair(key, entry, path, making));
    } else {
      for (const key of keys) {
        const entry = (value as Record<string, unknown>)[key];
        if (keys.includes("$")) entries.push(this.pair(key, entry, path, making));
        else this.value(
          entry, `${path}.${key}`,
          (found) => { Object.defineProperty(json, key, { value: found, writable: true, enumerable: true, configurable: true }); }, making,
        );
      }
    }
    this.depth--;
  }

  private pair(key: unknown, entry: unknown, path: string, making: readonly Component[]): Json {
    const pair: Json[] = [];
    if (isContainer(key)) throw this.cannot(path, "a map with an array or an object as a key", "Use numbers or strings as keys.");
    this.value(key, `${path} (the key ${String(key)})`, (json) => { pair[0] = json; }, making);
    this.value(entry, `${path}.${String(key)}`, (json) => { pair[1] = json; }, making);
    return pair;
  }

  private reference(component: Component, path: string, making: readonly Component[]): Json {
    if (this.refer !== null) return this.refer(component);
    if (making.includes(component)) throw this.cannot(path, "a component whose own options this is part of", "Leave it out of the options.");
    return { $: "node", id: this.component(component, path, making, false) };
  }

  /**
   * The node of a component.
   * @param isPart whether the constructor of another component may have made it, so that it needs no class of its own
   */
  component(component: Component, path: string, making: readonly Component[] = [], isPart = false): number {
    const known = this.ids.get(component);
    if (known !== undefined) return known;
    const prototype = Object.getPrototypeOf(component) as object;
    const name = this.registry.nameOf(prototype);
    const node: StructureNode = { class: name };
    const id = this.nodes.push(node) - 1;
    this.ids.set(component, id);
    if (name === null && !isPart) {
      this.unregistered.push(path === "" ? "the component itself" : path);
      return id;
    }
    if (++this.depth > mostLevels.saved) {
      throw new ValueError(`${this.caller} cannot save ${pathText(path)}: components are nested in more than ${mostLevels.saved} levels.`);
    }
    if (name !== null && !hasOptions(prototype)) node.fields = this.fields(component, prototype, path);
    else {
      if (name !== null) this.options(component, path, making, (json) => { node.options = json; });
      node.holds = this.holds(component, path);
    }
    this.depth--;
    return id;
  }

  private fields(component: Component, prototype: object, path: string): Json {
    const fields: [string, Json][] = [];
    for (const [key, value] of Object.entries(component)) {
      const at = path === "" ? key : `${path}.${key}`;
      if (key in prototype) throw this.cannot(at, "a field with the name of a method", "Rename it.");
      const i = fields.push([key, null]) - 1;
      this.value(value, at, (json) => { fields[i][1] = json; }, []);
    }
    return fields;
  }

  private options(component: Component, path: string, making: readonly Component[], put: Put): void {
    let options: unknown;
    try {
      ({ options } = component as Component & { options: unknown });
    } catch (error) {
      throw this.cannot(path === "" ? "options" : `${path}.options`, "something that its getter did not give", messageOf(error));
    }
    this.value(options, path === "" ? "options" : `${path}.options`, put, [...making, component]);
  }

  /** What it holds besides what its options say: paths with parameters, arrays and components. */
  private holds(component: Component, path: string): Json {
    const prefix = path === "" ? "" : `${path}.`;
    const held = holdings(component, false);
    if (held === null) throw this.cannot(path === "" ? "the component" : path, "arrays or objects that are nested too deep", "Keep them flatter.");
    return held.map(({ path: at, value }) => {
      const name = prefix + at.join(".");
      return [[...at], value instanceof Component ? { $: "node", id: this.component(value, name, [], true) } : this.tensor(value, name)];
    });
  }

  private tensor(value: Tensor, path: string): Json {
    const tensor = this.tensorName(value);
    if (tensor === null) throw this.cannot(path, "an array that no field of the component holds", "Keep it in a field.");
    return value instanceof Variable ? { $: kindOf(value), tensor } : { $: "array", type: kindOf(value), tensor };
  }

  private activation(f: never, path: string): string {
    try {
      return activationName(f);
    } catch {
      throw this.cannot(
        path, "a function that is not a registered activation",
        "Give it a name with registerActivation(name, f), or give the class of the component an `options` getter that says what its constructor takes.",
      );
    }
  }

  private cannot(path: string, what: string, remedy: string): ValueError {
    return new ValueError(`${this.caller} cannot save ${pathText(path)}, which holds ${what}. ${remedy}`);
  }
}

/** The structure of a component. */
export function structureOf(caller: string, component: Component, registry: Registry, tensorName: (tensor: Tensor) => string | null): Structure {
  const encoder = new Encoder(caller, registry, tensorName);
  encoder.component(component, "");
  if (encoder.unregistered.length > 0) return { unregistered: encoder.unregistered };
  return { nodes: encoder.nodes };
}
