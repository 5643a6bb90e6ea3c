/** The checks that components share: each names the component and the field. */

import { type Component, type Shape, ShapeError, ValueError, Variable } from "../index.ts";
import { checkArguments, checkOptions as checkNames } from "../support/options.ts";

const nameOf = (component: Component): string => component.constructor.name;

/** A value in a message. */
export function show(value: unknown): string {
  if (value instanceof Variable) return `a Variable [${value.shape.join(", ")}]`;
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : typeof value === "function" ? "a function" : String(value);
}

/**
 * Refuses arguments of a constructor besides its options, options that are no object, and names that are not among the known ones.
 * @returns the options
 */
export function checkOptions<T extends object>(component: Component, args: ArrayLike<unknown>, options: T, known: readonly string[]): T {
  checkArguments(nameOf(component), args, 1);
  return checkNames(nameOf(component), options, known);
}

/** A size: an integer, at least 1 unless told. */
export function checkSize(component: Component, field: string, size: number, least = 1): number {
  if (Number.isInteger(size) && size >= least) return size;
  throw new ValueError(`${nameOf(component)} takes an integer of at least ${least} as ${field}, but got ${show(size)}.`);
}

/** A list of sizes, or one size that stands for all of them. */
export function checkSizes(component: Component, field: string, sizes: number | readonly number[], count: number, least = 1): number[] {
  const list = typeof sizes === "number" ? new Array<number>(count).fill(sizes) : sizes;
  if (!Array.isArray(list) || list.length !== count) {
    throw new ValueError(`${nameOf(component)} takes a number or a list of ${count} numbers as ${field}, but got ${show(sizes)}.`);
  }
  return list.map((size) => checkSize(component, field, size, least));
}

/** A probability of dropping: from 0 to less than 1. */
export function checkDropout(component: Component, field: string, p: number): number {
  if (typeof p === "number" && p >= 0 && p < 1) return p;
  throw new ValueError(`${nameOf(component)} takes as ${field} the share that is dropped, from 0 to less than 1, but got ${show(p)}${p === 1 ? ": nothing would be left" : ""}.`);
}

/** A finite number. */
export function checkNumber(component: Component, field: string, value: number): void {
  if (!Number.isFinite(value)) throw new ValueError(`${nameOf(component)} takes a finite number as ${field}, but got ${show(value)}.`);
}

export function checkFlag(component: Component, field: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw new ValueError(`${nameOf(component)} takes true or false as ${field}, but got ${show(value)}.`);
}

/** Refuses what is no Variable. */
export function checkVariable(component: Component, field: string, x: Variable): void {
  if (!(x instanceof Variable)) throw new ValueError(`${nameOf(component)} takes a Variable as ${field}, but got ${show(x)}. Wrap arrays with input(…).`);
}

/** Refuses what is no Variable, or one whose last axis has another size. */
export function checkLast(component: Component, field: string, x: Variable, size: number): void {
  checkVariable(component, field, x);
  if (x.shape.length > 0 && x.shape[x.shape.length - 1] === size) return;
  throw new ShapeError(
    `${nameOf(component)} got ${field} of shape [${x.shape.join(", ")}], but its last axis must have size ${size}: [..., ${size}] for samples in rows, or [${size}] for one.`,
  );
}

/** Refuses a shape other than the expected one. */
export function checkShapeOf(component: Component, field: string, x: Variable, shape: Shape): void {
  checkVariable(component, field, x);
  if (x.shape.length === shape.length && shape.every((size, axis) => size === x.shape[axis])) return;
  throw new ShapeError(`${nameOf(component)} got ${field} of shape [${x.shape.join(", ")}], but it must be [${shape.join(", ")}].`);
}
