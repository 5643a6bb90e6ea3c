/** What to do where a device has too little memory: it depends on what fills that. */

import { MemoryError } from "../errors.ts";
import type { DeviceMemory } from "./device.ts";

const remedies = {
  model: "Parameters with their gradients and what the optimizer remembers fill it, so smaller batches hardly help: make the model smaller, " +
    "or train it with an optimizer that remembers less (Adam keeps two arrays for each parameter, GradientDescent none).",
  inputs: "Inputs fill it: use fewer of them in one step.",
  work: "Use smaller batches or shorter sequences, or split the step.",
} as const;

/**
 * The error for memory that is not there.
 * @param bytes what was asked for, and `kind` for what
 * @param live what there is of each kind; what the running step does not use has left
 * @param limit the most that there can be, null where only the system knows
 */
export function outOfMemory(bytes: number, kind: keyof DeviceMemory, live: DeviceMemory, limit: number | null, cause?: unknown): MemoryError {
  const all = { ...live };
  all[kind] += bytes;
  const model = all.parameters + all.gradients + all.optimizer;
  const remedy = model >= all.arena && model >= all.inputs ? remedies.model : all.inputs > all.arena ? remedies.inputs : remedies.work;
  const parts = [
    [live.parameters, "parameters"], [live.gradients, "gradients"], [live.optimizer, "the optimizer's memory"], [live.inputs, "inputs"],
    [live.arena, "results of the step"],
  ] as const;
  const held = parts.filter(([size]) => size > 0).map(([size, name]) => `${formatBytes(size)} of ${name}`);
  return new MemoryError(
    `The step needs ${formatBytes(bytes)} more in one piece, but the ${limit === null ? "system gives no more" : `memory has at most ${formatBytes(limit)}, and the system may give less`}` +
      `${held.length === 0 ? "" : `; ${held.join(", ")} are in use`}. ${remedy}`,
    { cause },
  );
}

function formatBytes(bytes: number): string {
  return bytes >= 2 ** 30 ? `${Number((bytes / 2 ** 30).toFixed(2))} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
