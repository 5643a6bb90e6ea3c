// @ts-check
/**
 * Measures what the library promises to be fast, and prints a table.
 *
 *   npm run bench                  all
 *   npm run bench -- tiny matrix   those whose file name contains one of the words
 *   npm run bench -- peers …       against other libraries: see peers/run.js
 *
 * Each file runs in a process of its own, so that none is slowed down by what another did, and can be run alone
 * after a build: node bench/tiny-ops.js. A figure over its limit is shown, not an error; a wrong result is an error.
 */

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { printHead } from "./report.js";

/** What the benches use; every other file here is one. */
const helpers = ["first-step", "report", "run"];
const files = readdirSync(new URL(".", import.meta.url))
  .filter((file) => file.endsWith(".js"))
  .map((file) => path.basename(file, ".js"))
  .filter((file) => !helpers.includes(file))
  .sort();

/** Does the engine have the fused multiply-add of relaxed SIMD? */
function hasRelaxedSimd() {
  const zero = [0x41, 0, 0xfd, 0x11]; // i32.const 0, i32x4.splat
  return WebAssembly.validate(Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    1, 5, 1, 0x60, 0, 1, 0x7b, // () -> v128
    3, 2, 1, 0,
    10, 0x13, 1, 0x11, 0, ...zero, ...zero, ...zero, 0xfd, 0x85, 2, 0x0b, // f32x4.relaxed_madd
  ]));
}

const words = process.argv.slice(2);
if (words[0] === "peers") {
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL("peers/run.js", import.meta.url)), ...words.slice(1)], { stdio: "inherit" });
  process.exit(status ?? 1);
}
const chosen = files.filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
if (chosen.length === 0) {
  console.error(`No bench matches ${words.join(" ")}. There are: ${files.join(", ")}.`);
  process.exit(1);
}

console.log(
  `Node ${process.version}, ${os.cpus()[0]?.model.trim()} × ${os.cpus().length}, ${process.platform} ${process.arch}, load ${os.loadavg()[0].toFixed(1)}`,
);
console.log(`Relaxed SIMD (fused multiply-add): ${hasRelaxedSimd() ? "yes" : "no"}. Medians of alternating repetitions; limits are for Node 26.\n`);
printHead();
for (const file of chosen) {
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(`${file}.js`, import.meta.url))], { stdio: "inherit" });
  if (status !== 0) {
    console.error(`${file} failed.`);
    process.exitCode = 1;
  }
}
