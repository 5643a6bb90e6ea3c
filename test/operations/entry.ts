/**
 * What the tests know of an operation: what it means, how to draw its arguments, and how exact a float32 device must be. The tables of these are in
 * table/, one for each file of src/operations/; suite.ts tests all of it on every device.
 */

import * as flimsy from "../../src/index.ts";
import { input, type Shape, type Variable } from "../../src/index.ts";
import { operations } from "../../src/engine/operation.ts";
import type { record } from "../../src/engine/recording.ts";
import { sizeOf } from "../../src/support/shape.ts";
import { type Domain, type Draw, Tensor } from "./draw.ts";
import { pointwise } from "./plain.ts";

/**
 * What an operation computes, in plain numbers: a closed form, or a loop over every index as in its definition. Arguments are those of the operation, with
 * `Tensor`s in the place of Variables. Nothing of src/ computes there, so that a wrong coefficient does not pass.
 */
type Meaning = (...args: never[]) => Tensor | Tensor[];

/** By one operand, in closed form. */
export type Slope = (...x: number[]) => number;

export interface Entry {
  readonly meaning: Meaning;
  /** Draws arguments: tensors, lists of tensors, and whatever else the function takes. */
  draw(draw: Draw): unknown[];
  /** As `draw`, where the derivative exists all around what is drawn; null where no gradient passes. By default the same. */
  readonly smooth?: ((draw: Draw) => unknown[]) | null;
  /** The function; by default the export of this name. */
  readonly f?: (...args: never[]) => Variable | Variable[];
  /**
   * The error allowed in float32, in units in the last place of the magnitude. By default 0: the result must be the exact
   * one rounded, as for everything that only moves numbers and for arithmetic that IEEE 754 rounds correctly.
   */
  readonly ulps?: number | ((...args: never[]) => number);
  /** What the rounding is relative to, given the arguments; by default the result itself. */
  readonly magnitude?: (...args: never[]) => Variable | Variable[];
  /**
   * Of an expression, the slope by each operand where finite differences cannot tell: at NaN, infinities, ties, kinks and extremes, as PyTorch has it, but
   * for what docs/operations.md says. It is tested with such numbers.
   */
  readonly slopes?: readonly Slope[];
  /** Where a NaN operand does not make the result NaN: what comes out instead, by operand, when the others are 1.5. */
  readonly nan?: readonly number[];
  /** Must run as in training. */
  readonly training?: true;
  /** The gradient is not meant to be the derivative of the value. */
  readonly gradientIsOther?: true;
}

/** An entry without what it means: how to draw for some operations that are alike. */
export type Drawing = Omit<Entry, "meaning">;

/** An entry of an elementwise operation has its slopes. */
export interface Elementwise extends Entry {
  readonly slopes: readonly Slope[];
}

// -- elementwise --------------------------------------------------------------------------------------

/** Operands that broadcast; now and then a plain number. */
export function operands(draw: Draw, ...each: readonly Domain[]): unknown[] {
  const shapes = draw.broadcastable(each.length);
  return each.map((domain, i) => (each.length > 1 && draw.oneIn(8) ? Math.fround(domain(draw.random)) : draw.tensor(shapes[i], domain)));
}

type NumberFunction = (...x: number[]) => number;

/** A function of one number, with its slope. */
export const unary = (meaning: NumberFunction, slope: Slope, domain: Domain, more: Partial<Entry> = {}): Elementwise =>
  ({ meaning: pointwise(meaning), slopes: [slope], draw: (draw) => operands(draw, domain), ...more });

/** A function of two numbers, with its slopes. */
export const binary = (meaning: NumberFunction, slopes: readonly [Slope, Slope], [a, b]: readonly [Domain, Domain], more: Partial<Entry> = {}): Elementwise =>
  ({ meaning: pointwise(meaning), slopes, draw: (draw) => operands(draw, a, b), ...more });

// -- drawing ------------------------------------------------------------------------------------------

/** One array and what else a function of it takes. */
export const ofArray = (rest: (draw: Draw, shape: Shape) => unknown[] = () => [], more: Partial<Drawing> = {}, minRank = 0): Drawing => {
  const drawn = (tensor: (draw: Draw, shape: Shape) => Tensor) => (draw: Draw): unknown[] => {
    const shape = draw.shape(minRank);
    return [tensor(draw, shape), ...rest(draw, shape)];
  };
  return { draw: drawn((draw, shape) => draw.tensor(shape)), ...more };
};

export const keepdims = (draw: Draw): boolean => draw.oneIn(2);

export const axesAndKeepdims = (draw: Draw, shape: Shape): unknown[] => [draw.axes(shape.length), keepdims(draw)];

export const sizeAlong = (x: Variable, axes: number | readonly number[] | undefined): number =>
  axes === undefined ? x.size : sizeOf([axes].flat().map((axis) => x.shape.at(axis) as number));

export const alongAxis = (draw: Draw, tensor: (shape: Shape) => Tensor): unknown[] => {
  const shape = draw.shape(1, 4, false);
  return [tensor(shape), draw.axis(shape.length)];
};

/** Rounding of a sum of n products: one for each product and each sum, relative to the products' sizes. */
export const products = { matmul: (a: Variable) => (a.shape.at(-1) as number) + 1, linear: (w: Variable) => w.shape[1] + 1 };

export const abs = (x: Variable | number): Variable => flimsy.abs(x);

/** Indices in any form: one, a list, or an array with a shape of its own. */
export function someIndices(draw: Draw, size: number, list = false): unknown {
  if (!list && draw.oneIn(4)) return draw.random.integer(0, size);
  const shape = list || draw.oneIn(2) ? [draw.integer(0, 9)] : draw.shape(0, 2);
  const indices = draw.indices(sizeOf(shape), size);
  if (shape.length === 1 && draw.oneIn(2)) return draw.oneIn(2) ? indices : Int32Array.from(indices);
  return new Tensor(shape, Float64Array.from(indices), false);
}

export const labelsFor = (draw: Draw, rows: Shape, classes: number): Tensor =>
  new Tensor(rows, Float64Array.from(draw.indices(sizeOf(rows), classes)), false);

/** The exponential of a difference has the difference's rounding, and there are n of them to add up. */
export const ofSoftmax = (x: Variable, axis = -1): number => 8 + (x.shape.at(axis) as number);

export const ofRows = (x: Variable): number => ofSoftmax(x);

/** An operation that has no function of its own among the exports. */
export function operation(name: string): Parameters<typeof record>[0] {
  const found = operations.get(name);
  if (found === undefined) throw new Error(`The registry has no operation ${name}.`);
  return found;
}

/** Reads the number of ulps of an entry. */
export const ulpsOf = (entry: Entry, args: readonly unknown[]): number =>
  typeof entry.ulps === "function" ? (entry.ulps as (...args: unknown[]) => number)(...args) : entry.ulps ?? 0;

/** For messages: what was drawn. */
export const describeArguments = (args: readonly unknown[]): string =>
  args.map((arg) => (arg instanceof Tensor ? String(arg) : Array.isArray(arg) ? `[${describeArguments(arg)}]` : JSON.stringify(arg))).join(", ");

export const asInput = (tensor: Tensor): Variable => input(tensor.values, tensor.shape);
