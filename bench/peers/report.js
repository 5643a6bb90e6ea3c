/**
 * Writes docs/benchmarks.md and its plots from a run's results.
 *
 *   node bench/peers/report.js [results.json] [folder]
 *
 * The section about GPUs comes from runs of its own, on other machines: results of nothing else change that section alone.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { withGpu } from "./on-gpu.js";
import { growthPlot, ratios } from "./plots.js";
import { examples, limits, never, widths } from "./sections.js";
import { digits, failuresIn, markdown, table, versionsIn } from "./table.js";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const [file = here("results/results.json"), folder = here("../../docs")] = process.argv.slice(2);
const results = JSON.parse(readFileSync(file, "utf8"));
const { machine, rows, growth, startUp, sizes, settings } = results;
/** Forms with a table of their own would make the others wider only. */
const frameworks = results.frameworks.filter(({ apart }) => !apart);
const main = { ...results, frameworks };

const megabytes = (bytes) => (bytes ? digits(bytes / 2 ** 20) : "");
const milliseconds = (time) => (time === undefined ? "" : digits(time));
const worst = (key) => Math.max(0, ...rows.flatMap(({ cells }) => Object.values(cells).map(({ difference }) => difference?.[key] ?? 0)));
const failures = failuresIn(rows);
const titles = frameworks.map(({ title }) => title);

/** A table with a row a workload and a column a framework. */
const perCell = (value) => markdown(
  ["workload", ...titles],
  rows.map((row) => [row.name, ...frameworks.map(({ id }) => (row.cells[id] && !row.cells[id].failure ? value(row.cells[id]) : ""))]),
);
/** Forms that differ in their programs. */
const forms = frameworks.filter(({ id, threads }) => threads === 1 && !["tfjs-cpu", "jax-eager"].includes(id));

mkdirSync(path.join(folder, "benchmarks"), { recursive: true });
/** A plot as a file of its own, and the Markdown that shows it. */
function plot(name, alt, text) {
  if (text === null) return "";
  writeFileSync(path.join(folder, "benchmarks", `${name}.svg`), text);
  return `![${alt}](benchmarks/${name}.svg)\n`;
}

const sizesOfCurve = (given) => Object.entries(given).map(([name, value]) => `${name} ${value}`).join(", ");
const curves = growth.map((curve) => `### ${curve.name}

An LSTM with ${sizesOfCurve(curve.sizes)}; milliseconds for one step.

${plot(`growth-${curve.size}`, `Time against ${curve.name}`, growthPlot(curve, frameworks))}${curve.left.map((text) => `\n- ${text}`).join("")}\n`);

const whole = () => `<!-- Written by bench/peers/report.js from the results of a run; do not edit. -->
# Benchmarks

The same work in Flimsy and in its peers, on the same data from the same initial parameters, measured in one run on ${results.date}.

- Machine: ${machine.cpu}, ${machine.cores} cores, ${digits(machine.memory / 2 ** 30)} GiB, ${machine.system};
  load ${machine.load.toFixed(1)} when the run began.
- Versions: ${versionsIn(rows).join(", ")}; Node ${results.node}. Flimsy at ${results.commit}.
- Each framework runs in a process of its own; they take turns, ${settings.rounds} rounds of up to ${settings.seconds} s a cell together,
  and the median is given.
  Absolute figures drift with the machine: only ratios within this run count.
- Before anything is timed, the first loss and the norm of each parameter's gradient must agree between the frameworks, all gradients must
  be there, finite and not 0, and training on the same data must make the loss smaller. In this run the losses differ by at most
  ${worst("loss").toExponential(1)} and the gradient norms by ${worst("gradient").toExponential(1)}, relatively.

To repeat it: \`npm ci && npm install --prefix bench/peers && npm run bench -- peers && node bench/peers/report.js\`. PyTorch is used if a
\`python3\` has it (Debian: \`apt install python3-torch libopenblas0\`; with the reference BLAS instead of OpenBLAS it is 20 times slower).

## Time of a step

Forward, backward and update, on one thread unless the column says otherwise (elementwise-1m: without update; gemm: forward). In brackets: how
many times as long as Flimsy.

${table(main)}

${plot("ratios", "Time of each framework over Flimsy's, by workload", ratios(main))}
${rows.map(({ name, title }) => `- **${name}**: ${title}`).join("\n")}

Forms:

${frameworks.map(({ title, remark }) => `- **${title}**: ${remark}`).join("\n")}
${failures.length === 0 ? "" : `\nNot measured:\n\n${failures.join("\n")}\n`}${widths(results)}${limits(results)}${examples(results)}
## The first step

Milliseconds of the first training step of a process that has computed gradients once: what compiles or plans does it here.

${perCell(({ firstStep }) => milliseconds(firstStep))}

From the start of a process to the end of its first step of logreg, in milliseconds:

${markdown(
  ["", "median", "quartiles"],
  frameworks.filter(({ id }) => startUp[id]).map(({ id, title }) => [title, digits(startUp[id].median), startUp[id].quartiles.map(digits).join(" – ")]),
)}
${never(results)}
## Memory

The peak of the process in MiB, run-time and library included.

${perCell(({ memory }) => megabytes(memory))}

## Size

What a browser loads if a page imports all of a library: minified and gzipped, in kB (1000 bytes).

${markdown(["", "kB"], Object.entries(sizes).map(([title, bytes]) => [title, digits(bytes / 1000)]))}

## Lines of user code

Of each program as it is in bench/, without blank lines and comments: model, data, optimizer and step. What a library has not, such as CTC in the
JavaScript peers or optimizers in jax-js, is counted where it had to be written. Flimsy's programs use its components, as torch.nn's use its modules;
the other columns write their cells out.

${markdown(
  ["workload", ...forms.map(({ title }) => title)],
  [...new Map(rows.map((row) => [row.program, row])).values()].map(({ program, lines }) => [program, ...forms.map(({ id }) => lines[id] ?? "")]),
)}
${curves.length === 0 ? "" : `\n## How time grows\n\n${curves.join("\n")}`}`;

const target = path.join(folder, "benchmarks.md");
const previous = existsSync(target) ? readFileSync(target, "utf8") : "";
writeFileSync(target, withGpu(rows.length === 0 ? previous : whole(), previous, results.gpu));
console.log(`Written: ${path.relative(process.cwd(), target)}`);
