/** What package.json says of the package. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of the package. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** @typedef {{ "flimsy-source"?: string | { node: string, default: string }, types?: string, node?: string, default: string }} Target */
/** @type {{ name: string, exports: Record<string, string | Target> }} */
const { name, exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** The name of a file of dist/, without .js. @param {string} file */
const outputOf = (file) => /^\.\/dist\/(.+)\.js$/.exec(file)?.[1];

const targets = Object.entries(exports).flatMap(([subpath, target]) => {
  if (typeof target === "string") return []; // a plain file, such as package.json itself
  const { "flimsy-source": source, types, node, default: file } = target;
  const sources = typeof source === "string" ? { node: undefined, default: source } : source;
  const [output, nodeOutput] = [outputOf(file), node && outputOf(node)];
  if (output === undefined || sources === undefined || types !== `./dist/${output}.d.ts` || (sources.node === undefined) !== (nodeOutput === undefined)) {
    throw new Error(`package.json: the export "${subpath}" needs "flimsy-source", and "types" and "default" in ./dist, and "node" in both or none.`);
  }
  return [{ specifier: name + subpath.slice(1), source: sources.default, output, nodeSource: sources.node, nodeOutput }];
});

/** Each module that can be imported: under which name, from which source, as which file of dist/ (without .js). */
export const entries = targets.map(({ specifier, source, output }) => ({ specifier, source, output }));

/** What such a module is in Node, Deno and Bun, where that is another one. */
export const nodeEntries = targets.flatMap(({ nodeSource: source, nodeOutput: output }) => (source && output ? [{ source, output }] : []));
