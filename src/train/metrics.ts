/** Metrics as JSON lines: a line a step, and a line an epoch. */

import { UsageError, ValueError } from "../index.ts";
import { FileError } from "../support/file-error.ts";
import { checkWritable, type OpenFile, openFile, replaceFile } from "../support/files.ts";
import { checkArguments } from "../support/options.ts";
import { refusal } from "../support/check.ts";
import type { EpochRecord } from "./history.ts";
import { linesFromEnd, linesOf, piecesOf } from "./lines.ts";
import type { Listener } from "./listener.ts";
import type { Matrix } from "./metric-results.ts";
import type { Numbers } from "./means.ts";
import { makeFolderOf, nodeModule } from "./node.ts";
import type { MetricsOptions, StepEvent } from "./options.ts";

/**
 * A line of a metrics file. Validation has names such as `validation/loss`; what was NaN or infinite is NaN. A training that was added to a file
 * has a number of its own as `run` in each of its lines.
 */
export interface MetricsRecord {
  readonly event: "step" | "epoch";
  /** Seconds since 1970. */
  readonly time: number;
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  /** A number, or in a line of an epoch a matrix. */
  readonly [name: string]: number | "step" | "epoch" | Matrix;
}

/** Where a resumed training goes on: after this step, in this epoch. */
export interface Resumed {
  readonly epoch: number;
  readonly step: number;
  /** What its lines have as `run`, null if they have none; undefined if it wrote no metrics before. */
  readonly run?: number | null | undefined;
}

const purpose = "A metrics file";
/** How long lines may stay in memory, in milliseconds. */
const DELAY = 250;

/** The same by longer names. */
export const withPrefix = <T>(prefix: string, values: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));

/** What an epoch gave, validation with its prefix. */
export const epochNumbers = ({ loss, metrics, validation }: EpochRecord): Numbers => ({ loss, ...metrics, ...withPrefix("validation/", validation ?? {}) });

export class MetricsFile implements Listener {
  /** What tells its lines from those of others in the same file. */
  readonly run: number | null;
  private readonly fs = nodeModule("node:fs", purpose);
  readonly path: string;
  private pending = "";
  private written = performance.now();
  /** What is to be done to the file before the first line is written. */
  private prepare: (() => void) | null;

  /**
   * Writes nothing yet: all that could go wrong before the first line does so first.
   * @throws UsageError for a file that is there already, unless this is said to be right; FileError for one that cannot be written
   */
  constructor(private readonly settings: MetricsOptions & { readonly every: number }, resumed: Resumed | null) {
    const { path, append, overwrite } = settings;
    this.path = path;
    makeFolderOf(path, purpose);
    checkWritable(path);
    const size = this.fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const again = resumed !== null && resumed.run !== undefined ? resumed : null;
    if (size > 0 && again === null && !append && !overwrite) {
      throw new UsageError(
        `The metrics file ${path} is there already, and was left as it is. Give another path, or { path, append: true } to add to it, ` +
          "or { path, overwrite: true } to replace it. A training that resumes from its checkpoint goes on in its own file.",
      );
    }
    this.run = again !== null ? (again.run ?? null) : append ? newRun() : null;
    this.prepare = () => {
      if (size > 0 && again !== null) takeBack(path, again, this.run);
      else if (size > 0 && append) this.fs.appendFileSync(path, endsWithNewline(path) ? "" : "\n");
      else this.fs.writeFileSync(path, "");
    };
  }

  step({ epoch, step, loss, learningRate, metrics }: Omit<StepEvent, "stop">): void {
    if (step % this.settings.every === 0) this.write({ event: "step", ...this.common(epoch, step), loss, learningRate, ...metrics });
  }

  epoch(record: EpochRecord): void {
    const { epoch, step, learningRate, seconds, steps, samples } = record;
    this.write({ event: "epoch", ...this.common(epoch, step), learningRate, seconds, steps, samples, ...epochNumbers(record), ...record.matrices });
  }

  private common(epoch: number, step: number): object { return { time: Date.now() / 1000, ...(this.run !== null && { run: this.run }), epoch, step }; }

  private write(line: object): void {
    this.pending += `${JSON.stringify(line)}\n`;
    if (performance.now() - this.written > DELAY) this.flush();
  }

  /** Makes the file that is to be written, if there is none yet, or one that is to be replaced. */
  begin(): void {
    this.prepare?.();
    this.prepare = null;
  }

  flush(): void {
    this.written = performance.now();
    if (this.pending === "") return;
    this.begin();
    const text = this.pending;
    this.pending = "";
    this.fs.appendFileSync(this.path, text);
  }

  close(): void { this.flush(); }
}

/** Microseconds since 1970, the last digits drawn: processes may begin at the same time. */
const newRun = (): number => 1000 * Date.now() + Math.floor(1000 * Math.random());

/** A crash may have left half a line. */
function endsWithNewline(path: string): boolean {
  const file = openFile(path);
  try {
    return file.read(file.size - 1, file.size)[0] === 10;
  } finally {
    file.close();
  }
}

/**
 * Takes out of a file the lines of a training after a place, which are written again, and half a line at the end, which a crash may have left.
 * What other trainings have added stays.
 */
function takeBack(path: string, resumed: Resumed, run: number | null): void {
  const file = openFile(path);
  try {
    const { begin, kept, isChanged } = tailOf(file, resumed, run);
    if (!isChanged) return;
    replaceFile(path, (function* () {
      yield* piecesOf(file, begin);
      for (const line of kept.reverse()) yield new TextEncoder().encode(line);
    })());
  } finally {
    file.close();
  }
}

/** Where the lines begin that may have to go, and those of them that stay, last first. */
function tailOf(file: OpenFile, resumed: Resumed, run: number | null): { begin: number; kept: string[]; isChanged: boolean } {
  const kept: string[] = [];
  let begin = file.size;
  let earlier = Infinity;
  let isChanged = false;
  for (const { begin: at, text } of linesFromEnd(file)) {
    const record = parse(text);
    const isWhole = text.endsWith("\n");
    const isOwn = record !== null && (record.run ?? null) === run;
    const stays = record === null ? isWhole : !isOwn || !isAgain(record, resumed, earlier);
    if (isOwn && stays && isWhole) break;
    begin = at;
    if (isOwn) earlier = record.step;
    if (stays) kept.push(isWhole ? text : `${text}\n`);
    isChanged ||= !stays || !isWhole;
  }
  return { begin, kept, isChanged };
}

/** Whether a line is written again after the place. A step that goes up, on the way back, belongs to another training. */
const isAgain = (record: MetricsRecord, { epoch, step }: Resumed, earlier: number): boolean =>
  (record.event === "epoch" ? record.epoch >= epoch : record.step > step) && record.step <= earlier;

/** A line, or null for half of one. */
function parse(line: string): MetricsRecord | null {
  try {
    const value = JSON.parse(line) as Record<string, unknown>;
    const { event, epoch, step } = value;
    if ((event !== "step" && event !== "epoch") || !Number.isFinite(epoch) || !Number.isFinite(step)) return null;
    for (const name of Object.keys(value)) if (value[name] === null) value[name] = NaN;
    return value as unknown as MetricsRecord;
  } catch {
    return null;
  }
}

/**
 * The lines of a metrics file, one after another: the file may be larger than memory. Half a line, as a crash may leave it, is passed over.
 * @throws ValueError for a file that is not there, or that has no such lines at all
 */
export function* recordsOf(path: string): Generator<MetricsRecord> {
  nodeModule("node:fs", "readMetrics");
  const file = opened(path);
  let [lines, records] = [0, 0];
  try {
    for (const line of linesOf(file)) {
      lines++;
      const record = parse(line);
      if (record === null) continue;
      records++;
      yield record;
    }
  } finally {
    file.close();
  }
  if (lines > 1 && records === 0) throw new ValueError(`${path} is no metrics file: none of its ${lines} lines is one that fit writes.`);
}

function opened(path: string): OpenFile {
  try {
    return openFile(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new ValueError(`readMetrics cannot read it: ${error.message}`, { cause: error });
  }
}

/**
 * The lines of a metrics file. Half a line, as a crash may leave it, is passed over. Of several trainings in one file all lines are given; they
 * differ in `run`.
 * @throws ValueError for a file that is not there, or that has no such lines at all
 * @example
 * const θ = new ValueComponent({ value: [3] });
 * const optimizer = new GradientDescent(θ, { learningRate: 0.5 });
 * await fit(θ, { data: [1], cost: (y) => cost.mse(θ.value, [y]), optimizer, epochs: 2, metrics: "metrics.jsonl", progress: "none" });
 * readMetrics("metrics.jsonl").filter(({ event }) => event === "epoch").map(({ epoch, loss }) => [epoch, loss]); // [[1, 2], [2, 0.5]]
 */
export function readMetrics(path: string): MetricsRecord[] {
  checkArguments("readMetrics", arguments, 1);
  if (typeof path !== "string") throw refusal("readMetrics", "a path", path);
  return Array.from(recordsOf(path));
}

/** Whether a line cannot follow another in one training. */
const goesBack = (last: MetricsRecord, next: MetricsRecord): boolean =>
  next.epoch < last.epoch + (last.event === "epoch" ? 1 : 0) || next.step < last.step ||
    (next.step === last.step && (last.event === "epoch" || next.event === "step"));

/**
 * Which of the trainings in a file a line belongs to, counted from 0, line by line: each has a number of its own in its lines, or, in older files,
 * begins where steps or epochs go back.
 */
export function runCounter(): (record: MetricsRecord) => number {
  const open = new Map<unknown, { readonly index: number; readonly last: MetricsRecord }>();
  let count = 0;
  return (record) => {
    const before = open.get(record.run);
    const index = before === undefined || goesBack(before.last, record) ? count++ : before.index;
    open.set(record.run, { index, last: record });
    return index;
  };
}
