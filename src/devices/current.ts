/** Which device runs the steps. Devices are made when first used. */

import { DeviceError, UsageError, ValueError } from "../support/errors.ts";
import { checkArguments } from "../support/options.ts";
import { describe } from "../support/describe.ts";
import type { Device, ThreadReport } from "./device.ts";
import { ReferenceDevice } from "./reference/reference.ts";
import { threadsOf } from "./wasm/threads.ts";
import { WasmDevice } from "./wasm/wasm.ts";

export type DeviceName = "reference" | "wasm" | "native" | "webgpu";

/** Makes a device; one whose code is loaded first, by a dynamic import, or that has to be asked for, gives a promise. */
type Make = () => Device | Promise<Device>;

function makeWasm(): Device {
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
}

/** Bundlers that split code leave the device out of what a program loads first, and others put it into the bundle: then its name costs its size. */
async function makeWebGpu(): Promise<Device> {
  const { makeWebGpu } = await import("./webgpu/webgpu.ts");
  const device: Device = await makeWebGpu(() => active === device);
  return device;
}

/** Where the entry is that of Node, Deno and Bun, it gives another maker. */
function makeNative(): never {
  throw new DeviceError("The device native calls libraries of the machine, which only Node, Deno and Bun can do.", "missing");
}

const makers: Record<DeviceName, Make> = { reference: () => new ReferenceDevice(), wasm: makeWasm, native: makeNative, webgpu: makeWebGpu };

/** The devices that there are, and those that are on their way. */
const made = new Map<DeviceName, Device>();
const coming = new Map<DeviceName, Promise<Device>>();
let active: Device | null = null;

function keep(name: DeviceName, device: Device): Device {
  made.set(name, device);
  return device;
}

/** @param caller who got the name */
function checkName(name: DeviceName, caller: string): void {
  if (Object.hasOwn(makers, name)) return;
  throw new ValueError(`${caller} got ${describe(name)}: there is no such device. Choose one of ${Object.keys(makers).join(", ")}.`);
}

/** A device by name, made when first asked for, and anew where it has been lost. */
export function deviceByName(name: DeviceName): Device | Promise<Device> {
  checkName(name, "setDevice");
  const found = made.get(name);
  if (found !== undefined && !found.later?.failure) return found;
  const awaited = coming.get(name);
  if (awaited !== undefined) return awaited;
  const given = makers[name]();
  if (!(given instanceof Promise)) return keep(name, given);
  const device = given.then((device) => keep(name, device)).finally(() => coming.delete(name));
  coming.set(name, device);
  return device;
}

/** The device to begin with. What a bundler keeps of a program that chooses none has no other. */
let first = (): Device => made.get("wasm") ?? keep("wasm", makeWasm());

/** Makes a device and waits for it. */
type MakeNow = (isChosen: () => boolean) => Device;

/**
 * @internal Lets steps begin with another device than the usual one. `source` says where the name is from, `now` how one is made by who waits for it,
 * of those that `setDevice` gives later.
 */
export function standardDevice(name: DeviceName, source: string, now: Partial<Record<DeviceName, MakeNow>> = {}): void {
  checkName(name, source);
  first = () => {
    const make = now[name];
    if (make !== undefined && !made.has(name)) {
      const device = make(() => active === device);
      return keep(name, device);
    }
    const device = deviceByName(name);
    if (!(device instanceof Promise)) return device;
    device.catch(() => {}); // who chooses it is told
    throw new DeviceError(`${source} got ${name}, which has to be waited for. Write await setDevice("${name}") in the program.`, "cannot-wait");
  };
}

/** The device that steps run on: wasm unless another one is chosen. */
export function currentDevice(): Device {
  active ??= first();
  return active;
}

let busy: () => boolean = () => false;
/** Tells this room when a step is open, so that the device cannot change under it. */
export function guardDevice(isStepOpen: () => boolean): void { busy = isStepOpen; }

/** How often a device has been chosen. */
let choices = 0;

/**
 * Chooses the device for all steps from now on: "wasm" (float32 SIMD, the default), "reference" (float64, slow, exact), "native" (as wasm, with larger
 * matrix products by a BLAS of the machine, in Node, Deno and Bun), or "webgpu" (float32 on a GPU).
 * Parameters and inputs move over when they are next used. All but a GPU are in use at once; that is when the promise resolves, and until then steps
 * run on the device before. Of several calls the last one counts; where a device cannot be had, nothing changes. One that has been lost is made anew.
 * In Node, Deno and Bun, the environment may choose the first device, which the first step waits for: `FLIMSY_DEVICE=webgpu node program.js`.
 * @returns when the device is in use, and all that was on one that answers later has left it
 * @throws UsageError inside a step; ValueError for an unknown name; DeviceError where the device cannot work, which says what it needs.
 * @example
 * setDevice("reference");
 * div(1, input(3)).item() === 1 / 3; // true
 * setDevice("wasm");
 * div(1, input(3)).item() === Math.fround(1 / 3); // true
 */
export function setDevice(name: DeviceName): Promise<void> {
  checkArguments("setDevice", arguments, 1);
  checkIdle();
  const device = deviceByName(name);
  const choice = ++choices;
  return device instanceof Promise ? device.then((ready) => (choice === choices ? change(ready) : undefined)) : change(device);
}

/** Lets what lives on the device before leave it. */
function change(device: Device): Promise<void> {
  const before = active;
  active = device;
  const left = before === device || !before?.later ? Promise.resolve() : before.later.leave();
  left.catch(() => {}); // who does not wait for it is told by what is read
  return left;
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
  const { library } = device;
  if (device instanceof WasmDevice) return { ...threadsOf(device.team, count), ...(library && { library: library.name }) };
  return { count: 1, limit: 1, why: `The ${device.name} device shares no launch among threads.` };
}

function checkIdle(): void { if (busy()) throw new UsageError("setDevice was called inside grad or evaluate. Call it before the step."); }

/** @internal As `setDevice`, for a device made in a particular way. */
export function useDevice(device: Device): void {
  checkIdle();
  active = device;
}

/** @internal Lets a name stand for another device, which is made when the name is next asked for. */
export function renameDevice(name: DeviceName, make: Make): void {
  makers[name] = make;
  made.delete(name);
  coming.delete(name);
}

/** Every device that has been used so far. */
export const usedDevices = (): readonly Device[] => [...made.values()];
