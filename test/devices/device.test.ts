import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { deviceByName, useDevice } from "../../src/devices/current.ts";
import { isOnGpu } from "../device.ts";
import { type Device, type Policy, type Program, processorPolicy } from "../../src/devices/device.ts";
import { conv2d, grad, input, maxPool2d, MemoryError, mul, parameter, type Variable } from "../../src/index.ts";
import { DelayingDevice } from "./delaying.ts";

const made: DelayingDevice[] = [];
afterEach(() => useDevice(deviceByName("wasm") as Device));
afterAll(async () => { await Promise.all(made.map((device) => device.close())); });

/** Five steps with a convolution, and the programs that they made. */
function train(policy: Partial<Policy>): { values: number[]; programs: Program[] } {
  const device = new DelayingDevice({ delay: 0, policy });
  made.push(device);
  useDevice(device);
  const prepare = vi.spyOn(device, "prepare");
  const numbers = (count: number, scale: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(i * scale));
  const w = parameter([[[[0.1, -0.2], [0.3, 0.4]]], [[[0.5, 0.1], [-0.3, 0.2]]]]);
  const x = input(numbers(8 * 81, 0.37)).reshape([8, 1, 9, 9]);
  const k = input(numbers(20, 0.11));
  const step = (): Variable => grad(() => maxPool2d(conv2d(x, w), 2).tanh().sum().add(mul(k, k).exp().sum()));
  const losses = Array.from({ length: 6 }, () => step().item());
  return { values: [...losses, ...(w.grad as Variable).data], programs: prepare.mock.calls.map(([program]) => program) };
}

describe("what is the device's to say", () => {
  const standard = train({});
  const same = (values: readonly number[]): void => values.forEach((value, i) => { expect(value).toBeCloseTo(standard.values[i], 10); });

  it.skipIf(isOnGpu)("is the same for the devices that compute on it", () => {
    for (const name of ["wasm", "reference"] as const) expect((deviceByName(name) as Device).policy).toEqual(processorPolicy);
  });

  it.each([16, 64])("begins arrays at multiples of %s elements", (unit) => {
    const { values, programs } = train({ unit });
    same(values);
    for (const { arena, hosts } of programs) expect([arena, ...hosts].every((at) => at % unit === 0)).toBe(true);
    expect(standard.programs.some(({ hosts }) => hosts.some((at) => at % unit !== 0))).toBe(true);
  });

  it("treats some samples of a convolution at a time, in strands", () => {
    const { values, programs } = train({ chunkElements: 1, strandWork: 1, mostStrands: 3 });
    same(values);
    expect(Math.max(...programs.map(({ launches }) => launches))).toBeGreaterThan(Math.max(...standard.programs.map(({ launches }) => launches)));
    expect(new Set(programs.flatMap(({ strands }) => [...strands.slice(0, 1)]))).toEqual(new Set([3]));
    expect(standard.programs.every(({ strands }) => strands.length === 0)).toBe(true);
  });

  it("plans again with fusion, or does not", () => {
    const plans = (policy: Partial<Policy>): number => {
      const { values, programs } = train(policy);
      same(values);
      return programs.length;
    };
    const never = plans({ fuseAfter: Infinity });
    expect(plans({ maxFusedNodes: 0 })).toBe(never);
    expect(plans({ fuseAfter: 1 })).toBeGreaterThan(never);
    expect(standard.programs.length).toBeGreaterThan(never);
  });

  it("keeps inputs, or copies them at each step", () => {
    const { values, programs } = train({ residentSize: 1 });
    same(values);
    expect(programs.some(({ hosts }) => hosts.length === 0)).toBe(true);
    expect(train({ residentSize: Infinity }).programs.filter(({ hosts }) => hosts.length === 0).length)
      .toBeLessThan(programs.filter(({ hosts }) => hosts.length === 0).length);
  });

  it("refuses larger results", () => {
    expect(() => train({ maxElements: 100 })).toThrow(MemoryError);
    expect(() => train({ maxElements: 100 })).toThrow(/conv2d makes a result of shape \[8, 2, 8, 8\].*can have is 100\./);
  });
});
