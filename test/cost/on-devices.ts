/** What the tests of costs share. */

import { afterEach, describe, expect } from "vitest";
import { checkGradients, type DeviceName, grad, type Parameter, setDevice, type Variable } from "../../src/index.ts";

/** Runs tests on each device; `tolerance` is relative, for results of at most a hundred roundings. */
export function onDevices(name: string, body: (close: (found: number, expected: number) => void, device: DeviceName) => void): void {
  describe.each([["wasm", 2e-5], ["reference", 1e-12]] as const)(`${name} on %s`, (device, tolerance) => {
    afterEach(() => setDevice("wasm"));
    body((found, expected) => {
      if (!(Math.abs(found - expected) <= tolerance * Math.max(1, Math.abs(expected)))) expect(found).toBe(expected);
    }, device);
  });
}

/** Number by number, of a Variable or nested lists. */
export function closeAll(close: (found: number, expected: number) => void, found: Variable | readonly number[], expected: readonly unknown[]): void {
  const [values, others] = [[...(Array.isArray(found) ? found as number[] : (found as Variable).data)], expected.flat(9) as number[]];
  expect(values.length).toBe(others.length);
  values.forEach((value, i) => { close(value, others[i]); });
}

export function check(f: () => Variable, parameters: Record<string, Parameter>): void {
  checkGradients(f, new Map(Object.entries(parameters)));
}

/** The gradient of one parameter. */
export function gradientOf(f: () => Variable, w: Parameter): number[] {
  w.clearGrad();
  grad(f);
  return [...(w.grad as Variable).data];
}

/** Rows as nested arrays, any number of axes deep. */
export function nested(values: ArrayLike<number>, shape: readonly number[]): never {
  const build = (axis: number, offset: number): unknown => axis === shape.length
    ? values[offset]
    : Array.from({ length: shape[axis] }, (_, i) => build(axis + 1, offset + i * shape.slice(axis + 1).reduce((a, b) => a * b, 1)));
  return build(0, 0) as never;
}
