/** Components made again from their structure in a file: nothing in it is trusted. */

import { activationByName, activationNames } from "../components/index.ts";
import { Component, parameter, Random, state, ValueError } from "../index.ts";
import { sameShape, withElements } from "../support/shape.ts";
import { messageOf } from "../support/describe.ts";
import { isContainer, nameOfPath } from "../support/places.ts";
import { typedArrayName, typedArrays } from "./dtypes.ts";
import {
  canBeGoneThrough, define, type Holding, holdings, isAssignable, isReplaceable, isTensor, kindOf, replace, shapeOf, type Tensor,
} from "./holdings.ts";
import { isRecord, mostLevels } from "./json.ts";
import { quoted, shapeText } from "./messages.ts";
import { type ComponentClass, isOfLibrary, type Registry, unknownNames } from "./registry.ts";
import { Encoder } from "./structure.ts";
import type { TensorFile } from "./tensor-file.ts";

type Node = Record<string, unknown>;
type Put = (value: unknown) => void;

/**
 * How many elements constructors may make, besides some for each element and each tensor of the file: sizes in a made-up file could be
 * anything. Constructors of the user's may need room for what is not saved.
 */
const allowedForLibrary = 1e5;
const allowedForUser = 2 ** 22;
/** How many places of what a constructor has made, where the file may have made it do so. */
const mostHeld = 1e5;

/**
 * Makes the component of a file again.
 * @throws CheckpointError for a structure that cannot be; ValueError for classes that are not registered
 */
export function rebuild(file: TensorFile, structure: unknown, names: readonly string[], registry: Registry): Component {
  const { nodes, unregistered } = (isRecord(structure) ? structure : {}) as { nodes?: unknown; unregistered?: unknown };
  if (Array.isArray(unregistered)) {
    if (unregistered.length === 0 || !unregistered.every((path) => typeof path === "string")) {
      throw file.damaged("its structure names no parts that had no class.");
    }
    throw new ValueError(
      `${file.name} was not loaded: it holds values, but not how to make the component again, because when it was saved no class was ` +
      `registered for ${unregistered.slice(0, 5).join(", ").slice(0, 300)}. ` +
        "Make the component in the program and give it as { into: component }; or call registerComponents before saving.",
    );
  }
  if (!Array.isArray(nodes) || nodes.length === 0 || !nodes.every(isRecord)) throw file.damaged("its structure is no list of components.");
  const random = Random.default.state;
  try {
    return new Builder(file, nodes as Node[], names, registry).run();
  } finally {
    Random.default.state = random; // constructors have drawn initial values that nobody will see
  }
}

class Builder {
  /** What the nodes have become; also while they are being filled. */
  private readonly objects = new Map<number, unknown>();
  private readonly building = new Set<number>();
  private readonly tensors = new Map<string, Tensor>();
  private readonly known: ReadonlySet<string>;
  /** Components may refer to one that is still to be constructed. */
  private readonly later: (() => void)[] = [];
  private depth = 0;

  constructor(
    private readonly file: TensorFile,
    private readonly nodes: readonly Node[],
    /** The tensors of the component. */
    private readonly names: readonly string[],
    private readonly registry: Registry,
  ) {
    this.known = new Set(names);
  }

  run(): Component {
    const classes = new Set(this.nodes.map((node) => node.class).filter((name) => typeof name === "string"));
    const unknown = [...classes].filter((name) => this.registry.classOf(name) === null);
    if (unknown.length > 0) throw new ValueError(`${this.file.name} was not loaded: ${unknownNames(unknown, this.registry)}`);
    const known = [...classes].map((name) => this.registry.classOf(name) as ComponentClass);
    const base = known.every(isOfLibrary) ? allowedForLibrary : allowedForUser;
    const root = withElements(base + 1000 * this.names.length + 16 * this.file.elements(this.names), () => {
      const built = this.build(0);
      for (const put of this.later) put();
      return built;
    });
    if (!(root instanceof Component)) throw this.wrong("its structure does not begin with a component");
    const unused = this.names.find((name) => !this.tensors.has(name));
    if (unused !== undefined) throw this.wrong(`its structure has no place for the tensor ${quoted(unused)}`);
    if (!canBeGoneThrough(root)) throw this.wrong("its parts share parts in so many ways that they cannot be gone through");
    return root;
  }

  private wrong(what: string, options?: ErrorOptions): Error { return this.file.damaged(what.endsWith(".") ? what : `${what}.`, options); }

  private node(id: unknown): Node {
    if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) >= this.nodes.length) {
      throw this.wrong(`its structure refers to the part ${quoted(id)} of ${this.nodes.length}`);
    }
    return this.nodes[id as number];
  }

  private build(id: number): unknown {
    if (this.objects.has(id)) return this.objects.get(id);
    if (++this.depth > mostLevels.made) throw this.wrong(`its parts are nested in more than ${mostLevels.made} levels`);
    this.building.add(id);
    const node = this.node(id);
    if ("value" in node) this.value(node.value);
    if ("value" in node) this.decode(node.value, (value) => { if (!this.objects.has(id)) this.objects.set(id, value); }, false);
    else if (typeof node.class === "string") this.component(id, node, this.registry.classOf(node.class) as ComponentClass);
    else if (node.class === null) throw new ValueError(`${this.file.name} was not loaded: a part of it has a class that was not registered ` +
      "when it was saved. Load it into a component of the program, with { into: component }.");
    else throw this.wrong(`part ${id} of its structure is neither a component nor a value`);
    this.building.delete(id);
    this.depth--;
    return this.objects.get(id);
  }

  /** A node of a value is an array, a map or an object, so that something is there to refer to while it is filled. */
  private value(json: unknown): void {
    if (typeof json !== "object" || json === null || (isRecord(json) && json.$ === "node")) {
      throw this.wrong("a shared value of its structure is no array, map or object");
    }
  }

  private component(id: number, node: Node, given: ComponentClass): void {
    if ("options" in node) {
      let options: unknown;
      this.decode(node.options, (value) => { options = value; }, true);
      this.objects.set(id, this.construct(node, given, options));
      this.restoreInto(this.objects.get(id) as Component, node);
    } else {
      if (isOfLibrary(given)) throw this.wrong(`its structure has no options for ${quoted(node.class)}`);
      const instance = Object.create(given.prototype as object) as Component;
      this.objects.set(id, instance);
      this.fill(instance, node);
    }
  }

  private construct(node: Node, given: ComponentClass, options: unknown): Component {
    let made: unknown;
    try {
      made = new (given as unknown as new (options: unknown) => unknown)(options);
    } catch (error) {
      throw this.wrong(`${String(node.class)} does not take the options that are in it: ${messageOf(error)}`, { cause: error });
    }
    if (!(made instanceof given)) throw this.wrong(`the constructor of ${String(node.class)} gave something else`);
    return made;
  }

  /** Gives a component without `options` its fields. */
  private fill(instance: Component, node: Node): void {
    const prototype = Object.getPrototypeOf(instance) as object;
    if (!Array.isArray(node.fields)) throw this.wrong(`its structure has no fields for ${quoted(node.class)}`);
    const seen = new Set<string>();
    for (const entry of node.fields as unknown[]) {
      if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== "string" || seen.has(entry[0])) {
        throw this.wrong(`the fields of ${quoted(node.class)} in its structure are no names with values`);
      }
      const [key, json] = entry as [string, unknown];
      if (key in prototype) throw this.wrong(`the field ${quoted(key)} of ${quoted(node.class)} in its structure would hide a method`);
      seen.add(key);
      this.decode(json, (value) => { define(instance, key, value); }, false);
    }
  }

  /** Gives what a constructor has made the values of the file, and puts shared parts in their places. */
  private restoreInto(instance: Component, node: Node): void {
    const wrong = (what: string): Error => this.wrong(`${quoted(node.class)} ${what}`);
    if (!Array.isArray(node.holds)) throw wrong("is without its values in the structure");
    const made = new Map((holdings(instance, false, mostHeld) ?? []).map((holding) => [JSON.stringify(holding.path), holding]));
    for (const entry of node.holds as unknown[]) {
      if (!Array.isArray(entry) || entry.length !== 2 || !Array.isArray(entry[0]) || entry[0].length === 0 ||
        !entry[0].every((key) => typeof key === "string") || !isRecord(entry[1])) {
        throw wrong("has values without a place in the structure");
      }
      const [path, json] = entry as [string[], Record<string, unknown>];
      const key = JSON.stringify(path);
      const place = made.get(key) ?? (path.length === 1 && !(path[0] in instance) ? { path, holder: instance, key: path[0] } : null);
      made.delete(key);
      if (place === null) throw wrong(`has ${quoted(nameOfPath(path))} in the file, but as the class is now it makes no such field`);
      if (json.$ === "node") this.restorePart(json.id, place, wrong);
      else this.restoreTensor(json, place, wrong);
    }
    for (const { path, value } of made.values()) {
      if (isAssignable(value) || (value instanceof Component && holdings(value, true, mostHeld)?.some((part) => isAssignable(part.value)) !== false)) {
        throw wrong(`holds ${quoted(nameOfPath(path))}, for which the file has no values`);
      }
    }
  }

  private restoreTensor(json: Record<string, unknown>, place: Omit<Holding, "value"> & { value?: unknown }, wrong: (what: string) => Error): void {
    const { value } = place;
    const name = this.tensorName(json);
    const adopted = !this.tensors.has(name) && isAssignable(value) && json.$ === kindOf(value) && sameShape(value.shape, this.file.shape(name)) ? value : null;
    if (adopted !== null) {
      adopted.assign(this.file.numbers(name));
      this.tensors.set(name, adopted);
      return;
    }
    const tensor = this.tensor(json);
    if (value instanceof Component) {
      throw wrong(`has ${quoted(nameOfPath(place.path))} as a ${kindOf(tensor)} in the file, but its constructor makes a component`);
    }
    if (isTensor(value) && (kindOf(value) !== kindOf(tensor) || (isAssignable(value) && !sameShape(shapeOf(value), shapeOf(tensor))))) {
      throw wrong(`has ${quoted(nameOfPath(place.path))} as a ${kindOf(tensor)} ${shapeText(shapeOf(tensor))} in the file, but its ` +
        `constructor makes a ${kindOf(value)} ${shapeText(shapeOf(value))} of these options`);
    }
    this.put(place, tensor);
  }

  private restorePart(id: unknown, place: Omit<Holding, "value"> & { value?: unknown }, wrong: (what: string) => Error): void {
    const node = this.node(id);
    const { value } = place;
    if (isTensor(value) || "value" in node) throw wrong(`has ${quoted(nameOfPath(place.path))} as a ` +
      `${"value" in node ? "value" : "component"} in the file, but its constructor makes a ${isTensor(value) ? kindOf(value) : "component"}`);
    const fresh = !this.objects.has(id as number) && !this.building.has(id as number);
    if (fresh && value instanceof Component && this.isAlike(value, node)) {
      this.objects.set(id as number, value);
      if (++this.depth > mostLevels.made) throw this.wrong(`its parts are nested in more than ${mostLevels.made} levels`);
      this.restoreInto(value, node);
      this.depth--;
    } else this.refer(id as number, (part) => { if (part !== value) this.put(place, part); }, false);
  }

  /** Is this what the node would become? Then what the constructor of another component has made is kept. */
  private isAlike(value: Component, node: Node): boolean {
    const prototype = Object.getPrototypeOf(value) as object;
    const name = this.registry.nameOf(prototype);
    if (name !== node.class || "fields" in node) return false;
    if (name === null) return true;
    const encoder: Encoder =
      new Encoder("restore", this.registry, () => null, (part) => ({ $: "node", class: this.registry.nameOf(Object.getPrototypeOf(part) as object) }));
    try {
      return JSON.stringify(encoder.encode((value as Component & { options: unknown }).options, "options")) ===
        JSON.stringify(node.options, (_, json) => (isRecord(json) && json.$ === "node" ? { $: "node", class: this.node(json.id).class } : json));
    } catch {
      return false; // then it is made by itself, which says what is wrong
    }
  }

  private put(place: Pick<Holding, "holder" | "key">, value: unknown): void {
    if (isReplaceable(place)) return replace(place, value);
    throw this.wrong(`the field ${quoted(place.key)} cannot be set, because the class makes it read-only`);
  }

  private decode(json: unknown, put: Put, options: boolean): void {
    if (typeof json !== "object") return put(json);
    if (json === null) return put(null);
    if (++this.depth > mostLevels.made) throw this.wrong(`its values are nested in more than ${mostLevels.made} levels`);
    if (Array.isArray(json)) {
      const list: unknown[] = new Array(json.length).fill(undefined);
      put(list);
      json.forEach((entry, i) => { this.decode(entry, (value) => { list[i] = value; }, options); });
    } else if ("$" in json) this.tagged(json as Record<string, unknown>, put, options);
    else {
      const object = {};
      put(object);
      for (const [key, entry] of Object.entries(json)) this.decode(entry, (value) => { define(object, key, value); }, options);
    }
    this.depth--;
  }

  private tagged(json: Record<string, unknown>, put: Put, options: boolean): void {
    switch (json.$) {
      case "node": return this.refer(json.id, put, options);
      case "undefined": return put(undefined);
      case "number":
        if (["NaN", "Infinity", "-Infinity", "-0"].includes(json.value as string)) return put(Number(json.value));
        break;
      case "bigint":
        if (typeof json.value === "string" && /^-?\d{1,1000}$/.test(json.value)) return put(BigInt(json.value));
        break;
      case "random": return put(this.random(json));
      case "activation":
        if (typeof json.name === "string" && activationNames().includes(json.name)) return put(activationByName(json.name));
        throw new ValueError(
          `${this.file.name} was not loaded: it uses the activation ${quoted(json.name)}, which is not registered. Call registerActivation(name, f) first.`,
        );
      case "parameter": case "state": case "variable": case "array": return put(this.tensor(json));
      case "map": case "object": return this.entries(json, put, options);
    }
    throw this.wrong(`its structure has ${quoted(json.$)}, or its value, which this version of Flimsy does not know`);
  }

  private entries(json: Record<string, unknown>, put: Put, options: boolean): void {
    const { entries } = json;
    if (!Array.isArray(entries) || !entries.every((entry) => Array.isArray(entry) && entry.length === 2)) {
      throw this.wrong(`a ${String(json.$)} in its structure has no pairs`);
    }
    const target = json.$ === "map" ? new Map<unknown, unknown>() : {};
    put(target);
    for (const [keyJson, entry] of entries as [unknown, unknown][]) {
      let key: unknown;
      this.decode(keyJson, (value) => { key = value; }, true);
      if (target instanceof Map && isContainer(key)) throw this.wrong("a map in its structure has an array or an object as a key");
      const set =
        target instanceof Map ? (value: unknown): void => { target.set(key, value); } : (value: unknown): void => { define(target, String(key), value); };
      if (!(target instanceof Map) && typeof key !== "string") throw this.wrong("an object in its structure has a key that is no string");
      this.decode(entry, set, options);
    }
  }

  private random(json: Record<string, unknown>): Random {
    try {
      const random = new Random(0);
      random.state = json as never;
      return random;
    } catch (error) {
      throw this.wrong(`its structure has a generator with a state that cannot be (${messageOf(error)})`);
    }
  }

  /** @param now whether it is needed at once, for a constructor */
  private refer(id: unknown, put: Put, now: boolean): void {
    const node = this.node(id);
    if (this.objects.has(id as number) || !this.building.has(id as number)) return put(this.build(id as number));
    if (now || "value" in node) throw this.wrong("a component in its structure is part of its own options");
    put(undefined); // keeps the place in a map or an object
    this.later.push(() => { put(this.objects.get(id as number)); });
  }

  private tensorName(json: Record<string, unknown>): string {
    if (typeof json.tensor === "string" && this.known.has(json.tensor)) return json.tensor;
    throw this.wrong(`its structure refers to the tensor ${quoted(json.tensor)}, which is not there`);
  }

  /** The array that a tag stands for; the same one wherever it appears. */
  private tensor(json: Record<string, unknown>): Tensor {
    const name = this.tensorName(json);
    let tensor = this.tensors.get(name);
    if (tensor === undefined) {
      tensor = this.newTensor(json, name);
      this.tensors.set(name, tensor);
    }
    if (json.$ === "array" ? typedArrayName(tensor) !== json.type : kindOf(tensor) !== json.$) {
      throw this.wrong(`its structure has the tensor ${quoted(name)} as two different things`);
    }
    return tensor;
  }

  private newTensor(json: Record<string, unknown>, name: string): Tensor {
    if (json.$ === "parameter") return parameter(this.file.numbers(name), this.file.shape(name));
    if (json.$ === "state") return state(this.file.numbers(name), this.file.shape(name));
    if (json.$ === "variable") return this.file.variable(name);
    const type = typedArrays.get(json.type as string);
    if (json.$ !== "array" || type === undefined || type.dtype !== this.file.dtype(name) || this.file.shape(name).length !== 1) {
      throw this.wrong(`its structure has the tensor ${quoted(name)} as ${quoted(json.type ?? json.$)}, which does not fit it`);
    }
    return this.file.array(name, type.make);
  }
}
