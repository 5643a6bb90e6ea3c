/** Checkpoints: components with what belongs to their training, as safetensors files. */

import {
  Component, DeviceError, FlimsyError, grad, type OptimizerState, Parameter, parameter, Random, type RandomState, UsageError, ValueError, Variable,
} from "../index.ts";
import { isMap } from "../support/arrays.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { replaceFile } from "../support/files.ts";
import { nameOfPath } from "../support/places.ts";
import type { Url } from "../support/platform.ts";
import { describe, listed, messageOf } from "../support/describe.ts";
import { checkInteger } from "../support/check.ts";
import { bytesOf, typedArrays } from "./dtypes.ts";
import { pathOf } from "./files.ts";
import { prepare } from "./fit.ts";
import { holdings, kindOf, shapeOf, type Tensor } from "./holdings.ts";
import { isRecord, parseJson } from "./json.ts";
import { decodeMetadata, encodeMetadata, type Metadata, metadataPrefix } from "./metadata.ts";
import { quoted } from "./messages.ts";
import { rebuild } from "./rebuild.ts";
import { type ComponentClass, registryWith } from "./registry.ts";
import { encodeSafetensors, type TensorBytes, type TensorInfo } from "./safetensors.ts";
import { load, type Source } from "./source.ts";
import { structureOf } from "./structure.ts";
import { TensorFile } from "./tensor-file.ts";
import {
  type AnyOptimizer, alone, decodeTraining, encodeOptimizer, encodeRandoms, named, noTraining, type OneOrMore, type SavedOptimizer, type Training,
} from "./training.ts";

/** What `save` keeps beside a component. */
export interface SaveOptions {
  /** What it remembers is saved too: of one optimizer, or of several by name. */
  readonly optimizer?: OneOrMore<AnyOptimizer> | undefined;
  /** Generators whose states are saved, one or several by name. That of the default one always is. */
  readonly random?: OneOrMore<Random> | undefined;
  /** How far training is; the number of updates of the optimizer unless given. */
  readonly step?: number | undefined;
  /** Anything to be kept with it: numbers, strings, booleans, null, typed arrays, and arrays and plain objects of these. */
  readonly metadata?: { readonly [key: string]: Metadata } | undefined;
  /** Names of classes for this call, besides those of `registerComponents`. */
  readonly components?: Readonly<Record<string, ComponentClass>> | undefined;
}

/** What `restore` fills, and what it goes on from. */
export interface RestoreOptions<C extends Component = Component> {
  /** Takes the values, instead of a new component. */
  readonly into?: C | undefined;
  /** Goes on from what was saved of it; needs `into`. */
  readonly optimizer?: OneOrMore<AnyOptimizer> | undefined;
  /** Goes on from its saved state. */
  readonly random?: OneOrMore<Random> | undefined;
  /** Names of classes for this call, besides those of `registerComponents`. */
  readonly components?: Readonly<Record<string, ComponentClass>> | undefined;
}

/** What was in a file. */
export interface Checkpoint<C extends Component = Component> {
  readonly component: C;
  readonly step: number;
  readonly metadata: { readonly [key: string]: Metadata };
  /** For `optimizer.restore`: the state of the optimizer, if one was saved without a name. */
  readonly optimizer: OptimizerState | null;
  /** The states of all optimizers; one that was saved without a name is `optimizer`. */
  readonly optimizers: Readonly<Record<string, OptimizerState>>;
  /** The states of generators: `default` is `Random.default`, one that was saved without a name is `random`. */
  readonly random: Readonly<Record<string, RandomState>>;
}

/** What `inspect` tells of a file. */
export interface Inspection {
  readonly tensors: readonly TensorInfo[];
  readonly step: number;
  /** What was saved as such; of a safetensors file from elsewhere its strings. */
  readonly metadata: { readonly [key: string]: Metadata };
}

const keys = { version: "flimsy", structure: "flimsy.structure", training: "flimsy.training", metadata: "flimsy.metadata" } as const;
const version = "1";
export const saveOptions: readonly (keyof SaveOptions)[] = ["optimizer", "random", "step", "metadata", "components"];
export const tensorsOptions: readonly (keyof TensorsOptions)[] = ["metadata"];

/**
 * A component with what belongs to its training, as the bytes of a safetensors file.
 * @throws ValueError for what cannot be saved, with the path of the field and the remedy
 * @example
 * const bytes = serialize(new ValueComponent({ value: [1, 2] }));
 * restore<ValueComponent>(bytes).component.value.toArray(); // [1, 2]
 */
export function serialize(component: Component, options: SaveOptions = {}): Uint8Array {
  checkArguments("serialize", arguments, 2);
  checkOptions("serialize", options, saveOptions);
  return encode("serialize", component, options);
}

/**
 * Saves a component with what belongs to its training (in Node). The file is replaced as a whole: a program that is killed at any moment
 * leaves the old file or the new one.
 *
 * @throws ValueError for what cannot be saved; FileError where it cannot be written, which leaves the old file as it was; UsageError
 *   outside of Node
 * @example
 * const θ = new SoftmaxRegression({ inputs: 4, outputs: 2 });
 * const optimizer = new Adam(θ);
 * save("saved.safetensors", θ, { optimizer, metadata: { classes: ["cat", "dog"] } });
 * restore("saved.safetensors").metadata.classes; // ["cat", "dog"]
 */
export function save(path: string | Url, component: Component, options: SaveOptions = {}): void {
  checkArguments("save", arguments, 3);
  checkOptions("save", options, saveOptions);
  const target = pathOf("save", path, "In a browser, serialize(component, options) gives the bytes, to be stored or offered as a download.");
  replaceFile(target, encode("save", component, options));
}

function encode(caller: string, component: Component, options: SaveOptions): Uint8Array {
  if (!(component instanceof Component)) {
    throw new ValueError(`${caller} takes a Component to be saved, but got ${typeof component === "object" ? "another object" : String(component)}.`);
  }
  const optimizers = named<AnyOptimizer>(caller, "optimizer", options.optimizer);
  const randoms = named<Random>(caller, "random", options.random);
  const step = options.step ?? [...optimizers.values()].reduce((most, optimizer) => Math.max(most, optimizer.step), 0);
  checkInteger(caller, "step", step, 0);
  const registry = registryWith(caller, options.components);

  const { tensors, names, shared } = arraysOf(caller, component);
  const nameOf = (tensor: Tensor): string | null => names.get(tensor) ?? null;
  const structure = structureOf(caller, component, registry, nameOf);
  const add = (name: string, array: Tensor): string => {
    if (tensors.has(name)) throw new ValueError(
      `${caller} cannot save the component: its array ${quoted(name)} has the name that an array of the optimizer or of the metadata gets. Rename the field.`,
    );
    tensors.set(name, tensorBytes(caller, name, array));
    return name;
  };
  let kept = 0;
  const metadata = encodeMetadata(caller, options.metadata ?? {}, (array) => add(`${metadataPrefix}${kept++}`, array));
  if (!isRecord(metadata) || "$" in metadata) throw new ValueError(`${caller} takes an object as metadata.`);
  const training = {
    step,
    random: encodeRandoms(randoms),
    optimizers: Object.fromEntries([...optimizers].map(([key, optimizer]) => [key, encodeOptimizer(key, optimizer, (parameter) => nameOf(parameter), add)])),
    shared: Object.fromEntries(shared),
    frozen: [...names].filter(([array]) => array instanceof Parameter && array.isFrozen).map(([, name]) => name),
  };
  return encodeSafetensors(caller, [...tensors.values()], new Map([
    [keys.version, version],
    [keys.structure, JSON.stringify(structure)],
    [keys.training, JSON.stringify(training)],
    [keys.metadata, JSON.stringify(metadata)],
  ]));
}

/** The arrays of a component under the first of their paths, and their further paths. */
function arraysOf(caller: string, component: Component): { tensors: Map<string, TensorBytes>; names: Map<Tensor, string>; shared: Map<string, string> } {
  const held = holdings(component, true);
  if (held === null) {
    throw new ValueError(`${caller} cannot save the component: its parts are nested too deep, or share parts in more ways than can be gone through.`);
  }
  const tensors = new Map<string, TensorBytes>();
  const names = new Map<Tensor, string>();
  const shared = new Map<string, string>();
  for (const { path, value } of held) {
    const array = value as Tensor;
    const name = nameOfPath(path);
    if (tensors.has(name) || shared.has(name)) throw new ValueError(
      `${caller} cannot save the component: it has two arrays with the path ${quoted(name)}. Rename a field or a key so that paths differ.`,
    );
    const first = names.get(array);
    if (first !== undefined) shared.set(name, first);
    else {
      names.set(array, name);
      tensors.set(name, tensorBytes(caller, name, array));
    }
  }
  return { tensors, names, shared };
}

function tensorBytes(caller: string, name: string, value: Tensor): TensorBytes {
  if (!(value instanceof Variable)) {
    const { dtype } = typedArrays.get(kindOf(value)) as { dtype: TensorBytes["dtype"] };
    return { name, dtype, shape: shapeOf(value), bytes: bytesOf(value) };
  }
  try {
    const { data } = value;
    return { name, dtype: data instanceof Float64Array ? "F64" : "F32", shape: value.shape, bytes: bytesOf(data) };
  } catch (error) {
    if (!(error instanceof FlimsyError) || error instanceof DeviceError) throw error;
    throw new ValueError(`${caller} cannot save ${name}: ${error.message}`, { cause: error });
  }
}

/** What the strings of a file say. */
interface Contents {
  readonly training: Training;
  readonly metadata: { readonly [key: string]: Metadata };
  /** The tensors that are not the component's. */
  readonly others: ReadonlySet<string>;
  readonly isCheckpoint: boolean;
}

function contentsOf(file: TensorFile): Contents {
  const strings = file.header.metadata;
  const found = strings.get(keys.version);
  if (found === undefined) return { training: noTraining, metadata: Object.fromEntries(strings), others: noTraining.tensors, isCheckpoint: false };
  if (found !== version) throw file.damaged(`it has version ${quoted(found)} of the checkpoint format; this version of Flimsy reads ${version}.`);
  const metadata = parsed(file, keys.metadata);
  if (!isRecord(metadata)) throw file.damaged("its metadata are no object.");
  const training = decodeTraining(file, parsed(file, keys.training));
  const others = new Set(training.tensors);
  return { training, metadata: decodeMetadata(file, metadata, others) as Contents["metadata"], others, isCheckpoint: true };
}

function parsed(file: TensorFile, key: string): unknown {
  const text = file.header.metadata.get(key);
  if (text === undefined) throw file.damaged(`its header has no ${key}.`);
  try {
    return parseJson(text);
  } catch (error) {
    throw file.damaged(`of ${key} in its header, ${messageOf(error)}.`);
  }
}

/**
 * Reads a checkpoint. Without `into` the component is made again, by the registered classes; with `into` the values go into one
 * that is there, also from safetensors files that were written elsewhere. With `optimizer` or `random` training goes on, bit for
 * bit: these and the default generator take over their saved states. Gradients that have been lost with their device are forgotten.
 *
 * @param source a path or file URL (in Node), or the bytes of a file
 * @throws CheckpointError for a file that is damaged; FileError where it cannot be read; ValueError or ShapeError for a component or
 *   optimizer of another make, with every difference, and for classes that are not registered; UsageError inside a step.
 *   Then nothing has changed.
 * @example
 * const θ = new SoftmaxRegression({ inputs: 4, outputs: 2 });
 * const optimizer = new Adam(θ);
 * save("model.safetensors", θ, { optimizer, step: 100 });
 * restore<SoftmaxRegression>("model.safetensors").component.w.shape; // [2, 4]
 * restore("model.safetensors", { into: θ, optimizer }).step; // 100
 */
export function restore<C extends Component = Component>(source: Source, options: RestoreOptions<C> = {}): Checkpoint<C> {
  checkArguments("restore", arguments, 2);
  checkOptions("restore", options, ["into", "optimizer", "random", "components"]);
  const { into } = options;
  const optimizers = named<AnyOptimizer>("restore", "optimizer", options.optimizer);
  const randoms = named<Random>("restore", "random", options.random);
  if (into !== undefined && !(into instanceof Component)) throw new ValueError(`restore takes a Component as into, but got ${describe(into)}.`);
  if (optimizers.size > 0 && into === undefined) {
    throw new UsageError("restore makes a new component, which the given optimizer does not train. " +
      "Give the component that it trains as into; or make an optimizer for the new one and call its restore(checkpoint.optimizer).");
  }
  const registry = registryWith("restore", options.components);
  checkOutside();

  const file = new TensorFile(load("restore", source));
  const { training, metadata, others, isCheckpoint } = contentsOf(file);
  const names = [...file.header.tensors.keys()].filter((name) => !others.has(name));
  for (const name of training.shared.values()) {
    if (others.has(name)) throw file.damaged(`what it says of training shares ${quoted(name)} with an optimizer or the metadata.`);
  }
  // First of all: if the component does not fit, its optimizer does not either.
  const put = into === undefined ? null : prepare(file, into, names, training.shared);
  const states = new Map([...training.optimizers].map(([key, saved]) => [key, saved.state()]));
  const saved = [...optimizers].map(([key, optimizer]) => {
    const found = training.optimizers.get(key);
    if (found === undefined) throw unsaved(file, "optimizer", key, training.optimizers);
    checkOrder(file, key, optimizer, found, into as Component);
    return [optimizer, states.get(key) as OptimizerState] as const;
  });
  const next = [...randoms].map(([key, random]) => {
    const state = training.random.get(key);
    if (state === undefined) throw unsaved(file, "random", key, training.random);
    return [random, state] as const;
  });
  if (into === undefined && !isCheckpoint) {
    throw new ValueError(`${file.name} was not loaded: it is a safetensors file without the structure of a component. ` +
      "Give a component as { into: component }, or use readTensors.");
  }
  const component = into ?? rebuild(file, parsed(file, keys.structure), names, registry);

  restoreAll(saved);
  put?.();
  restoreFrozen(component, training, into === undefined || saved.length > 0);
  forgetLost(component);
  const general = training.random.get("default");
  if (general !== undefined && saved.length + next.length > 0) Random.default.state = general;
  for (const [random, state] of next) random.state = state;
  return {
    component: component as C,
    step: training.step,
    metadata,
    optimizer: states.get(alone.optimizer) ?? null,
    optimizers: Object.fromEntries(states),
    random: Object.fromEntries(training.random),
  };
}

/** A step that is open would go on with other values than it began with. */
function checkOutside(): void {
  try {
    grad(() => parameter(0));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError("restore was called inside grad or evaluate. Call it before or after the step.");
  }
}

/** Gradients that have been lost with their device would be added to. Others stay. */
function forgetLost(component: Component): void {
  for (const parameter of component.parameters()) {
    const { gradient, rows } = parameter;
    if ((rows !== null && rows.count >= 0 ? rows.storage : gradient).isLost) parameter.clearGrad();
  }
}

/** @param isSame whether it is the component of the file, or its training goes on: then nothing else stays frozen */
function restoreFrozen(component: Component, { frozen, shared }: Training, isSame: boolean): void {
  if (frozen === null) return;
  const found = new Set<Parameter>();
  for (const { path, value } of holdings(component, true) ?? []) {
    const name = nameOfPath(path);
    if (value instanceof Parameter && frozen.has(shared.get(name) ?? name)) found.add(value);
  }
  for (const parameter of component.parameters()) {
    if (found.has(parameter)) parameter.freeze();
    else if (isSame) parameter.unfreeze();
  }
}

function unsaved(file: TensorFile, what: string, key: string, there: ReadonlyMap<string, unknown>): ValueError {
  const names = [...there.keys()];
  return new ValueError(`${file.name} was not loaded: it has no state for ${what}${key === what ? "" : ` ${quoted(key)}`}. ` +
    `${names.length === 0 ? "None was saved." : `There is one for ${listed(names.map(quoted))}.`}`);
}

/** States are by number, so parameters must come in the order in which they came. */
function checkOrder(file: TensorFile, key: string, optimizer: AnyOptimizer, saved: SavedOptimizer, component: Component): void {
  const names = new Map<Parameter, Set<string>>();
  for (const { path, value } of holdings(component, true) ?? []) {
    if (value instanceof Parameter) names.set(value, (names.get(value) ?? new Set()).add(nameOfPath(path)));
  }
  optimizer.parameters.forEach((parameter, i) => {
    const [own, other] = [names.get(parameter), saved.names[i] ?? null];
    if (other === null || own?.has(other)) return;
    const here = own === undefined ? "belongs to another component" : `is ${quoted([...own][0])}`;
    throw new ValueError(`${file.name} was not loaded: parameter ${i} of the ${key} was ${quoted(other)} when it was saved, but ` +
      `${here} here. Make it for the same parameters in the same order.`);
  });
}

/** What an optimizer can go back to: nothing where that has been lost with its device. */
function remembered(optimizer: AnyOptimizer): OptimizerState | null {
  try {
    return optimizer.snapshot();
  } catch (error) {
    if (error instanceof DeviceError && error.reason === "lost") return null;
    throw error;
  }
}

/** All optimizers, or none. */
function restoreAll(saved: readonly (readonly [AnyOptimizer, OptimizerState])[]): void {
  const before: [AnyOptimizer, OptimizerState][] = [];
  try {
    for (const [i, [optimizer, state]] of saved.entries()) {
      const last = i === saved.length - 1; // the last one changes nothing if it fails
      const old = last ? null : remembered(optimizer);
      optimizer.restore(state);
      if (old !== null) before.push([optimizer, old]);
    }
  } catch (error) {
    for (const [optimizer, old] of before) optimizer.restore(old);
    throw error;
  }
}

/**
 * Looks at the header of a file, and typed arrays of the metadata, only: names, types and shapes of its tensors, and what was saved as metadata.
 * @throws CheckpointError, FileError
 * @example
 * const bytes = serialize(new Embedding({ inputs: 5, outputs: 2 }), { metadata: { accuracy: 0.9 } });
 * const { tensors, metadata } = inspect(bytes); // or of a path
 * tensors; // [{ name: "w", dtype: "F32", shape: [5, 2] }]
 * metadata; // { accuracy: 0.9 }
 */
export function inspect(source: Source): Inspection {
  checkArguments("inspect", arguments, 1);
  const file = new TensorFile(load("inspect", source, ({ name }) => name.startsWith(metadataPrefix)));
  const { training, metadata } = contentsOf(file);
  return { tensors: [...file.header.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape })), step: training.step, metadata };
}

/**
 * The tensors of any safetensors file, by name, in the precision of the device. F64, F32, F16 and BF16 are rounded to it;
 * integers must be exact in it (up to 2²⁴ in float32), and Booleans become 0 and 1.
 * @throws CheckpointError, FileError; ValueError for other types, and integers and float64 beyond that
 * @example
 * writeTensors("tensors.safetensors", { w: input([[1, 2], [3, 4]]) });
 * readTensors("tensors.safetensors").get("w")?.toArray(); // [[1, 2], [3, 4]]
 */
export function readTensors(source: Source): Map<string, Variable> {
  checkArguments("readTensors", arguments, 1);
  const file = new TensorFile(load("readTensors", source));
  return new Map([...file.header.tensors.keys()].map((name) => [name, file.variable(name)]));
}

/** Tensors by name. */
export type Tensors = ReadonlyMap<string, Variable> | Readonly<Record<string, Variable>>;

/** What a file of tensors keeps beside them. */
export interface TensorsOptions {
  /** Strings by name, in the header. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * Tensors as the bytes of a safetensors file: F32, or F64 on the reference device.
 * @throws ValueError for what is no Variable, or names that UTF-8 cannot have
 * @example
 * const bytes = serializeTensors({ w: input([1, 2]) }, { metadata: { unit: "m" } });
 * readTensors(bytes).get("w")?.toArray(); // [1, 2]
 * inspect(bytes).metadata; // { unit: "m" }
 */
export function serializeTensors(tensors: Tensors, options: TensorsOptions = {}): Uint8Array {
  checkArguments("serializeTensors", arguments, 2);
  checkOptions("serializeTensors", options, tensorsOptions);
  return encodeTensors("serializeTensors", tensors, options);
}

/**
 * Writes tensors as a safetensors file (in Node), replaced as a whole as by `save`.
 * @throws as `serializeTensors`; FileError where it cannot be written; UsageError outside of Node
 * @example
 * const θ = new FeedForward({ inputs: 2, hidden: [8], outputs: 1 });
 * writeTensors("weights.safetensors", new Map(θ.namedParameters()));
 * inspect("weights.safetensors").tensors.map(({ name }) => name); // ["b.0", "b.1", "w.0", "w.1"]
 */
export function writeTensors(path: string | Url, tensors: Tensors, options: TensorsOptions = {}): void {
  checkArguments("writeTensors", arguments, 3);
  checkOptions("writeTensors", options, tensorsOptions);
  const target = pathOf("writeTensors", path, "In a browser, serializeTensors(tensors) gives the bytes.");
  replaceFile(target, encodeTensors("writeTensors", tensors, options));
}

function encodeTensors(caller: string, tensors: Tensors, options: TensorsOptions): Uint8Array {
  const entries: [string, Variable][] = isMap(tensors) ? [...tensors as ReadonlyMap<string, Variable>] : isRecord(tensors) ? Object.entries(tensors) : [];
  if (!isMap(tensors) && !isRecord(tensors)) throw new ValueError(`${caller} takes Variables by name, as a Map or an object.`);
  const found = entries.map(([name, variable]) => {
    if (!(variable instanceof Variable)) throw new ValueError(`${caller} takes Variables, but ${quoted(name)} is none. Wrap arrays with input(…).`);
    return tensorBytes(caller, name, variable);
  });
  return encodeSafetensors(caller, found, new Map(Object.entries(options.metadata ?? {})));
}
