/** What the tests of components share: models computed in plain loops in float64, and ways to compare. */

import { expect } from "vitest";
import {
  type CheckOptions, type Component, checkGradients, evaluate, type NestedArray, type Parameter, Random, randn, setDevice, sum, type Variable,
} from "../../src/index.ts";

export type Vector = number[];
export type Matrix = number[][];

export const vector = (x: Variable): Vector => x.toArray() as Vector;
export const matrix = (x: Variable): Matrix => x.toArray() as Matrix;

export const σ = (x: number): number => 1 / (1 + Math.exp(-x));
export const dot = (a: Vector, b: Vector): number => a.reduce((total, value, i) => total + value * b[i], 0);
/** w·x */
export const times = (w: Matrix, x: Vector): Vector => w.map((row) => dot(row, x));
export const plus = (...parts: Vector[]): Vector => parts.reduce((a, b) => a.map((value, i) => value + b[i]));
export const mul = (a: Vector, b: Vector): Vector => a.map((value, i) => value * b[i]);
export const softmax = (x: Vector): Vector => {
  const e = x.map((value) => Math.exp(value - Math.max(...x)));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((value) => value / total);
};

/** Every parameter drawn at random, also those that begin at 0, so that none can be left out unnoticed. */
export function randomize<C extends Component>(component: C, seed = 1, scale = 0.5): C {
  const random = new Random(seed);
  for (const parameter of component.parameters()) parameter.assign(randn(parameter.shape, random).mul(scale));
  return component;
}

const flat = (x: NestedArray): number[] => (typeof x === "number" ? [x] : x.flatMap(flat));

/** Compares numbers within a tolerance, relative to 1 or their size. */
export function expectClose(found: NestedArray, expected: NestedArray, tolerance = 1e-5): void {
  const [a, b] = [flat(found), flat(expected)];
  expect(a.length).toBe(b.length);
  a.forEach((value, i) => {
    if (!(Math.abs(value - b[i]) <= tolerance * Math.max(1, Math.abs(b[i])))) expect.fail(`element ${i} is ${value}, expected ${b[i]}:\n${a}\n${b}`);
  });
}

/**
 * Compares what f computes with an independent value on both devices: float32 to 10⁻⁵, some ten roundings of 6·10⁻⁸ at
 * the sizes of these tests; float64 to 10⁻¹².
 */
export function expectValue(f: () => Variable, expected: NestedArray): void {
  const compare = (tolerance: number): void => {
    const found = evaluate(f);
    expectClose(found.toArray(), expected, tolerance);
  };
  compare(1e-5);
  setDevice("reference");
  try {
    compare(1e-12);
  } finally {
    setDevice("wasm");
  }
}

/** A number that depends on every element in a way of its own: what a test differentiates. */
export function probe(...results: readonly Variable[]): Variable {
  return results.map((x, i) => sum(x.mul(randn(x.shape, new Random(7 + i))))).reduce((a, b) => a.add(b));
}

/** Gradients of all parameters by central differences in float64, and those of the default device against the reference. */
export function expectGradients(f: () => Variable, component: Component | Map<string, Parameter>, options?: CheckOptions): void {
  expect(checkGradients(f, component, options).ok).toBe(true);
}

/** Samples [..., features] drawn at random. */
export const draw = (shape: readonly number[], seed = 3): Variable => randn(shape, new Random(seed));
