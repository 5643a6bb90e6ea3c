/** How the native device is made. */

import { openBlas } from "./blas.ts";
import { checkBlas } from "./check.ts";
import { NativeDevice } from "./native.ts";

/**
 * The native device of this machine.
 * @throws DeviceError where there is none, or its library is wrong, which says what to do
 */
export function makeNative(): NativeDevice {
  const device = new NativeDevice(openBlas());
  checkBlas(device);
  return device;
}
