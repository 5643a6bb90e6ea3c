/** Measures a GPU, section by section, and writes each row to a file as soon as it is there. See bench/gpu.sh. */

import { spawn } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gpuFrameworks, takesPart } from "../peers/frameworks.js";
import { adapter } from "../peers/gpu.js";
import { measure } from "../peers/measure.js";
import { digits, failuresIn, time } from "../peers/table.js";
import { sizes, tables } from "./section.js";

const { values: options } = parseArgs({
  options: {
    small: { type: "boolean", default: false }, software: { type: "boolean", default: false }, minutes: { type: "string", default: "8" },
    out: { type: "string", default: "gpu.md" },
  },
});
const end = performance.now() + 60_000 * Number(options.minutes);
const left = () => (end - performance.now()) / 1000;
/** Seconds that an answer may take. */
const LIMIT = 60;

const found = await adapter().catch((error) => error);
if (found instanceof Error) refuse(`${found.message[0].toUpperCase()}${found.message.slice(1)}.`);
else if (found.isFallback && !options.software) refuse(`The adapter that was found, ${found.name}, computes on the processor. With --software it will do.`);

function refuse(why) {
  console.error(why);
  process.exit(1);
}

writeFileSync(options.out, "");
function write(line) {
  appendFileSync(options.out, `${line}\n`);
  console.log(line);
}
const { put, heading } = tables(write);

/** A process of its own, so that what goes wrong in it costs no more. Calls back with each line. */
async function lines(file, args, take) {
  const script = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [script, ...args, ...(options.small ? ["--small"] : [])], { stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (data) => { errors += data; });
  const timer = setTimeout(() => child.kill("SIGKILL"), 1000 * Math.max(1, Math.min(2 * LIMIT, left())));
  const ended = new Promise((resolve) => { child.on("close", (code, signal) => resolve({ code, signal })); });
  for await (const line of createInterface({ input: child.stdout })) take(line);
  const { code, signal } = await ended;
  clearTimeout(timer);
  const reason = errors.split("\n").find((line) => /^\w*(Error|Exception)\b/.test(line)) ?? errors.trim().split("\n").at(-1);
  if (code !== 0) write(`\n${file}: ${signal === "SIGKILL" ? "stopped, as its time was over" : reason}`);
}

const hour = new Date().toISOString().slice(0, 16).replace("T", " ");
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
write(`# ${found.name}
${found.isFallback ? "\n**This adapter computes on the processor:** it shows overhead, and that results are right.\n" : ""}
Measured on ${hour}${options.small ? " in small sizes" : ""}. flimsy-ml ${version}, Node ${process.version};
${os.cpus()[0]?.model.trim()} × ${os.cpus().length}, load ${os.loadavg()[0].toFixed(1)} when the run began.`);

/** What a row's column is. */
const all = gpuFrameworks().filter(({ present }) => present);
const cpu = all.find(({ id }) => id === "flimsy");
cpu.threads = Math.min(4, os.cpus().length);
cpu.title += `, threads: ${cpu.threads}`;

/** @param most GFLOP/s of the chip, where its share is to be shown */
async function table(rows, frameworks, { ahead, most }) {
  const failures = [];
  for (const row of rows) {
    if (left() < 20) {
      failures.push(`- ${rows.slice(rows.indexOf(row)).map(({ name }) => name).join(", ")}: not reached within ${options.minutes} minutes`);
      break;
    }
    const taking = frameworks.filter((framework) => takesPart(framework, row) && !row.without?.includes(framework.id));
    try {
      const { cells } = await measure(row, taking, { seconds: 0.5, rounds: 5, limit: Math.min(LIMIT, left()), ahead });
      const own = cells["flimsy-webgpu"]?.least;
      put(row.name, ...frameworks.map(({ id }) => cell(row, cells[id], own, id, most)));
      failures.push(...failuresIn([{ name: row.name, cells }]));
    } catch (error) {
      failures.push(`- ${row.name}: ${error.message}`);
    }
  }
  const changed = (sizes = {}) => Object.entries(sizes).map(([size, value], k) => `${k === 0 ? "; here" : ","} ${size} ${value}`).join("");
  write(`\n${rows.map(({ name, workload, sizes }) => `- **${name}**: ${workload.title}${changed(sizes)}`).join("\n")}`);
  if (failures.length > 0) write(`\n${failures.join("\n")}`);
}
function cell({ flops, per = 1 }, cell, own, id, most) {
  if (cell === undefined) return "";
  if (cell.failure) return cell.failure.startsWith("no answer") ? "too long" : "failed";
  const rate = flops / cell.least / 1e6;
  const share = most && id !== "flimsy" ? `, ${digits((100 * rate) / most)} %` : "";
  const figure = flops ? `${digits(rate)} GFLOP/s${share}` : time(cell.least / per);
  return own && id !== "flimsy-webgpu" ? `${figure} (${digits(cell.least / own)}×)` : figure;
}

/** What the chip does at most, in GFLOP/s. */
let peak = NaN;
await lines("raw.js", [], (line) => {
  const rate = /([\d.,]+) GFLOP/.exec(line);
  if (rate !== null) peak = Number(rate[1].replaceAll(",", ""));
  write(line);
});
await lines("launches.js", [], write);
await lines("functions.js", [], write);

const columns = (frameworks) => frameworks.map(({ title }) => title);
const compared = "The least of runs in turns, in brackets how many times that of Flimsy on the GPU; losses and gradients have been compared before.";
await lines("forms.js", [`${peak}`], write);
heading("Matrix products", `The same, beside others. ${compared}`, ["", ...columns(all)]);
const tooSlow = ["flimsy", "jax-webgpu", "tfjs-webgpu"];
await table(sizes.products.map((row) => ({ ...row, without: row.sizes.n > 2048 ? tooSlow : [] })), all, { ahead: true, most: peak });
heading("Steps", `Many steps are asked for before their losses are there. ${compared}`, ["", ...columns(all)]);
await table(sizes.steps, all, { ahead: true });
heading("Break-even", `From which n on a step is faster on the GPU than on wasm (threads: ${cpu.threads}).`,
  ["", "each step waits for its number", "eight are asked for at once"]);
await breakEven();
heading("Beside others", `Each step waits for its loss. ${compared}`, ["", ...columns(all)]);
await table(sizes.peers, all, { ahead: false });
write(`\n${(Number(options.minutes) * 60 - left()).toFixed(0)} s in all.`);
process.exit();

async function breakEven() {
  const times = { webgpu: new Map(), plain: new Map() };
  for (const variant of Object.keys(times)) {
    await lines("break-even.js", [variant, `${cpu.threads}`], (line) => {
      const { program, value, ...row } = JSON.parse(line);
      times[variant].set(`${program} ${value}`, row);
    });
  }
  for (const { name, program, values } of sizes.breakEven) {
    /** The smallest size from which on the GPU is not slower. */
    const from = (kind) => {
      const isFaster = (value) => {
        const [gpu, cpu] = [times.webgpu, times.plain].map((found) => found.get(`${program} ${value}`)?.[kind] ?? Infinity);
        return gpu <= cpu && gpu < Infinity;
      };
      const known = values.filter((value) => times.webgpu.has(`${program} ${value}`));
      const last = known.findLastIndex((value) => !isFaster(value));
      return known[last + 1] ?? `above ${known.at(-1)}`;
    };
    put(name, from("awaited"), from("ahead"));
  }
}
