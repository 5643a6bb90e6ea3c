/** How much memory lives, by kind. */

import { usedDevices } from "../devices/current.ts";
import type { DeviceMemory } from "../devices/device.ts";
import { checkArguments } from "../support/options.ts";

/** Live bytes by kind: of all devices that have been used. */
export type MemoryReport = Record<keyof DeviceMemory | "total", number>;

/**
 * Live bytes: `parameters`, their `gradients`, `optimizer` slots, `state` of components and `inputs` that are kept on a device;
 * the `arena` in which steps work, the cached `plans`, and what the engine has compiled for `kernels`, by estimate.
 * Memory of collected JavaScript objects is given back when the garbage collector says so, or when memory is short.
 * @example
 * const w = parameter(zeros([1000]));
 * grad(() => w.sum());
 * // Four bytes for each number
 * memory().gradients >= 4000; // true
 */
export function memory(): MemoryReport {
  checkArguments("memory", arguments, 0);
  const report: MemoryReport = { parameters: 0, gradients: 0, optimizer: 0, state: 0, inputs: 0, arena: 0, plans: 0, kernels: 0, total: 0 };
  for (const device of usedDevices()) {
    for (const [kind, bytes] of Object.entries(device.memory())) {
      report[kind as keyof MemoryReport] += bytes;
      report.total += bytes;
    }
  }
  return report;
}
