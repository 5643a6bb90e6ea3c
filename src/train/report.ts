/** One page that shows how one or several trainings went. */

import { UsageError, ValueError } from "../index.ts";
import { FileError } from "../support/file-error.ts";
import { replaceFile } from "../support/files.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { refusal } from "../support/check.ts";
import { describe, messageOf } from "../support/describe.ts";
import type { EpochRecord, History } from "./history.ts";
import { heatmap } from "./heatmap.ts";
import { escapeHtml, scriptJson } from "./html.ts";
import type { Matrices } from "./means.ts";
import type { Matrix } from "./metric-results.ts";
import { epochNumbers, type MetricsRecord, recordsOf, runCounter } from "./metrics.ts";
import { makeFolderOf, nodeModule, withPackage } from "./node.ts";
import { compact, duration, rateText } from "./progress.ts";
import { pageScript, pageStyle } from "./report-page.ts";

/**
 * Numbers that a loop of one's own has collected, by name: a list with one for each step, or, where there is one now and then, pairs of a step
 * and its number. `validation/loss` is drawn beside `loss`.
 */
export type Curves = Readonly<Record<string, readonly number[] | readonly (readonly [step: number, value: number])[]>>;

/** A training: what fit returned, the path of its metrics file (with several trainings in it if they were added to one file), or curves. */
export type Run = History | string | Curves;

export type Cell = string | number;

/** A part of the page after the curves. */
export interface Section {
  readonly title: string;
  /** Paragraphs, parted by empty lines. */
  readonly text?: string | undefined;
  readonly table?: { readonly columns: readonly string[]; readonly rows: readonly (readonly Cell[])[] } | undefined;
  /** Markup that is put in as it is, such as what `heatmap` gives. It is yours to escape what is in it. */
  readonly html?: string | undefined;
}

export interface ReportOptions {
  readonly title?: string | undefined;
  /** Paragraphs under the title, parted by empty lines. */
  readonly notes?: string | undefined;
  readonly sections?: readonly Section[] | undefined;
}

/** A line in a chart, in steps. */
interface Series {
  /** The name of the number: lines of one name share a chart. */
  readonly metric: string;
  readonly kind: "training" | "validation";
  /** Whether each point is an epoch. */
  readonly epochs: boolean;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

interface Shown {
  readonly name: string;
  readonly series: readonly Series[];
  /** The step at the end of each epoch. */
  readonly ends: readonly number[];
  readonly summary: readonly (readonly [name: string, value: string])[];
  /** Those of the last epoch. */
  readonly matrices: Readonly<Matrices>;
  readonly model: string | null;
}

const purpose = "A report";

/**
 * Writes one HTML page with the curves of trainings, a summary and what is added to it. The page needs no network and no
 * other file; everything in it but `html` of sections is escaped.
 *
 * @param runs a history, the path of a metrics file, a list of such paths, curves, or several of any kind by name
 * @throws ValueError for what is no run; UsageError if the page cannot be written
 * @example
 * const θ = new ValueComponent({ value: [3] });
 * const history = await fit(θ, { data: [1, 2], cost: (y) => cost.mse(θ.value, [y]), optimizer: new Adam(θ), epochs: 2, progress: "none" });
 * report("training.html", history, { title: "Mean", notes: "Of two numbers." });
 * // The numbers of a loop of one's own: one in each step, or pairs of a step and its number, now and then.
 * report("compare.html", { fit: history, loop: { loss: [0.9, 0.5, 0.4], "validation/loss": [[3, 0.45]] } });
 */
export function report(path: string, runs: Run | readonly string[] | Readonly<Record<string, Run>>, options: ReportOptions = {}): void {
  checkArguments("report", arguments, 3);
  checkOptions("report", options, ["title", "notes", "sections"]);
  if (typeof path !== "string" || path === "") throw refusal("report", "a path first", path);
  const page = pageOf(namedRuns(runs).flatMap(([name, run]) => shown(name, run)), options);
  try {
    makeFolderOf(path, purpose);
    replaceFile(path, new TextEncoder().encode(page));
  } catch (error) {
    if (error instanceof FileError) throw new UsageError(`The report ${error.message}`, { cause: error });
    throw new UsageError(`The report ${path} could not be written: ${messageOf(error)}`, { cause: error });
  }
}

const isHistory = (value: unknown): value is History =>
  typeof value === "object" && value !== null && Array.isArray((value as Partial<History>).epochs) && typeof (value as Partial<History>).curve === "object";

const isCurves = (value: unknown): value is Curves =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).length > 0 && Object.values(value).every(Array.isArray);

function namedRuns(runs: unknown): [string, Run][] {
  if (isHistory(runs) || isCurves(runs)) return [["training", runs]];
  const list = typeof runs === "string" ? [runs] : runs;
  const names = Array.isArray(list) && list.every((path) => typeof path === "string") ? namesOf(list) : [];
  const named = Array.isArray(list) ? list.map((path: unknown, i): [string, unknown] => [names[i] ?? "", path]) : Object.entries(list ?? {});
  if (named.length === 0) throw new ValueError("report got no runs: give what fit returned, the path of a metrics file, or lists of numbers by name.");
  for (const [name, run] of named) {
    if (typeof run === "string" || (!Array.isArray(list) && (isHistory(run) || isCurves(run)))) continue;
    const place = name === "" ? " in a list" : ` as ${JSON.stringify(name)}`;
    throw new ValueError(`report takes what fit returned, paths of metrics files or lists of numbers, several runs by name, but got ${describe(run)}${place}.`);
  }
  return named as [string, Run][];
}

/** A name for each file: its own, with as many of its folders as tell it from the others. */
function namesOf(paths: readonly string[]): string[] {
  const { basename, resolve, sep } = nodeModule("node:path", purpose);
  const parts = paths.map((path) => resolve(path).replace(/\.jsonl?$/, "").split(sep));
  const names = parts.map((own, i) => {
    const others = parts.filter((_, j) => j !== i);
    const isShared = (depth: number): boolean => others.some((other) => own.slice(-depth).join("/") === other.slice(-depth).join("/"));
    let depth = 1;
    while (depth < own.length && isShared(depth)) depth++;
    return isShared(depth) ? basename(paths[i]) : own.slice(-depth).join("/");
  });
  // What is still the same is one file given twice.
  return names.map((name, i) => {
    const before = names.slice(0, i).filter((other) => other === name).length;
    return before === 0 ? name : `${name} (${before + 1})`;
  });
}

/** NaN and infinities are no points. */
const finite = (values: readonly number[]): (number | null)[] => values.map((value) => (Number.isFinite(value) ? value : null));

interface EpochPoint {
  readonly step: number;
  readonly numbers: Readonly<Record<string, number>>;
}

function epochSeries(points: readonly EpochPoint[], skip: readonly string[]): Series[] {
  const names = [...new Set(points.flatMap(({ numbers }) => Object.keys(numbers)))].filter((name) => !skip.includes(name));
  return names.map((name) => {
    const has = points.filter(({ numbers }) => name in numbers);
    return thinned({
      ...kindOf(name), epochs: true,
      x: has.map(({ step }) => step), y: finite(has.map(({ numbers }) => numbers[name])),
    });
  });
}

function shown(name: string, run: Run): Shown[] {
  if (typeof run !== "string") return [isHistory(run) ? shownHistory(name, run) : shownCurves(name, run)];
  const runs = runsIn(run);
  return runs.map((each, i) => shownFile(runs.length === 1 ? name : `${name} ${i + 1}`, each));
}

function shownCurves(name: string, curves: Curves): Shown {
  const series = Object.entries(curves).map(([metric, points]): Series => {
    const pairs = points.map((point, i) => (Array.isArray(point) ? point : [i + 1, point]) as readonly unknown[]);
    const isPair = ([step, value, ...more]: readonly unknown[]): boolean =>
      more.length === 0 && typeof value === "number" && typeof step === "number" && Math.abs(step) <= Number.MAX_SAFE_INTEGER;
    const wrong = pairs.findIndex((pair, i) => !isPair(pair) || !((pair[0] as number) > (i === 0 ? -Infinity : pairs[i - 1][0] as number)));
    if (wrong >= 0) {
      throw new ValueError(
        `report takes numbers, or pairs [step, number] with the steps in order, as the curve ${JSON.stringify(metric)}, ` +
          `but got ${Array.isArray(points[wrong]) ? `[${points[wrong].map(describe).join(", ")}]` : describe(points[wrong])} as its point ` +
          `${wrong}. Read a Variable with item().`,
      );
    }
    const [x, y] = [pairs.map(([step]) => step as number), finite(pairs.map(([, value]) => value as number))];
    return thinned({ ...kindOf(metric), epochs: points.some(Array.isArray), x, y });
  });
  const steps = series.reduce((most, { x }) => Math.max(most, x.at(-1) ?? 0), 0);
  const last = Object.fromEntries(
    Object.entries(curves).filter(([, points]) => points.length > 0).map(([metric, points]) => [metric, [points.at(-1)].flat().at(-1) as number]),
  );
  return { name, model: null, matrices: {}, ends: [], series, summary: [...lasts([{ step: steps, numbers: last }]), ["steps", steps.toLocaleString("en-US")]] };
}

/** What a chart is to show: validation has names such as `validation/loss`. */
function kindOf(name: string): Pick<Series, "metric" | "kind"> {
  const validation = name.startsWith("validation/");
  return { metric: validation ? name.slice("validation/".length) : name, kind: validation ? "validation" : "training" };
}

function shownHistory(name: string, history: History): Shown {
  const { epochs, curve, parameters, model } = history;
  const points = epochs.map((record) => ({ step: record.step, numbers: { ...epochNumbers(record), "learning rate": record.learningRate } }));
  return {
    name, model, matrices: epochs.at(-1)?.matrices ?? {}, ends: epochs.map(({ step }) => step),
    series: [{ metric: "loss", kind: "training", epochs: false, x: curve.step, y: finite(curve.loss) }, ...epochSeries(points, ["loss"])],
    summary: [
      ...lasts(points),
      ...(history.best === null ? [] : [[
        `best ${epochs.some(({ validation }) => validation !== null) ? "validation " : ""}${history.best.name}`,
        `${compact(history.best.value)} (epoch ${history.best.epoch})`,
      ] as const]),
      ["epochs", String(epochs.length)], ["steps", history.step.toLocaleString("en-US")], ["time", duration(history.seconds)],
      ...speed(epochs), ["parameters", parameters.toLocaleString("en-US")], ["ended", history.stopped],
    ],
  };
}

function speed(epochs: readonly Pick<EpochRecord, "samples" | "steps" | "seconds">[]): [string, string][] {
  const sum = (f: (epoch: Pick<EpochRecord, "samples" | "steps" | "seconds">) => number): number => epochs.reduce((total, epoch) => total + f(epoch), 0);
  const seconds = sum((epoch) => epoch.seconds);
  if (seconds === 0) return [];
  const known = epochs.every(({ samples }) => typeof samples === "number" && Number.isFinite(samples));
  const perSecond = (count: number): string => Math.round(count / seconds).toLocaleString("en-US");
  return [
    ["steps/s", perSecond(sum(({ steps }) => steps))],
    ...(known ? [["samples/s", perSecond(sum(({ samples }) => samples ?? 0))] as [string, string]] : []),
  ];
}

const lasts = (points: readonly EpochPoint[]): [string, string][] => {
  const { numbers = {} } = points[points.length - 1] ?? {};
  return Object.entries(numbers).map(([name, value]) => [`last ${name.replace("/", " ")}`, name === "learning rate" ? rateText(value) : compact(value)]);
};

/** A training in a metrics file, with the numbers of its steps as they come: the file may be larger than memory. */
class FileRun {
  readonly epochs: MetricsRecord[] = [];
  readonly steps = new Map<string, { readonly x: number[]; readonly y: number[] }>();
  private first = NaN;
  private last = NaN;
  step = 0;

  add(record: MetricsRecord): void {
    if (Number.isNaN(this.first)) this.first = record.time;
    ({ time: this.last, step: this.step } = record);
    if (record.event === "epoch") {
      this.epochs.push(record);
      return;
    }
    for (const [name, value] of Object.entries(numbersIn(record))) {
      const { x, y } = this.steps.get(name) ?? { x: [], y: [] };
      if (x.length === 0) this.steps.set(name, { x, y });
      x.push(record.step);
      y.push(value);
    }
  }

  get seconds(): number { return Number.isFinite(this.last - this.first) ? this.last - this.first : 0; }
}

function runsIn(path: string): FileRun[] {
  const runs: FileRun[] = [];
  const indexOf = runCounter();
  for (const record of recordsOf(path)) {
    const index = indexOf(record);
    runs[index] ??= new FileRun();
    runs[index].add(record);
  }
  return runs.length === 0 ? [new FileRun()] : runs;
}

const ownFields = ["event", "time", "run", "epoch", "step", "seconds", "steps", "samples", "learningRate"];

/** The numbers in a line that make curves. */
const numbersIn = (record: MetricsRecord): Record<string, number> => ({
  ...(Object.fromEntries(Object.entries(record).filter(([key, value]) => !ownFields.includes(key) && typeof value === "number")) as Record<string, number>),
  "learning rate": record.learningRate,
});

const matricesIn = (record: MetricsRecord | undefined): Matrices =>
  Object.fromEntries(Object.entries(record ?? {}).filter((entry): entry is [string, Matrix] => Array.isArray(entry[1])));

function shownFile(name: string, { epochs, steps, seconds, step }: FileRun): Shown {
  const points = epochs.map((record) => ({ step: record.step, numbers: numbersIn(record) }));
  const inSteps = [...steps].map(([metric, { x, y }]): Series => ({ ...kindOf(metric), epochs: false, x, y: finite(y) }));
  const known = inSteps.map(({ metric }) => metric);
  return {
    name, model: null, matrices: matricesIn(epochs.at(-1)), ends: epochs.map((record) => record.step),
    series: [...inSteps.map(thinned), ...epochSeries(points, known)],
    summary: [
      ...lasts(points), ["epochs", String(epochs.length)], ["steps", step.toLocaleString("en-US")],
      ["time", duration(seconds)], ...speed(epochs as unknown as EpochRecord[]),
    ],
  };
}

/** At most 2048 points, each the mean of as many as there are. */
function thinned(series: Series): Series {
  const size = Math.ceil(series.x.length / 2048);
  if (size <= 1) return series;
  const x: number[] = [];
  const y: (number | null)[] = [];
  for (let i = 0; i < series.x.length; i += size) {
    const values = series.y.slice(i, i + size).filter((value) => value !== null);
    x.push(series.x[Math.min(i + size, series.x.length) - 1]);
    y.push(values.length === 0 ? null : meanOf(values));
  }
  return { ...series, x, y };
}

/** Exactly that of equal numbers; the sum may be beyond the largest one. */
function meanOf(values: readonly number[]): number {
  const mean = values[0] + values.reduce((a, b) => a + (b - values[0]), 0) / values.length;
  return Number.isFinite(mean) ? mean : values.reduce((a, b) => a + b / values.length, 0);
}

const paragraphs = (text: string): string => text.split(/\n\s*\n/).map((part) => `<p>${escapeHtml(part.trim()).replace(/\n/g, "<br>")}</p>`).join("\n");

const table = (columns: readonly unknown[], rows: readonly (readonly unknown[])[]): string => {
  const cell = (value: unknown): string => (typeof value === "number" ? `<td class="number">${compact(value)}</td>` : `<td>${escapeHtml(value)}</td>`);
  const numeric = (i: number): boolean => rows.length > 0 && rows.every((row) => typeof row[i] === "number");
  const head = columns.map((name, i) => `<th${numeric(i) ? ' class="number"' : ""}>${escapeHtml(name)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("");
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
};

function summaryOf(runs: readonly Shown[]): string {
  const names = [...new Set(runs.flatMap(({ summary }) => summary.map(([name]) => name)))];
  const value = (run: Shown, name: string): string => run.summary.find(([key]) => key === name)?.[1] ?? "";
  if (runs.length === 1) {
    const tiles = names.map((name) => `<div class="tile"><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value(runs[0], name))}</dd></div>`);
    return `<dl class="tiles">${tiles.join("")}</dl>`;
  }
  return table(["", ...runs.map(({ name }) => name)], names.map((name) => [name, ...runs.map((run) => value(run, name))]));
}

function sectionOf({ title, text, table: given, html }: Section): string {
  const parts = [text === undefined ? "" : paragraphs(text), given === undefined ? "" : table(given.columns, given.rows), html ?? ""];
  return `<section><h2>${escapeHtml(title)}</h2>${parts.join("")}</section>`;
}

/** Pictures of the matrices of the runs. */
function matricesOf(runs: readonly Shown[]): string {
  const pictures = runs.flatMap(({ name, matrices }) => Object.entries(matrices).map(([of, matrix]) => {
    const names = matrix.map((_, i) => String(i));
    const title = runs.length === 1 ? of : `${name}: ${of}`;
    return heatmap(matrix, { title, rows: names, columns: names, rowTitle: "true", columnTitle: "predicted" });
  }));
  return pictures.length === 0 ? "" : `<section><h2>Last epoch</h2>${pictures.join("")}</section>`;
}

function pageOf(runs: readonly Shown[], { title = "Training", notes, sections = [] }: ReportOptions): string {
  const [script, style] = withPackage("uplot", purpose, (require) => {
    const { readFileSync } = nodeModule("node:fs", purpose);
    return ["uPlot.iife.min.js", "uPlot.min.css"].map((name) => readFileSync(require.resolve(`uplot/dist/${name}`), "utf8"));
  });
  const models = runs.filter(({ model }) => model !== null).map(({ name, model }) =>
    `<section><h2>${runs.length === 1 ? "Model" : `Model: ${escapeHtml(name)}`}</h2><pre>${escapeHtml(model)}</pre></section>`);
  const data = runs.map(({ name, series, ends }) => ({ name, series, ends }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
<style>${pageStyle}</style>
</head>
<body>
<header><h1>${escapeHtml(title)}</h1><button id="theme" type="button" title="Light or dark">◐</button></header>
<main>
${notes === undefined ? "" : `<div class="notes">${paragraphs(notes)}</div>`}
${summaryOf(runs)}
<section>
<div class="controls">
<fieldset><legend>x</legend><label><input type="radio" name="x" value="steps" checked>steps</label>
<label><input type="radio" name="x" value="epochs">epochs</label></fieldset>
<label><input type="checkbox" id="log">log scale</label>
<label>smoothing <input type="range" id="smooth" min="0" max="0.99" step="0.01" value="0"><output id="smoothed">0</output></label>
<span class="hint">drag to zoom, double-click for all</span>
</div>
<div id="charts"></div>
<noscript>The curves need JavaScript.</noscript>
</section>
${matricesOf(runs)}
${sections.map(sectionOf).join("\n")}
${models.join("\n")}
</main>
<footer>flimsy-ml, ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC</footer>
<script type="application/json" id="runs">${scriptJson(data)}</script>
<script>${script.replace(/<\/script/gi, "<\\/script")}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}
