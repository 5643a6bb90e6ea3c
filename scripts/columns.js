/**
 * Names each line of the code that has more than 160 columns, and fails if there is one: Biome, whose formatter is off here, has no rule for it.
 *
 *   node scripts/columns.js
 */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./package.js";

const most = 160;
const folders = ["src", "test", "scripts", "bench", "examples"];

const files = folders.flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).filter((file) => /\.[cm]?[jt]s$/.test(file) && !file.includes("node_modules"))
    .map((file) => path.join(folder, file)));
const long = files.flatMap((file) => readFileSync(path.join(root, file), "utf8").split("\n").flatMap((line, i) => {
  const columns = [...line].length;
  return columns > most ? [`${file}:${i + 1} has ${columns} columns; at most ${most} are the rule.`] : [];
}));
if (long.length > 0) {
  console.error(long.join("\n"));
  process.exitCode = 1;
}
