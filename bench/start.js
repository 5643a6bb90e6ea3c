// @ts-check
/** From the start of a process to its first finished training step, as a user waits for it: seen from outside. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { assert, print, row, summary } from "./report.js";

const ROUNDS = 25;
const script = fileURLToPath(new URL("first-step.js", import.meta.url));

/** Milliseconds until a fresh Node says something, or, if it says nothing, ends. @param {readonly string[]} options */
async function run(options) {
  const start = performance.now();
  const child = spawn(process.execPath, options, { stdio: ["ignore", "pipe", "inherit"] });
  let time = 0;
  let text = "";
  child.stdout.on("data", (data) => {
    time ||= performance.now() - start;
    text += data;
  });
  const [code] = await once(child, "close");
  assert(code === 0, `node ${options.join(" ")} ended with ${code}`);
  return { time: time || performance.now() - start, text };
}

/** @type {Record<"node" | "step" | "imported" | "inside", number[]>} */
const times = { node: [], step: [], imported: [], inside: [] };
for (let round = 0; round < ROUNDS; round++) {
  times.node.push((await run(["-e", "console.log()"])).time);
  const { time, text } = await run([script]);
  const { imported, finished } = JSON.parse(text);
  times.step.push(time);
  times.imported.push(imported);
  times.inside.push(finished - imported);
}
print([
  row("process start to first finished training step", summary(times.step), "ms", { atMost: 150 }),
  row("  after importing the library (clock of the process itself)", summary(times.imported), "ms"),
  row("  from there to the step's end", summary(times.inside), "ms"),
  row("  for comparison: node -e 'console.log()'", summary(times.node), "ms"),
]);
