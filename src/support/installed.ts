/** Packages that users install for a part of the library, in Node and its like. */

import { ownFile } from "./errors.ts";
import type { PackageHost } from "./platform.ts";

/** The path of an installed package, as this library finds it or as the program does; null where it is not installed, or packages have no paths. */
export function installed(name: string): string | null {
  const { process } = globalThis as PackageHost;
  const nodeModule = process?.getBuiltinModule?.("node:module");
  if (process === undefined || nodeModule === undefined) return null;
  for (const from of [ownFile(), process.argv[1], `${process.cwd()}/`]) {
    if (!from) continue;
    try {
      return nodeModule.createRequire(from).resolve(name);
    } catch {
      // perhaps from there
    }
  }
  return null;
}
