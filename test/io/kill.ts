/** Kills a process that saves, again and again, and looks at what it leaves. */

import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { ValueComponent } from "../../src/components/index.ts";
import type { Random } from "../../src/index.ts";
import { inspect, readTensors, restore, save } from "../../src/io/index.ts";
import type { TrainingState } from "../../src/train/training-state.ts";
import { bundled, start } from "./programs.ts";

export interface Kills {
  /** How many processes were killed. */
  kills: number;
  /** How many of them left a temporary, so were in the middle of a save. */
  interrupted: number;
}

/**
 * @param kills how many processes, two at a time
 * @param elements the size of what is saved
 * @throws Error for a file that cannot be read, or is not one of the versions whole, or a leftover that stays
 */
export async function killSaves(kills: number, elements: number, random: Random): Promise<Kills> {
  const found: Kills = { kills: 0, interrupted: 0 };
  const place = mkdtempSync(path.join(tmpdir(), "flimsy-kill-"));
  const program = await bundled(new URL("./kill-program.ts", import.meta.url), place);
  const worker = async (): Promise<void> => {
    const folder = mkdtempSync(path.join(place, "folder-"));
    const file = path.join(folder, "model.safetensors");
    save(file, new ValueComponent({ value: new Float32Array(elements) }), { metadata: { version: 0 } });
    while (found.kills < kills) {
      found.kills++;
      await killOne(program, random, file, String(elements));
      const leftovers = readdirSync(folder).filter((name) => name.endsWith(".tmp"));
      if (leftovers.length > 0) found.interrupted++;
      check(file, elements);
      for (const name of leftovers) utimesSync(path.join(folder, name), 0, 0); // from long ago: then nobody writes it any more
      save(file, new ValueComponent({ value: new Float32Array(elements) }), { metadata: { version: 0 } });
      const left = readdirSync(folder);
      if (left.length !== 1) throw new Error(`The next save has left ${left.join(", ")}.`);
    }
  };
  try {
    await Promise.all([worker(), worker()]);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
  return found;
}

/**
 * Kills a training again and again, each time resumed from what the last one left, and looks whether parameters and history agree.
 * @returns how many epochs came together
 * @throws Error where they do not
 */
export async function killTraining(kills: number, random: Random): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), "flimsy-kill-"));
  try {
    const program = await bundled(new URL("../train/killed.ts", import.meta.url), folder);
    const file = path.join(folder, "model.safetensors");
    let epochs = 0;
    for (let i = 0; i < kills; i++) {
      await killOne(program, random, file);
      const before = epochs;
      epochs = checkTraining(file);
      if (epochs < before) throw new Error(`There were ${before} epochs, and are ${epochs}.`);
    }
    return epochs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkTraining(file: string): number {
  const { metadata } = inspect(file);
  const { epoch, step, records } = metadata.fit as unknown as TrainingState;
  const epochs = Array.from({ length: records.count }, (_, i) => i + 1);
  const w = readTensors(file).get("w")?.item();
  const columns = new Map(records.columns.map(([name, values]) => [name, [...values].join()]));
  const agree = ["step", "metrics/seen", "validation/seen"].every((name) => (columns.get(name) ?? "") === epochs.join());
  if (w !== step || step !== epoch - 1 || records.count !== step || !agree) {
    throw new Error(`The parameter is ${w} at step ${step} of epoch ${epoch}, with ${records.count} epochs in the history.`);
  }
  return epochs.length;
}

async function killOne(program: string, random: Random, ...args: string[]): Promise<void> {
  const child = start(program, ...args);
  const exit = once(child, "exit");
  await Promise.race([once(child.stdout as NodeJS.ReadableStream, "data"), exit]);
  await wait(random.uniform(0, 60));
  child.kill("SIGKILL");
  const [, signal] = await exit;
  if (signal !== "SIGKILL") throw new Error(`The process ended by itself (${String(signal)}).`);
}

/** The file must be one of the versions, whole. */
function check(file: string, elements: number): void {
  const { component, metadata, step } = restore<ValueComponent>(file);
  const { version } = metadata as { version: number };
  const { data } = component.value;
  if (data.length !== elements || step !== version || !data.every((value) => value === version)) throw new Error(`Version ${version} is not whole.`);
}
