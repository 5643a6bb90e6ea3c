/** What devices that answer later have in common: what stays there, and what they say where there is no answer. */

import { DeviceError } from "../support/errors.ts";
import type { Device, Later, NewArray, Region } from "./device.ts";
import type { Buffer } from "./residency.ts";

/** The error where numbers are asked for at once, and nobody can wait for them. */
export const cannotWait = (name: string): DeviceError =>
  new DeviceError(
    `The numbers are on the device ${name}, which cannot be waited for here. Write await x.read() after the step, or await ready(x) before ` +
      `what needs its numbers at once; or choose setDevice("wasm") for steps that look at numbers.`,
    "cannot-wait",
  );

/** Refuses what looks at numbers where nobody can wait for them, and has a sibling that can be awaited. */
export function checkCanWait({ name, later }: Device, caller: string, sibling: string): void {
  if (later?.canWait !== false) return;
  throw new DeviceError(`${caller} looks at numbers, but the device ${name} cannot be waited for here. Call await ${sibling}.`, "cannot-wait");
}

/** The error for what was on a device alone that has been lost. */
export const lost = (name: string, why: string): DeviceError =>
  new DeviceError(
    `The device ${name} has been lost: ${why}. What was on it alone is gone. Choose a device by await setDevice(…), restore a checkpoint, and go on.`, "lost",
    { device: name },
  );

/** What `keepCopy` does for a device. Where the last run has failed there are no values to copy. */
export function keepCopy<A extends NewArray>(device: Device, array: A, from: Region | Buffer, offset: number): A {
  const later = device.later as Later;
  const to = array.on(device);
  later.copy(from, offset, array.size, to);
  later.journal.result(to);
  return array;
}
