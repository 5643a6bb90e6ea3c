/** What a step launches, counted as it runs: figures that do not depend on the machine. */

import { currentDevice } from "../src/devices/current.ts";
import type { Program } from "../src/devices/device.ts";
import { kernelById } from "../src/kernels/kernel.ts";

/** The number of launches of each kind in the last of `runs` runs of a step; after some runs it has its final plan. */
export function launchesOf(step: () => unknown, runs = 1): Partial<Record<string, number>> {
  const device = currentDevice();
  const { run } = device;
  let counts: Record<string, number> = {};
  device.run = (executable, ...rest) => {
    const { words } = (executable as unknown as { program: Program }).program;
    for (let at = 0; at < words.length; at += words[at + 1]) {
      const { kind } = kernelById(words[at]);
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return run.call(device, executable, ...rest);
  };
  try {
    for (let i = 0; i < runs; i++) {
      counts = {};
      step();
    }
  } finally {
    device.run = run;
  }
  return counts;
}
