/** The package as its users get it, for the tests that need it: the first of them builds it, in a folder that goes when all have ended. */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { build } from "../scripts/build.js";

declare module "vitest" {
  interface ProvidedContext { built: string }
}

/** Called once, before all tests. */
export default function setup({ provide }: TestProject): () => void {
  const folder = mkdtempSync(path.join(tmpdir(), "flimsy-built-"));
  provide("built", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}

/** The folder of what has been built. */
export async function built(): Promise<string> {
  const folder = inject("built");
  const [dist, ended] = [path.join(folder, "dist"), path.join(folder, "ended")];
  try {
    mkdirSync(path.join(folder, "begun"));
  } catch {
    while (!existsSync(ended)) await setTimeout(100);
    return dist;
  }
  try {
    await build(dist, { checked: false });
  } finally {
    writeFileSync(ended, ""); // where it has failed, what the others miss will tell
  }
  return dist;
}
