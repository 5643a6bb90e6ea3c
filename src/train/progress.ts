/** How a training shows itself, on the standard error stream: a bar in a terminal, lines elsewhere. */

import type { SingleBar } from "cli-progress";
import type { EpochRecord } from "./history.ts";
import { escapeUnit } from "./html.ts";
import type { Listener } from "./listener.ts";
import type { Numbers } from "./means.ts";
import { nodeProcess, withPackage } from "./node.ts";
import type { ProgressMode, StepEvent } from "./options.ts";

type Step = Omit<StepEvent, "stop">;

/** The least time between two lines within a long epoch, and between those of very many short ones, in milliseconds. */
const LONG = 5000;
const SHORT = 100;
/** The least cells of a bar. */
const LEAST = 5;
/** How many epochs are very many. */
const MANY = 100;

/** Where text goes. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** A number in a few characters: 0.01230, 1.23e-7, 12,345. */
export function compact(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || value === 0) return String(value);
  if (size < 1e-4 || size >= 1e7) return value.toExponential(2);
  return Number.isInteger(value) ? value.toLocaleString("en-US") : size >= 1000 ? value.toFixed(1) : value.toPrecision(4);
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

const rate = (count: number, seconds: number, unit: string): string => {
  const value = count / Math.max(seconds, 1e-9);
  return `${value >= 10_000 ? `${(value / 1000).toFixed(value >= 100_000 ? 0 : 1)}k` : value >= 100 ? Math.round(value) : value.toPrecision(2)} ${unit}/s`;
};

/** Steps and samples a second. */
const rates = (steps: number, samples: number | null, seconds: number): string[] =>
  [rate(steps, seconds, "steps"), ...(samples === null || samples === steps ? [] : [rate(samples, seconds, "samples")])];

/** A name as it is, but for characters that would move a terminal's cursor, change its colours or turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
export const visible = (name: string): string => name.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, escapeUnit);

const named = (prefix: string, numbers: Readonly<Numbers>): string[] =>
  Object.entries(numbers).map(([name, value]) => `${prefix}${visible(name)} ${compact(value)}`);

/** A learning rate. */
export const rateText = (learningRate: number): string => String(Number(learningRate.toPrecision(4)));

/** As 3/10, or 3 where there is no end. */
const of = (epoch: number, epochs: number): string => (epochs === Infinity ? String(epoch) : `${String(epoch).padStart(String(epochs).length)}/${epochs}`);

function epochLine(record: EpochRecord, epochs: number, improved: boolean): string {
  const { epoch, loss, metrics, validation, learningRate, seconds, steps, samples } = record;
  return [
    `epoch ${of(epoch, epochs)}`, ...named("", { loss, ...metrics }), ...named("validation ", validation ?? {}),
    `lr ${rateText(learningRate)}`, duration(seconds), ...rates(steps, samples, seconds), ...(improved ? ["*"] : []),
  ].join("  ");
}

/** The course of an epoch: a smoothed loss, and how fast it goes. */
class Course {
  private begin = performance.now();
  /** The batch and the step after which it began. */
  private first = 0;
  private firstStep = 0;
  private samples: number | null = 0;
  private average: number | null = null;
  private batches: number | null = null;

  constructor(private readonly epochs: number) {}

  take(event: Step): void {
    const isFirst = this.average === null;
    this.average = this.average === null ? event.loss : 0.98 * this.average + 0.02 * event.loss;
    if (isFirst) this.start(event.batch, event.step); // how long it took is not known
    else this.samples = this.samples === null || event.samples === null ? null : this.samples + event.samples;
    this.batches = event.batches ?? this.batches;
  }

  start(first: number, firstStep: number): void {
    this.begin = performance.now();
    this.first = first;
    this.firstStep = firstStep;
    this.samples = 0;
  }

  /** How much of the epoch is done, null if that is not known. */
  share({ batch }: Step): number | null { return this.batches === null ? null : Math.min(batch / this.batches, 1); }

  parts({ epoch, batch, step, learningRate }: Step): { head: string; rest: string[] } {
    const seconds = (performance.now() - this.begin) / 1000;
    const [batches, steps] = [batch - this.first, step - this.firstStep]; // a step may be made of several batches
    const rest = [`loss ${compact(this.average ?? NaN)}`, `lr ${rateText(learningRate)}`, ...(steps > 0 ? rates(steps, this.samples, seconds) : [])];
    if (this.batches !== null && batches > 0 && this.epochs < Infinity) {
      const left = Math.max(this.batches - batch, 0) + (this.epochs - epoch) * this.batches;
      rest.push(`ETA ${duration((left * seconds) / batches)}`);
    }
    return { head: `epoch ${of(epoch, this.epochs).trimStart()}  ${batch}${this.batches === null ? "" : `/${this.batches}`}`, rest };
  }
}

/** A line an epoch; of more than a hundred epochs at most ten lines a second. In a long epoch a line every five seconds. */
export class Lines implements Listener {
  protected readonly course: Course;
  private last = performance.now();
  private skipped: string | null = null;

  constructor(protected readonly write: (line: string) => void, protected readonly epochs: number) { this.course = new Course(epochs); }

  step(event: Step): void {
    this.course.take(event);
    this.show(event);
  }

  protected show(event: Step): void {
    if (performance.now() - this.last < LONG) return;
    const { head, rest } = this.course.parts(event);
    this.say([head, ...rest].join("  "));
  }

  epoch(record: EpochRecord, improved: boolean): void {
    const line = epochLine(record, this.epochs, improved);
    const inner = record.epoch > 1 && record.epoch < this.epochs;
    if (this.epochs > MANY && inner && performance.now() - this.last < SHORT) this.skipped = line;
    else this.say(line);
    this.course.start(0, record.step);
  }

  /** A line of its own, with the epoch before it if that has not been said. */
  message(text: string): void {
    this.close();
    this.say(text);
  }

  protected say(text: string): void {
    this.skipped = null;
    this.last = performance.now();
    this.write(text);
  }

  close(): void { if (this.skipped !== null) this.say(this.skipped); }
}

/** A bar at the bottom, lines of epochs above it. */
export class Bar extends Lines {
  private readonly bar: SingleBar;
  private active = false;
  private latest: Step | null = null;

  constructor(terminal: Terminal, epochs: number, colour: boolean, progress: typeof import("cli-progress")) {
    super((line) => {
      this.rest();
      terminal.write(`${line}\n`);
    }, epochs);
    this.bar = new progress.SingleBar({
      stream: terminal as unknown as NodeJS.WritableStream,
      format: (_options, { maxWidth }) => this.text(maxWidth, colour),
      clearOnComplete: true,
      linewrap: true, // leaves the terminal's own setting alone; text is cut to its width here
      fps: 10,
    });
  }

  protected override show(event: Step): void {
    this.latest = event;
    if (!this.active) {
      this.active = true;
      this.bar.start(1, 0);
    }
    this.bar.update(event.step);
  }

  private text(width: number, colour: boolean): string {
    if (this.latest === null) return "";
    const { head, rest } = this.course.parts(this.latest);
    const share = this.course.share(this.latest);
    const plain = [head, ...rest].join("  ");
    // The line is cut to the width of the terminal by its length, which colours are a part of.
    const room = width - plain.length - 12;
    const [on, off] = colour && room >= LEAST + 9 ? ["\u001b[32m", "\u001b[0m"] : ["", ""];
    const cells = Math.min(30, room - on.length - off.length);
    if (share === null || cells < LEAST) return plain.slice(0, width - 1);
    const full = Math.round(share * cells);
    return `${head}  ${on}${"█".repeat(full)}${off}${"░".repeat(cells - full)} ${Math.floor(100 * share)} %  ${rest.join("  ")}`;
  }

  /** Takes the bar away, until the next step. */
  private rest(): void {
    if (this.active) this.bar.stop();
    this.active = false;
  }

  override close(): void {
    super.close();
    this.rest();
  }
}

let isGuarded = false;

/** That nobody reads the progress any more, as in `node train.js 2>&1 | head -1`, is no reason to end the training. */
function guard(stream: { on?(event: "error", listener: () => void): unknown } | undefined): void {
  if (isGuarded) return;
  isGuarded = true;
  stream?.on?.("error", () => {});
}

/** What shows a training in this mode; null for nothing. */
export function progressFor(mode: ProgressMode, epochs: number): Lines | null {
  const process = nodeProcess();
  const terminal: Terminal | undefined = process?.stderr;
  if (mode === "none" || (mode === "auto" && terminal === undefined)) return null;
  guard(process?.stderr);
  const dumb = process?.env.TERM === "dumb";
  if (terminal !== undefined && (mode === "bar" || (mode === "auto" && terminal.isTTY && !dumb))) {
    try {
      const colour = terminal.isTTY === true && !process?.env.NO_COLOR;
      return new Bar(terminal, epochs, colour, withPackage("cli-progress", "A progress bar", (require) => require("cli-progress")));
    } catch (error) {
      if (mode === "bar") throw error; // else lines will do
    }
  }
  // biome-ignore lint/suspicious/noConsole: a browser has no other place for lines
  return new Lines((line) => { terminal === undefined ? console.info(line) : terminal.write(`${line}\n`); }, epochs);
}
