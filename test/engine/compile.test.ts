import { afterEach, expect, it, vi } from "vitest";
import type { Executable } from "../../src/devices/device.ts";
import { useDevice } from "../../src/devices/current.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import { evaluate, input, setDevice } from "../../src/index.ts";
import { argument } from "../../src/kernels/expression.ts";
import { kernelCount, kernelGeneration, map, MAX_KERNELS } from "../../src/kernels/kernel.ts";

afterEach(() => setDevice("wasm"));

/** The device that steps run on from now on: what it prepares is ready when it is said to be. */
function slowDevice() {
  const device = new WasmDevice();
  const made: (Executable & { ready?: boolean })[] = [];
  const prepare = device.prepare.bind(device);
  vi.spyOn(device, "prepare").mockImplementation((program) => {
    const executable: Executable & { ready?: boolean } = prepare(program);
    executable.isReady = () => executable.ready ?? false;
    made.push(executable);
    return executable;
  });
  const run = vi.spyOn(device, "run");
  useDevice(device);
  return { made, run };
}

it("runs the plan without fusion until the device has compiled the fused one", () => {
  const { made, run } = slowDevice();
  const x = input([1, 2, 3]);
  const ran = () => {
    expect(evaluate(() => x.mul(2).add(1).relu()).toArray()).toEqual([3, 5, 7]);
    return made.indexOf(run.mock.lastCall?.[0] as Executable);
  };
  // What a structure runs by from its first time on; after three times there is a second plan, which is not ready.
  expect([ran(), ran(), ran(), ran(), ran()]).toEqual([0, 0, 0, 0, 0]);
  expect(made.length).toBe(2);
  const released = vi.spyOn(made[0], "release");
  made[1].ready = true;
  expect([ran(), ran()]).toEqual([1, 1]);
  expect(released).toHaveBeenCalledOnce();
  expect(made.length).toBe(2);
});

it("runs the fused plan at once where the ids of the kernels of the one before have just been forgotten", () => {
  const { made, run } = slowDevice();
  const x = input([1, 2, 3]);
  const step = () => evaluate(() => x.mul(3).add(1).relu()).toArray();
  for (let i = 0; i < 3; i++) step();
  for (let i = 0; kernelCount() < MAX_KERNELS; i++) void map(1, argument(0).mul(i + 0.375)).id;
  const before = kernelGeneration();
  expect(step()).toEqual([4, 7, 10]);
  expect(kernelGeneration()).toBe(before + 1);
  expect(made.length).toBe(2);
  expect(run.mock.lastCall?.[0]).toBe(made[1]);
});
