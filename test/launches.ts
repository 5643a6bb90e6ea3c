/** What a step launches, and what memory it works in, counted as it runs: figures that do not depend on the machine. */

import { currentDevice } from "../src/devices/current.ts";
import type { Program } from "../src/devices/device.ts";
import { kernelById } from "../src/kernels/kernel.ts";

/** The number of launches of each kind in the last of `runs` runs of a step; after some runs it has its final plan. */
export function launchesOf(step: () => unknown, runs = 1): Partial<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { words } of programsOf(step, runs)) {
    for (let at = 0; at < words.length; at += words[at + 1]) {
      const { kind } = kernelById(words[at]);
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
  }
  return counts;
}

/** How many numbers the memory holds in which the last run of a step works. */
export function arenaOf(step: () => unknown, runs = 1): number {
  return programsOf(step, runs).reduce((sum, { arena }) => sum + arena, 0);
}

/** The programs of the last run of a step. */
function programsOf(step: () => unknown, runs: number): Program[] {
  const device = currentDevice();
  const { run } = device;
  let found: Program[] = [];
  device.run = (executable, ...rest) => {
    found.push((executable as unknown as { program: Program }).program);
    return run.call(device, executable, ...rest);
  };
  try {
    for (let i = 0; i < runs; i++) {
      found = [];
      step();
    }
  } finally {
    device.run = run;
  }
  return found;
}
