/** Programs of TypeScript, each run in a process of its own, as a user's would be. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

/** Bundles a program into a folder, so that it starts fast. */
export async function bundled(program: URL, folder: string): Promise<string> {
  const source = fileURLToPath(program);
  const outfile = path.join(folder, `${path.basename(source, ".ts")}.mjs`);
  await esbuild.build({
    entryPoints: [source], outfile, bundle: true, format: "esm", platform: "node", conditions: ["flimsy-source"], packages: "bundle", logLevel: "error",
  });
  return outfile;
}

/** What it prints. */
export const output = (program: string, ...args: string[]): string =>
  execFileSync(process.execPath, [program, ...args], { encoding: "utf8", timeout: 60_000 }).trim();

export const start = (program: string, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
