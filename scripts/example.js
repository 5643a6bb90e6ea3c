/**
 * Runs an example from its sources:
 *
 *   npm run example                          lists them
 *   npm run example mnist                    runs examples/mnist.ts
 *   npm run example mnist -- --quick -c      with options; --help shows them
 */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { headOf } from "../examples/common.ts";
import { closest } from "../src/support/edit-distance.ts";

const folder = fileURLToPath(new URL("../examples/", import.meta.url));
/** Files that are programs; the others are what examples share. */
const isProgram = (/** @type {string} */ file) =>
  /^[^.].*\.ts$/.test(file) && /^await program\(import\.meta/m.test(readFileSync(path.join(folder, file), "utf8"));
const names = readdirSync(folder).filter(isProgram).map((file) => file.slice(0, -3)).sort();

const [name, ...options] = process.argv.slice(2);
/** Options without `--` before them go to npm, which says nothing and runs the example without them. */
const eaten = ["check", "quick", "seed"].filter((option) => process.env[`npm_config_${option}`] !== undefined && options.length === 0);
if (name === undefined || name === "--help" || name === "-h") {
  console.log(`npm run example <name> [-- --check --quick --seed n]\n\n${list()}`);
} else if (!names.includes(name)) {
  const near = nearest(name);
  console.error(`There is no example ${name}.${near === null ? "" : ` Did you mean ${near}?`} There are:\n\n${list()}`);
  process.exitCode = 2;
} else if (eaten.length > 0) {
  console.error(`npm took --${eaten[0]} for itself. Write: npm run example ${name} -- --${eaten[0]}`);
  process.exitCode = 2;
} else {
  const file = path.join(folder, `${name}.ts`);
  process.argv.splice(1, 2, file); // the example finds itself to be the program
  await import(pathToFileURL(file).href);
}

/** The names with the first sentence of what each example says of itself. */
function list() {
  const width = Math.max(...names.map((example) => example.length));
  return names.map((example) => {
    const [sentence] = headOf(readFileSync(path.join(folder, `${example}.ts`), "utf8")).split("\n\n");
    return `  ${example.padEnd(width)}   ${sentence.replaceAll("\n", " ")}`;
  }).join("\n");
}

/** The example whose name is the nearest one, or has this in it; null if none is. @param {string} wanted */
function nearest(wanted) {
  return closest(wanted, names)[0] ?? names.find((example) => example.includes(wanted) && wanted.length > 2) ?? null;
}
