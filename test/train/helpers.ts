/** What tests of trainings need. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach } from "vitest";

export { begin, beginStream, samples, values } from "./small-training.ts";

/** What a rejected promise was rejected with. */
export async function failure(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error("It was not rejected.");
}

/** A folder for each test. */
export function folders(): (name: string) => string {
  let folder: string | null = null;
  afterEach(() => {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
    folder = null;
  });
  return (name) => {
    folder ??= mkdtempSync(path.join(tmpdir(), "flimsy-train-"));
    return path.join(folder, name);
  };
}
