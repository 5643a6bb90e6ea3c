/** Metrics as JSON lines: a line a step, and a line an epoch. */

import { UsageError, ValueError } from "../index.ts";
import { describe } from "../shape.ts";
import { checkArguments } from "../support/options.ts";
import type { EpochRecord } from "./history.ts";
import type { Listener } from "./listener.ts";
import type { Numbers } from "./means.ts";
import { makeFolderOf, nodeModule, writeFile } from "./node.ts";
import type { MetricsOptions, StepEvent } from "./options.ts";

/** A line of a metrics file. Validation has names such as `validation/loss`; what was NaN or infinite is NaN. */
export interface MetricsRecord {
  readonly event: "step" | "epoch";
  /** Seconds since 1970. */
  readonly time: number;
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly [name: string]: number | "step" | "epoch";
}

/** Where a resumed training goes on: after this step, in this epoch. */
export interface Resumed {
  readonly epoch: number;
  readonly step: number;
}

const purpose = "A metrics file";
/** How long lines may stay in memory, in milliseconds. */
const DELAY = 250;

/** What an epoch gave, validation with its prefix. */
export function epochNumbers({ loss, metrics, validation }: EpochRecord): Numbers {
  const validated = Object.entries(validation ?? {}).map(([name, value]) => [`validation/${name}`, value] as const);
  return { loss, ...metrics, ...Object.fromEntries(validated) };
}

export class MetricsFile implements Listener {
  private readonly fs = nodeModule("node:fs", purpose);
  private pending = "";
  private written = performance.now();

  /** @throws UsageError for a file that is there already, unless this is said to be right */
  constructor(private readonly settings: MetricsOptions & { readonly every: number }, resumed: Resumed | null) {
    const { path, append, overwrite } = settings;
    makeFolderOf(path, purpose);
    const size = this.fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > 0 && resumed !== null) writeFile(path, before(this.fs.readFileSync(path, "utf8"), resumed), purpose);
    else if (size > 0 && append) this.pending = this.fs.readFileSync(path, "utf8").endsWith("\n") ? "" : "\n"; // a crash may have left half a line
    else if (size > 0 && !overwrite) {
      throw new UsageError(
        `The metrics file ${path} is there already, and was left as it is. Give another path, or { path, append: true } to add to it, ` +
          "or { path, overwrite: true } to replace it. A training that resumes from its checkpoint goes on in its own file.",
      );
    } else this.fs.writeFileSync(path, "");
    this.flush();
  }

  step({ epoch, step, loss, learningRate, metrics }: Omit<StepEvent, "stop">): void {
    if (step % this.settings.every === 0) this.write({ event: "step", time: now(), epoch, step, loss, learningRate, ...metrics });
  }

  epoch(record: EpochRecord): void {
    const { epoch, step, learningRate, seconds, steps, samples } = record;
    this.write({ event: "epoch", time: now(), epoch, step, learningRate, seconds, steps, samples, ...epochNumbers(record) });
  }

  private write(line: object): void {
    this.pending += `${JSON.stringify(line)}\n`;
    if (performance.now() - this.written > DELAY) this.flush();
  }

  flush(): void {
    this.written = performance.now();
    if (this.pending === "") return;
    const text = this.pending;
    this.pending = "";
    this.fs.appendFileSync(this.settings.path, text);
  }

  close(): void { this.flush(); }
}

const now = (): number => Date.now() / 1000;

/** The lines before a place: those after it are written again. Other trainings that were added to the same file stay. */
function before(text: string, { epoch, step }: Resumed): string {
  const lines = text.split("\n").filter((line) => line !== "");
  let earlier = Infinity;
  while (lines.length > 0) {
    const record = parse(lines[lines.length - 1]);
    if (record !== null) {
      const again = record.event === "epoch" ? record.epoch >= epoch : record.step > step;
      if (!again || record.step > earlier) break;
      earlier = record.step;
    }
    lines.pop();
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** A line, or null for half of one. */
function parse(line: string): MetricsRecord | null {
  try {
    const value: unknown = JSON.parse(line, (_, entry) => (entry === null ? NaN : entry));
    const { event, epoch, step } = value as Partial<MetricsRecord>;
    return (event === "step" || event === "epoch") && typeof epoch === "number" && typeof step === "number" ? (value as MetricsRecord) : null;
  } catch {
    return null;
  }
}

/**
 * The lines of a metrics file. Half a line, as a crash may leave it, is passed over.
 * @throws ValueError for a file that is not there, or that has no such lines at all
 */
export function readMetrics(path: string): MetricsRecord[] {
  checkArguments("readMetrics", arguments, 1);
  if (typeof path !== "string") throw new ValueError(`readMetrics takes a path, but got ${describe(path)}.`);
  let text: string;
  try {
    text = nodeModule("node:fs", "readMetrics").readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new ValueError(`readMetrics cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const records = lines.map(parse).filter((record) => record !== null);
  if (lines.length > 1 && records.length === 0) throw new ValueError(`${path} is no metrics file: none of its ${lines.length} lines is one that fit writes.`);
  return records;
}
