/**
 * Lets tests run on a device that answers later, in place of the standard one: `FLIMSY_DELAYED=wasm npx vitest run …`, or `reference`, which of the two is
 * behind the delaying device; or `webgpu`, on a GPU (`VK_DRIVER_FILES` chooses its driver; `FLIMSY_GPU_FORMS=gpu` has the forms of kernels that
 * are fast on a real one).
 * What goes wrong is told at the first read; so where a test expects that a function throws, something is read after it (`told`).
 */

import { chai, vi } from "vitest";
import { currentDevice, renameDevice } from "../src/devices/current.ts";
import type { Program } from "../src/devices/device.ts";
import type { Forms } from "../src/devices/webgpu/kinds.ts";
import { makeWebGpu, type WebGpuDevice } from "../src/devices/webgpu/webgpu.ts";
import { setDevice } from "../src/index.ts";
import { behind, isOnGpu, told } from "./device.ts";
import { DelayingDevice } from "./devices/delaying.ts";

/** Files that share a process share it. */
const shared = globalThis as { flimsyTestDevice?: WebGpuDevice };
if (isOnGpu) {
  shared.flimsyTestDevice ??= await makeWebGpu(() => currentDevice() === shared.flimsyTestDevice, undefined, process.env.FLIMSY_GPU_FORMS as Forms | undefined);
  const gpu = shared.flimsyTestDevice;
  const { prepare } = gpu;
  // A plan that has not been compiled is waited for, so that what tests count does not depend on time.
  Object.assign(gpu, { name: "wasm", prepare: (program: Program) => Object.assign(prepare.call(gpu, program), { isReady: undefined }) });
  renameDevice("wasm", () => gpu);
} else {
  const inner = behind === "reference" ? "reference" : "wasm";
  renameDevice("wasm", () => new DelayingDevice({ name: "wasm", inner, delay: Number(process.env.FLIMSY_DELAY ?? 0.02) }));
}
setDevice("wasm");
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

for (const name of ["toThrow", "toThrowError"]) {
  chai.Assertion.overwriteMethod(name, (original: (...args: unknown[]) => unknown) => function (this: { _obj: unknown }, ...args: unknown[]) {
    const f = this._obj;
    if (typeof f === "function") this._obj = () => told(f as () => unknown);
    return original.apply(this, args);
  });
}
