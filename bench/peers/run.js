/**
 * Measures Flimsy and its peers in one run, and writes bench/peers/results/results.json; report.js makes tables and plots of it.
 *
 *   npm run bench -- peers                            all (about twelve minutes; leave the machine alone meanwhile)
 *   npm run bench -- peers --quick                    few repetitions, no curves
 *   npm run bench -- peers --workloads=xor,gemm-512   rows whose name contains one of the words
 *   npm run bench -- peers --frameworks=flimsy,torch  frameworks whose id begins with one of the words
 *   npm run bench -- peers --sections=rows,never      only some of rows, growth, start, size, examples, never
 *   npm run bench -- peers --sections=gpu             on the GPU that the package webgpu finds; on Linux VK_DRIVER_FILES may name its driver
 *   --seconds=1     that a cell may take     --limit=20    seconds after which a request is given up
 *   --no-growth     without the curves       --out=FILE    another file of results
 */

import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { gpuRows, growth, rows } from "../workloads/index.js";
import { frameworks, gpuFrameworks, takesPart } from "./frameworks.js";
import { adapter } from "./gpu.js";
import { limited, peakRate, readingOf } from "./limits.js";
import { linesOf } from "./lines.js";
import { grow, measure, startUp } from "./measure.js";
import { table } from "./table.js";

const everything = ["rows", "growth", "start", "size", "examples", "never"];
const { values: options } = parseArgs({
  allowPositionals: true,
  options: {
    workloads: { type: "string", default: "" },
    frameworks: { type: "string", default: "" },
    sections: { type: "string", default: everything.join() },
    seconds: { type: "string" },
    limit: { type: "string", default: "20" },
    quick: { type: "boolean", default: false },
    "no-growth": { type: "boolean", default: false },
    out: { type: "string", default: fileURLToPath(new URL("results/results.json", import.meta.url)) },
  },
});
const words = (text) => text.split(",").filter((word) => word !== "");
const chosen = (all) => all.filter(({ name }) => words(options.workloads).length === 0 || words(options.workloads).some((word) => name.includes(word)));
const chosenRows = chosen(rows);
const wanted = frameworks.filter(({ id }) => words(options.frameworks).length === 0 || words(options.frameworks).some((word) => id.startsWith(word)));
const present = wanted.filter(({ present }) => present);
const sections = words(options.sections);
const isUnknown = (section) => section !== "gpu" && !everything.includes(section);
if (chosenRows.length + chosen(gpuRows).length === 0 || wanted.length === 0 || sections.length === 0 || sections.some(isUnknown)) {
  console.error(`Nothing to do. Workloads: ${rows.map(({ name }) => name).join(", ")}. ` +
    `Frameworks: ${frameworks.map(({ id }) => id).join(", ")}. Sections: ${everything.join(", ")}, gpu.`);
  process.exit(1);
}
const quick = options.quick;
const settings = { seconds: Number(options.seconds ?? (quick ? 0.3 : 1)), rounds: quick ? 3 : 11, limit: Number(options.limit) };
const say = (text) => process.stderr.write(`${text}\n`);

for (const { title, install } of wanted.filter(({ present }) => !present)) say(`${title} is left out: ${install}`);

const begin = performance.now();
const elapsed = () => `${Math.round((performance.now() - begin) / 1000)} s`;
const results = {
  date: new Date().toISOString().slice(0, 10),
  machine: {
    cpu: os.cpus()[0]?.model.trim(), cores: os.cpus().length, memory: os.totalmem(), system: `${os.type()} ${os.release()} ${os.arch()}`,
    load: os.loadavg()[0],
  },
  node: process.version,
  commit: commit(),
  settings,
  frameworks: present.map(({ id, family, title, remark, threads, bits, apart }) => ({ id, family, title, remark, threads, bits, apart })),
  rows: [],
  growth: [],
  startUp: {},
  sizes: {},
};
/** What cannot be measured does not cost the run what has been. */
const failed = [];
async function attempt(title, f) {
  try {
    return await f();
  } catch (error) {
    say(`  ${title}: ${error.message}`);
    failed.push(title);
    return undefined;
  }
}

for (const row of sections.includes("rows") ? chosenRows : []) {
  const bounded = limited.includes(row.name);
  const found = await measure(row, present.filter((framework) => takesPart(framework, row)), { ...settings, work: bounded });
  if (bounded) found.read = readingOf(found);
  const { program, per = 1, unit, flops, workload } = row;
  results.rows.push({
    ...found, title: workload.title, program, per, unit, flops,
    lines: Object.fromEntries(present.filter((framework) => takesPart(framework, row)).map((framework) => [framework.id, linesOf(framework, program)])),
  });
  say(`${row.name} (${elapsed()})`);
  for (const [id, { failure }] of Object.entries(found.cells)) if (failure) say(`  ${id}: ${failure}`);
}
if (sections.includes("rows")) results.peak = peakRate();
if (sections.includes("growth") && !quick && !options["no-growth"]) {
  for (const curve of growth) {
    results.growth.push(await grow(curve, present.filter(({ grows }) => grows), { seconds: settings.seconds / 2, rounds: 5, limit: settings.limit }, say));
    say(`growth with ${curve.name} (${elapsed()})`);
  }
}
if (sections.includes("start")) {
  const logreg = rows.find(({ name }) => name === "logreg");
  results.startUp = await startUp(
    logreg, present.filter(({ threads }) => threads === 1).filter((framework) => takesPart(framework, logreg)),
    { rounds: quick ? 2 : 7, limit: settings.limit },
  );
}
if (sections.includes("gpu")) results.gpu = await attempt("on a GPU", onGpu);
if (sections.includes("size")) results.sizes = await import("./sizes.js").then(({ packageSizes }) => packageSizes(), () => ({}));
if (sections.includes("never") && present.some(({ id }) => id === "flimsy")) {
  results.never = await attempt("structures that never repeat", async () => {
    const program = fileURLToPath(new URL("../never-repeats.js", import.meta.url));
    return JSON.parse((await promisify(execFile)(process.execPath, [program, "--json"])).stdout);
  });
  say(`structures that never repeat (${elapsed()})`);
}
if (sections.includes("examples") && present.some(({ id }) => id === "flimsy")) {
  const torch = present.some(({ family }) => family === "torch");
  results.examples = await attempt("examples", async () => (await import("./examples.js")).wholeExamples(torch, { repetitions: quick ? 1 : 3 }));
  say(`examples (${elapsed()})`);
  const cells = (results.examples?.rows ?? []).flatMap(({ name, cells }) =>
    Object.entries(cells).map(([id, { failure }]) => ({ title: `example ${name}, ${id}`, failure })));
  for (const { title, failure } of cells.filter(({ failure }) => failure)) {
    say(`  ${title}: ${failure}`);
    failed.push(title);
  }
}
results.seconds = (performance.now() - begin) / 1000;

mkdirSync(path.dirname(options.out), { recursive: true });
writeFileSync(options.out, `${JSON.stringify(results, null, 1)}\n`);
if (results.rows.length > 0) console.log(table(results));
say(`${elapsed()}; written to ${path.relative(process.cwd(), options.out)}. node bench/peers/report.js writes docs/benchmarks.md from it.`);
// A wrong result is an error; a request that took too long is not.
const wrong = results.rows.flatMap(({ name, cells }) =>
  Object.entries(cells).filter(([, { failure }]) => failure && !failure.startsWith("no answer")).map(([id]) => `${name}: ${id}`)).concat(failed);
if (wrong.length > 0) {
  say(`Failed: ${wrong.join("; ")}`);
  process.exitCode = 1;
}

/** A table of its own: the adapter decides, and each form waits for the loss of each step. */
async function onGpu() {
  const gpu = await adapter();
  say(`GPU: ${gpu.name}`);
  const all = gpuFrameworks();
  for (const { title, install } of all.filter(({ present }) => !present)) say(`${title} is left out: ${install}`);
  const forms = all.filter(({ present }) => present);
  const found = [];
  for (const row of chosen(gpuRows)) {
    const { cells, agreement } = await measure(row, forms, settings);
    found.push({ name: row.name, per: row.per ?? 1, flops: row.flops, cells, agreement });
    say(`${row.name} (${elapsed()})`);
    for (const [id, { failure }] of Object.entries(cells)) if (failure) say(`  ${id}: ${failure}`);
  }
  const { date, machine, node, commit } = results;
  const run = { adapter: gpu, date, machine, node, commit, settings, frameworks: forms.map(({ id, title }) => ({ id, title })), rows: found };
  console.log(table(run, "flimsy-webgpu", "least"));
  return run;
}

/** Of the sources that were measured; "modified" if they are not as committed. */
function commit() {
  const git = (...args) =>
    execFileSync("git", args, { cwd: fileURLToPath(new URL("../..", import.meta.url)), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "src") === "" ? "" : ", modified");
  } catch {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    return `version ${version}`;
  }
}
