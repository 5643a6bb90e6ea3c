/** What a device that answers later says where there is no answer. */

import { DeviceError } from "../support/errors.ts";

/** The error where numbers are asked for at once, and nobody can wait for them. */
export const cannotWait = (name: string): DeviceError =>
  new DeviceError(
    `The numbers are on the device ${name}, which cannot be waited for here. Write await x.read() after the step, or await ready(x) before ` +
      `what needs its numbers at once; or choose setDevice("wasm") for steps that look at numbers.`,
    "cannot-wait",
  );

/** The error for what was on a device alone that has been lost. */
export const lost = (name: string, why: string): DeviceError =>
  new DeviceError(
    `The device ${name} has been lost: ${why}. What was on it alone is gone. Choose a device by await setDevice(…), restore a checkpoint, and go on.`, "lost",
  );
