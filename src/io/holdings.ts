/** What a component holds in its fields: parameters, and what is remembered beside them. */

import { Component, Parameter, State, Variable } from "../index.ts";
import { isMap, isPlainObject } from "../support/arrays.ts";
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

/** Arrays, maps and plain objects are gone through, as `Component.namedParameters` does. */
export const isHolder = (value: unknown): value is object =>
  typeof value === "object" && value !== null && (Array.isArray(value) || isMap(value) || isPlainObject(value));

/** An object may have no text, or a very long one; saving refuses it as a key. */
const keyText = (key: unknown): string => (isHolder(key) ? "{…}" : String(key));

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
  const open = new Set<object>();
  const longest = into ? mostKeys.through : mostKeys.within;
  let left = most;
  const visit = (holder: object, path: readonly string[]): void => {
    if (path.length > longest) left = -1;
    open.add(holder);
    for (const [key, value] of isMap(holder) ? holder : Object.entries(holder)) {
      if (--left < 0) return;
      const isPart = value instanceof Component;
      if (isTensor(value) || (isPart && !into)) found.push({ path: [...path, keyText(key)], holder, key, value: value as Tensor | Component });
      else if ((isPart || isHolder(value)) && !open.has(value)) visit(value, [...path, keyText(key)]);
    }
    open.delete(holder);
  };
  visit(component, []);
  return left < 0 ? null : found;
}

/** Whether `holdings` would go through all, without keeping what it finds. */
export function canBeGoneThrough(component: Component): boolean {
  const open = new Set<object>();
  let left = mostPlaces;
  const visit = (holder: object): void => {
    open.add(holder);
    if (open.size > mostKeys.through) left = -1;
    for (const value of isMap(holder) ? holder.values() : Object.values(holder)) {
      if (--left < 0) return;
      if ((value instanceof Component || isHolder(value)) && !open.has(value)) visit(value);
    }
    open.delete(holder);
  };
  visit(component);
  return left >= 0;
}

/** The name of a path, as `namedParameters` has it. */
export const nameOfPath = (path: readonly string[]): string => path.reduce((name, key) => (name === "" ? key : `${name}.${key}`), "");

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
