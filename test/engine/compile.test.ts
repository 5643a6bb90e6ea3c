import { afterEach, expect, it, vi } from "vitest";
import type { Executable } from "../../src/devices/device.ts";
import { useDevice } from "../../src/devices/current.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import { evaluate, input, setDevice } from "../../src/index.ts";

afterEach(() => setDevice("wasm"));

it("runs the plan without fusion until the device has compiled the fused one", () => {
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
