/** What the sections of the file share: each is a process, which prints rows as soon as it has them. */

import { setTimeout } from "node:timers/promises";
import { digits } from "../peers/table.js";
import { sizesOf } from "./sizes.js";

export const sizes = sizesOf(process.argv.includes("--small"));

/** Tables, row by row. @param {(line: string) => void} write */
export function tables(write) {
  const put = (...cells) => write(`| ${cells.join(" | ")} |`);
  function heading(title, text, columns) {
    write(`\n## ${title}\n\n${text}\n`);
    put(...columns);
    put(...columns.map((_, k) => (k === 0 ? "---" : "---:")));
  }
  return { put, heading };
}
export const { put, heading } = tables(console.log);

/** Milliseconds as microseconds. */
export const micro = (ms) => digits(1000 * ms);

/** Ends the process. While something is still on its way Dawn may abort instead. */
export async function finish() {
  await setTimeout(300);
  process.exit();
}

/** The least milliseconds of some runs. */
export async function least(runs, f) {
  let found = Infinity;
  for (let k = 0; k < runs; k++) {
    const begin = performance.now();
    await f();
    found = Math.min(found, performance.now() - begin);
  }
  return found;
}
