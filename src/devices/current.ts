/** Which device runs the steps. Devices are made when first used. */

import { DeviceError, UsageError, ValueError } from "../support/errors.ts";
import { checkArguments } from "../support/options.ts";
import { describe } from "../support/describe.ts";
import type { Device, ThreadReport } from "./device.ts";
import { ReferenceDevice } from "./reference/reference.ts";
import { threadsOf } from "./wasm/threads.ts";
import { WasmDevice } from "./wasm/wasm.ts";

export type DeviceName = "reference" | "wasm";

const made = new Map<DeviceName, Device>();
let active: Device | null = null;

function device(name: DeviceName, make: () => Device): Device {
  let found = made.get(name);
  if (found === undefined) {
    found = make();
    made.set(name, found);
  }
  return found;
}

/** The device that is used unless another one is chosen. What a bundler keeps of a program that chooses none has no other. */
const standard = (): Device => device("wasm", () => {
  try {
    return new WasmDevice();
  } catch (error) {
    throw new DeviceError(
      `WebAssembly does not work here (${error}). A Content-Security-Policy needs script-src 'wasm-unsafe-eval' for it; ` +
        `setDevice("reference") does without, slowly.`,
      "missing",
      { cause: error },
    );
  }
});

/** A device by name, made when first asked for. */
export function deviceByName(name: DeviceName): Device {
  if (name === "wasm") return standard();
  if (name === "reference") return device(name, () => new ReferenceDevice());
  throw new ValueError(`There is no device ${describe(name)}; choose one of reference, wasm.`);
}

/** The device that steps run on. */
export function currentDevice(): Device {
  active ??= standard();
  return active;
}

let busy: () => boolean = () => false;
/** Tells this room when a step is open, so that the device cannot change under it. */
export function guardDevice(isStepOpen: () => boolean): void { busy = isStepOpen; }

/**
 * Chooses the device for all steps from now on: "wasm" (float32 SIMD, the default) or "reference" (float64, slow, exact).
 * Parameters and inputs move over when they are next used.
 * @returns when all that was on a device that answers later has left it; these two are in use at once
 * @throws UsageError inside a step; ValueError for an unknown name; DeviceError where the device cannot work.
 * @example
 * setDevice("reference");
 * div(1, input(3)).item() === 1 / 3; // true
 * setDevice("wasm");
 * div(1, input(3)).item() === Math.fround(1 / 3); // true
 */
export function setDevice(name: DeviceName): Promise<void> {
  checkArguments("setDevice", arguments, 1);
  const before = active;
  useDevice(deviceByName(name));
  return before?.later?.leave() ?? Promise.resolve();
}

/**
 * How many threads compute, and why not more. With a number: how many there may be from now on, the caller's thread among them.
 *
 * Large launches are shared among threads, as many as the machine has cores and at most four if nothing is said. They start with the
 * first launch that is large enough, in the background. Results are the same, to the bit, for every number of threads.
 * Browsers give threads memory to share only on pages that are cross-origin isolated.
 * @throws ValueError unless the number is an integer from 1 to 64.
 * @example
 * threads(1).count; // 1
 * threads(4).limit <= 4; // true
 */
export function threads(count?: number): ThreadReport {
  checkArguments("threads", arguments, 1);
  const device = currentDevice();
  if (device instanceof WasmDevice) return threadsOf(device.team, count);
  return { count: 1, limit: 1, why: "The reference device computes on the caller's thread alone." };
}

/** @internal As `setDevice`, for a device made in a particular way. */
export function useDevice(device: Device): void {
  if (busy()) throw new UsageError("setDevice was called inside grad or evaluate. Call it before the step.");
  active = device;
}

/** @internal Lets a name stand for another device. */
export function renameDevice(name: DeviceName, device: Device): void { made.set(name, device); }

/** Every device that has been used so far. */
export const usedDevices = (): readonly Device[] => [...made.values()];
