/** What package.json says of the package. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of the package. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** @type {{ name: string, exports: Record<string, string | Record<string, string>> }} */
const { name, exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** Each module that can be imported: under which name, from which source, as which file of dist/ (without .js). */
export const entries = Object.entries(exports).flatMap(([subpath, target]) => {
  if (typeof target === "string") return []; // a plain file, such as package.json itself
  const specifier = name + subpath.slice(1);
  const output = /^\.\/dist\/(.+)\.js$/.exec(target.default)?.[1];
  if (output === undefined || target["flimsy-source"] === undefined || target.types !== `./dist/${output}.d.ts`) {
    throw new Error(`package.json: the export "${subpath}" needs "flimsy-source", and "types" and "default" in ./dist.`);
  }
  return [{ specifier, source: target["flimsy-source"], output }];
});
