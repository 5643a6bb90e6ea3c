/** Devices on a GPU for tests. */

import { currentDevice } from "../../../src/devices/current.ts";
import type { Thread } from "../../../src/devices/webgpu/connect.ts";
import type { Forms } from "../../../src/devices/webgpu/kinds.ts";
import { makeWebGpu, type WebGpuDevice } from "../../../src/devices/webgpu/webgpu.ts";

/** A device of its own, whose engine runs in a thread; `forms` says which forms of kernels it uses. */
export async function onGpu(thread: Thread, forms?: Forms): Promise<WebGpuDevice> {
  const device: WebGpuDevice = await makeWebGpu(() => currentDevice() === device, thread, forms);
  return device;
}
