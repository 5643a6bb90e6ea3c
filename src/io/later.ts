/** Saving from a device that answers later: waits for the numbers first. */

import { Component, type Parameter, ready, type State } from "../index.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import type { Url } from "../support/platform.ts";
import {
  type SaveOptions, save, saveOptions, serialize, serializeTensors, type Tensors, type TensorsOptions, tensorsOptions, writeTensors,
} from "./checkpoint.ts";
import { holdings } from "./holdings.ts";
import { type AnyOptimizer, named } from "./training.ts";

/** Waits for all that is saved with a component. What cannot be saved is for the function that saves to say. */
async function savable(caller: string, component: Component, options: SaveOptions): Promise<void> {
  const { optimizer } = checkOptions(caller, options, saveOptions);
  const remembered = (each: AnyOptimizer): State[] => each.parameters.flatMap((parameter: Parameter) => Object.values(each.slotsOf(parameter)));
  const optimizers = [...named<AnyOptimizer>(caller, "optimizer", optimizer).values()];
  const held = component instanceof Component ? holdings(component, true) ?? [] : [];
  await ready([held.map(({ value }) => value), optimizers.map(remembered)]);
}

/**
 * As `serialize`, when the numbers are there: on every device.
 * @throws as `serialize`
 * @example
 * const bytes = await serializeAsync(new ValueComponent({ value: [1, 2] }));
 * restore<ValueComponent>(bytes).component.value.toArray(); // [1, 2]
 */
export async function serializeAsync(component: Component, options: SaveOptions = {}): Promise<Uint8Array> {
  checkArguments("serializeAsync", arguments, 2);
  await savable("serializeAsync", component, options);
  return serialize(component, options);
}

/**
 * As `save`, when the numbers are there: on every device.
 * @throws as `save`
 * @example
 * const θ = new SoftmaxRegression({ inputs: 4, outputs: 2 });
 * await saveAsync("saved-later.safetensors", θ, { optimizer: new Adam(θ), step: 3 });
 * restore("saved-later.safetensors").step; // 3
 */
export async function saveAsync(path: string | Url, component: Component, options: SaveOptions = {}): Promise<void> {
  checkArguments("saveAsync", arguments, 3);
  await savable("saveAsync", component, options);
  save(path, component, options);
}

/**
 * As `serializeTensors`, when the numbers are there: on every device.
 * @throws as `serializeTensors`
 * @example
 * readTensors(await serializeTensorsAsync({ w: input([1, 2]) })).get("w")?.toArray(); // [1, 2]
 */
export async function serializeTensorsAsync(tensors: Tensors, options: TensorsOptions = {}): Promise<Uint8Array> {
  checkArguments("serializeTensorsAsync", arguments, 2);
  checkOptions("serializeTensorsAsync", options, tensorsOptions);
  return serializeTensors(await ready(tensors), options);
}

/**
 * As `writeTensors`, when the numbers are there: on every device.
 * @throws as `writeTensors`
 * @example
 * await writeTensorsAsync("tensors-later.safetensors", { w: input([1, 2]) });
 * readTensors("tensors-later.safetensors").get("w")?.toArray(); // [1, 2]
 */
export async function writeTensorsAsync(path: string | Url, tensors: Tensors, options: TensorsOptions = {}): Promise<void> {
  checkArguments("writeTensorsAsync", arguments, 3);
  checkOptions("writeTensorsAsync", options, tensorsOptions);
  writeTensors(path, await ready(tensors), options);
}
