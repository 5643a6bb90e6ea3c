/**
 * What the tests of operations share: drawing arguments, running on every device, and comparing.
 *
 * Everything that is drawn follows from one seed, so that a failure comes again. `FLIMSY_SEED=7 npx vitest run …` draws
 * something else, and `FLIMSY_RUNS=20` draws twenty times as much.
 */

import fc from "fast-check";
import { beforeAll, describe, expect } from "vitest";
import * as flimsy from "../../src/index.ts";
import { evaluate, grad, gradients, input, type NestedArray, parameter, type Shape, type Variable } from "../../src/index.ts";
import { currentDevice, useDevice } from "../../src/devices/current.ts";
import type { Device } from "../../src/devices/device.ts";
import { ReferenceDevice } from "../../src/devices/reference/reference.ts";
import { hasRelaxedSimd } from "../../src/devices/wasm/kernels.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import { sizeOf } from "../../src/support/shape.ts";
import { isNative, isOnGpu } from "../device.ts";
import { Draw, Tensor } from "./draw.ts";
import type { Entry } from "./entry.ts";

// -- devices ------------------------------------------------------------------------------------------

export const reference: Device = new ReferenceDevice();

/**
 * The devices that are tested against the reference, by name. The fused path is there where the engine has relaxed SIMD. Where tests run on a GPU, or with
 * BLAS, that alone is tested.
 */
export const fastDevices: readonly [string, Device][] = isOnGpu || isNative ? [[isNative ? "native" : "webgpu", currentDevice()]] : [
  ["wasm, plain SIMD", new WasmDevice({ fused: false })],
  ...(hasRelaxedSimd() ? [["wasm, fused", new WasmDevice({ fused: true })] as [string, Device]] : []),
];

export const devices: readonly [string, Device][] = [["reference", reference], ...fastDevices];

/** The result of `f`, run on a device. */
export function on<T>(device: Device, f: () => T): T {
  useDevice(device);
  return f();
}

// -- properties ---------------------------------------------------------------------------------------

const seed = Number(process.env.FLIMSY_SEED ?? 2015);
const effort = Number(process.env.FLIMSY_RUNS ?? 1);

/** Checks `body` for many draws. */
export function forAll(runs: number, limit: number, body: (draw: Draw) => void): void {
  fc.assert(fc.property(fc.gen(), (g) => body(new Draw(g, limit))), { seed, numRuns: Math.ceil(runs * effort) });
}

// -- applying an operation ----------------------------------------------------------------------------

type AnyFunction = (...args: unknown[]) => Variable | Variable[];

/** The function that an entry is about. */
export function functionOf(name: string, entry: Entry): AnyFunction {
  return (entry.f ?? (flimsy as unknown as Record<string, unknown>)[name]) as AnyFunction;
}

/** The tensors among some arguments, also those in lists. */
export function tensorsIn(args: readonly unknown[]): Tensor[] {
  return args.flatMap((arg) => (arg instanceof Tensor ? [arg] : Array.isArray(arg) ? tensorsIn(arg) : []));
}

/** The arguments with variables in the place of tensors. */
export function withVariables(args: readonly unknown[], variables: ReadonlyMap<Tensor, Variable>): unknown[] {
  return args.map((arg) => (arg instanceof Tensor ? variables.get(arg) : Array.isArray(arg) ? withVariables(arg, variables) : arg));
}

const listOf = (result: Variable | Variable[]): Variable[] => (Array.isArray(result) ? result : [result]);

/** How an operation gets an argument: from the host, from device memory, or as what the same step has computed. */
export const ways = ["input", "parameter", "computed", "view"] as const;
export type Way = (typeof ways)[number];

function deliver(tensor: Tensor, way: Way): () => Variable {
  const { shape, values } = tensor;
  if (way === "view") {
    // At an odd place, among numbers that must not matter.
    const margin = 1 + (values.length % 3);
    const wide = new Float64Array(values.length + 2 * margin + 3).fill(NaN);
    wide.set(values, margin);
    const around = input(wide);
    return () => flimsy.reshape(flimsy.slice(flimsy.mul(around, 1), [margin, margin + values.length]), shape);
  }
  const variable = way === "parameter" ? parameter(values, shape) : input(values, shape);
  return way === "computed" ? () => flimsy.mul(variable, 1) : () => variable;
}

/** What an operation gives on a device, in a step that trains or in one that does not. The arguments must survive. */
export function valuesOn(device: Device, f: AnyFunction, args: readonly unknown[], way: Way = "input", training = false): Result[] {
  return on(device, () => {
    const tensors = tensorsIn(args);
    const delivered = tensors.map((tensor) => deliver(tensor, way));
    const anchor = parameter(1);
    const body = (): { results: Variable[]; kept: Variable[]; loss: Variable } => {
      const kept = delivered.map((variable) => variable());
      const variables = new Map(tensors.map((tensor, i) => [tensor, kept[i]]));
      return { results: listOf(f(...withVariables(args, variables))), kept, loss: flimsy.mul(anchor, 1) };
    };
    const { results, kept } = training ? grad(body) : evaluate(body);
    tensors.forEach((tensor, i) => { expect(Array.from(kept[i].data)).toEqual(Array.from(tensor.values)); });
    return results.map(({ shape, data }) => ({ shape, data: Float64Array.from(data) }));
  });
}

export interface Result {
  readonly shape: Shape;
  readonly data: Float64Array;
}

// -- gradients ----------------------------------------------------------------------------------------

/** Σ cotangents · results: any combination of the results as one number. */
function combine(results: readonly Variable[], cotangents: readonly Variable[]): Variable {
  return results.reduce((total, result, i) => flimsy.add(total, flimsy.sum(flimsy.mul(result, cotangents[i]))), flimsy.zeros([]));
}

/** A function of tensors, of which gradients are taken. */
export interface Differentiable {
  readonly f: AnyFunction;
  readonly args: readonly unknown[];
  /** By which of the tensors. */
  readonly by: readonly Tensor[];
  /** One for each result. */
  readonly cotangents: readonly Tensor[];
}

/** The numbers of some tensors, in the order of `by` and then of the cotangents. */
type Point = readonly Float64Array[];

function variablesAt(d: Differentiable, point: Point): { variables: Map<Tensor, Variable>; by: Variable[]; cotangents: Variable[] } {
  const variables = new Map<Tensor, Variable>(tensorsIn(d.args).map((tensor) => [tensor, input(tensor.values, tensor.shape)]));
  [...d.by, ...d.cotangents].forEach((tensor, i) => { variables.set(tensor, input(point[i], tensor.shape)); });
  const of = (tensors: readonly Tensor[]): Variable[] => tensors.map((tensor) => variables.get(tensor) as Variable);
  return { variables, by: of(d.by), cotangents: of(d.cotangents) };
}

/** Where the tensors are. */
export const origin = (d: Differentiable): Float64Array[] => [...d.by, ...d.cotangents].map((tensor) => tensor.values);

/** Σ cotangents · f, as a number. */
export function combinedAt(d: Differentiable, point: Point): number {
  const { variables, cotangents } = variablesAt(d, point);
  return inTraining(() => [combine(listOf(d.f(...withVariables(d.args, variables))), cotangents)])[0].item();
}

/** What `f` gives in a step that trains, where dropout acts. */
function inTraining(f: () => Variable[]): Variable[] {
  const anchor = parameter(1);
  return grad(() => ({ results: f(), loss: flimsy.mul(anchor, 1) })).results;
}

/** The gradients by the tensors: the vector–Jacobian product with the cotangents. */
export function gradientsAt(d: Differentiable, point: Point): Float64Array[] {
  const { variables, by, cotangents } = variablesAt(d, point);
  const found = inTraining(() => gradients(() => combine(listOf(d.f(...withVariables(d.args, variables))), cotangents), by));
  return found.map((gradient, i) => {
    expect(gradient.shape).toEqual(d.by[i].shape);
    return Float64Array.from(gradient.data);
  });
}

/** The gradients, by tensors and cotangents, of Σ directions · gradients. */
export function secondGradientsAt(d: Differentiable, point: Point, directions: readonly Float64Array[]): Float64Array[] {
  const { variables, by, cotangents } = variablesAt(d, point);
  const along = d.by.map((tensor, i) => input(directions[i], tensor.shape));
  const found = inTraining(() => gradients(
    () => combine(gradients(() => combine(listOf(d.f(...withVariables(d.args, variables))), cotangents), by), along),
    [...by, ...cotangents],
  ));
  return found.map((gradient) => Float64Array.from(gradient.data));
}

/** The directional derivative of a function of a point by central differences; in float64 the error is some 10⁻⁹. */
export function centralDifference(f: (point: Point) => number, point: Point, direction: Point): number {
  const h = 6e-6;
  const at = (step: number): number => f(point.map((values, i) => values.map((value, j) => value + step * direction[i][j])));
  return (at(h) - at(-h)) / (2 * h);
}

export const innerProduct = (a: Point, b: Point): number =>
  a.reduce((total, values, i) => total + values.reduce((sum, value, j) => sum + value * b[i][j], 0), 0);

// -- comparing ----------------------------------------------------------------------------------------

/** One unit in the last place of a float32 number is at most so much of it. */
export const ulp = 2 ** -23;

/**
 * How a device rounds: to which number, one unit in the last place of 1, and the smallest number, which is the rounding of denormals. GPUs may flush
 * denormals to 0, also where nothing else is rounded.
 */
export interface Precision {
  readonly round: (x: number) => number;
  readonly unit: number;
  readonly least: number;
  readonly flushes: boolean;
}
const single: Precision = { round: Math.fround, unit: ulp, least: isOnGpu ? 2 ** -126 : 2 ** -149, flushes: isOnGpu };
const double: Precision = { round: (x) => x, unit: 2 ** -52, least: 2 ** -1074, flushes: false };
export const precisionOf = (device: Device): Precision => (device === reference ? double : single);

/**
 * Fails unless each element is within `ulps` units in the last place of `magnitude` of what is expected; with 0 ulps it
 * must be the expected number rounded to float32. NaN must be NaN, and what overflows in float32 infinite. Likewise for float64.
 */
export function expectClose(
  found: ArrayLike<number>, expected: ArrayLike<number>, ulps: number, magnitude: (i: number) => number = (i) => expected[i], about = "",
  { round, unit, least, flushes }: Precision = single,
): void {
  expect(found.length, about).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const rounded = round(expected[i]);
    if (found[i] === rounded || (Number.isNaN(found[i]) && Number.isNaN(rounded))) continue;
    const allowed = ulps * unit * Math.abs(magnitude(i)) + (ulps === 0 && !flushes ? 0 : least);
    if (Math.abs(found[i] - expected[i]) <= allowed) continue;
    throw new Error(`${about} element ${i} of ${expected.length}: ${found[i]}, but expected ${expected[i]} (rounded ${rounded}) ± ${allowed}`);
  }
}

/** Fails unless two gradients of a device and of the reference agree, relative to the largest entry but at least 1. */
export function expectGradientClose(found: Float64Array, expected: Float64Array, ulps: number, about: string): void {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  expectClose(found, expected, ulps, () => largest, about);
}

/** The number of elements of some shapes together. */
export const totalSize = (tensors: readonly { readonly shape: Shape }[]): number => tensors.reduce((total, { shape }) => total + sizeOf(shape), 0);

// -- known answers ------------------------------------------------------------------------------------

/** The same tests on every device. */
export function describeOnEach(title: string, body: () => void): void {
  describe.each(devices)(`${title}, on %s`, (_, device) => {
    beforeAll(() => useDevice(device));
    body();
  });
}

/** Fails unless the values agree to six digits, or exactly where they are not finite. */
export function expectNear(found: Variable, expected: NestedArray): void {
  const { shape, values } = flat(expected);
  expect(found.shape).toEqual(shape);
  expectClose(found.data, values, 8, (i) => Math.max(1e-6, Math.abs(values[i])));
}

function flat(nested: NestedArray): { shape: number[]; values: number[] } {
  if (typeof nested === "number") return { shape: [], values: [nested] };
  const parts = nested.map(flat);
  return { shape: [nested.length, ...(parts[0]?.shape ?? [])], values: parts.flatMap(({ values }) => values) };
}

/** Every index into a shape, in row-major order. */
export function indicesOf(shape: Shape): number[][] {
  return shape.reduce<number[][]>((before, size) => before.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])), [[]]);
}

/** The numbers 0, 1, 2, … in a shape. */
export const counting = (...shape: number[]): Variable => flimsy.reshape(flimsy.arange(sizeOf(shape)), shape);

/** The gradient of the sum of a function, or of a combination of its elements. */
export function gradientOf(f: (x: Variable) => Variable, x: Variable, cotangent: NestedArray | null = null): NestedArray {
  const [gradient] = gradients(() => {
    const y = f(x);
    return flimsy.sum(cotangent === null ? y : flimsy.mul(y, input(cotangent)));
  }, [x]);
  return gradient.toArray();
}
