/** What to do where a device has too little memory: it depends on what fills that. */

import { MemoryError } from "../support/errors.ts";
import type { DeviceMemory } from "./device.ts";

/**
 * The error for memory that is not there.
 * @param bytes what was asked for, and `kind` for what
 * @param live what there is of each kind; what the running step does not use has left
 * @param limit the most that there can be, null where only the system knows
 */
export function outOfMemory(bytes: number, kind: keyof DeviceMemory, live: DeviceMemory, limit: number | null, cause?: unknown): MemoryError {
  const wanted = { ...live, [kind]: live[kind] + bytes };
  const model = wanted.parameters + wanted.gradients + wanted.optimizer + wanted.state;
  const remedy = model >= Math.max(wanted.arena, wanted.inputs)
    ? "Smaller batches hardly help: make the model smaller, or train it with an optimizer that remembers less"
    : wanted.inputs > wanted.arena ? "Use fewer inputs in one step" : "Use smaller batches or shorter sequences, or split the step";
  const used = Object.entries(live).filter(([, size]) => size > 0).map(([name, size]) => `${name} ${formatBytes(size)}`).join(", ");
  return new MemoryError(
    `The step needs ${formatBytes(bytes)} more in one piece, but ${limit === null ? "" : `there are at most ${formatBytes(limit)}, or `}the ` +
    "system gives no more. " +
      `In use: ${used || "nothing"}. ${remedy}.`,
    { cause },
  );
}

export function formatBytes(bytes: number): string {
  return bytes >= 2 ** 30 ? `${Number((bytes / 2 ** 30).toFixed(2))} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
