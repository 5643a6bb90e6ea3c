/** What a component holds in its fields: parameters, and what is remembered beside them. */

import { Component, Parameter, State, Variable } from "../index.ts";
import { isMap } from "../support/arrays.ts";
import { isContainer, keysOf, type Place, places } from "../support/places.ts";
import { type TypedArray, typedArrayName } from "./dtypes.ts";

/** An array of numbers in a field. */
export type Tensor = Variable | TypedArray;

/** Something held: where, and what. */
export interface Holding {
  /** The keys from the component on. */
  readonly path: readonly string[];
  readonly holder: object;
  readonly key: unknown;
  readonly value: Tensor | Component;
}

export const isTensor = (value: unknown): value is Tensor => value instanceof Variable || typedArrayName(value) !== null;

/** Does it stay the same object when it gets other values? */
export const isAssignable = (value: unknown): value is Parameter | State => value instanceof Parameter || value instanceof State;

/** An object may have no text, or a very long one; saving refuses it as a key. */
const keyText = (key: unknown): string => (isContainer(key) ? "{…}" : String(key));

/**
 * How many places of a component may be looked at: parts that share parts can have more paths than could ever be gone through. As it is the
 * same for saving, whatever was saved can be read.
 */
export const mostPlaces = 1e6;

/** How long a path may be: through all components, or within one. */
const mostKeys = { through: 1000, within: 300 };

/**
 * What is held, in the order of the fields; what is held twice appears twice.
 * @param into whether to go on into components, and give the arrays that these hold; otherwise they are given themselves
 * @returns null if that is not enough, or parts are nested too deep
 */
export function holdings(component: Component, into: boolean, most = mostPlaces): Holding[] | null {
  const found: Holding[] = [];
  const isWhole = goThrough(component, into, most, (place) => {
    const { holder, key, value } = place;
    if (isTensor(value) || (!into && value instanceof Component)) found.push({ path: keysOf(place).map(keyText), holder, key, value });
  });
  return isWhole ? found : null;
}

/** Whether `holdings` would go through all, without keeping what it finds. */
export const canBeGoneThrough = (component: Component): boolean => goThrough(component, true, mostPlaces, () => {});

/** @returns whether that was all of it */
function goThrough(component: Component, into: boolean, most: number, visit: (place: Place) => void): boolean {
  const longest = into ? mostKeys.through : mostKeys.within;
  let left = most;
  for (const place of places(component, (value) => into && value instanceof Component)) {
    if (--left < 0 || place.depth > longest + 1) return false;
    visit(place);
  }
  return true;
}

/** Puts another value where something is held. */
export function replace({ holder, key }: Pick<Holding, "holder" | "key">, value: unknown): void {
  if (isMap(holder)) holder.set(key, value);
  else define(holder, key as string, value);
}

/** Sets a field of its own, whatever its name is. */
export function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

export function isReplaceable({ holder, key }: Pick<Holding, "holder" | "key">): boolean {
  if (isMap(holder)) return true;
  const property = Object.getOwnPropertyDescriptor(holder, key as string);
  return property === undefined ? Object.isExtensible(holder) : property.writable === true;
}

export const shapeOf = (value: Tensor): readonly number[] => (value instanceof Variable ? value.shape : [value.length]);

/** The kind of an array, as the structure in a file has it; of a typed array its type. */
export function kindOf(value: Tensor): string {
  if (!(value instanceof Variable)) return typedArrayName(value) as string;
  return value instanceof Parameter ? "parameter" : value instanceof State ? "state" : "variable";
}
