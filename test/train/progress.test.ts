import * as cliProgress from "cli-progress";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { EpochRecord } from "../../src/train/index.ts";
import { Bar, compact, duration, Lines, progressFor, type Terminal } from "../../src/train/progress.ts";

const record = (epoch: number, more: Partial<EpochRecord> = {}): EpochRecord =>
  ({
    epoch, step: 10 * epoch, steps: 10, samples: 320, loss: 0.5, metrics: { accuracy: 0.75 }, validation: { loss: 0.625 }, matrices: {}, learningRate: 0.001,
    seconds: 2, ...more,
  });
const step = (batch: number, batches: number | null = 10) =>
  ({ epoch: 1, batch, step: batch, loss: 0.5, metrics: {}, learningRate: 0.001, samples: 32, batches });

afterEach(() => { vi.useRealTimers(); vi.restoreAllMocks(); vi.unstubAllEnvs(); });

describe("lines", () => {
  it("say what an epoch gave", () => {
    const lines: string[] = [];
    const progress = new Lines((line) => lines.push(line), 12);
    progress.epoch(record(1), true);
    progress.epoch(record(2, { samples: null, validation: null, seconds: 100 }), false);
    progress.close();
    expect(lines).toEqual([
      "epoch  1/12  loss 0.5000  accuracy 0.7500  validation loss 0.6250  lr 0.001  2.0 s  5.0 steps/s  160 samples/s  *",
      "epoch  2/12  loss 0.5000  accuracy 0.7500  lr 0.001  1 min 40 s  0.10 steps/s",
    ]);
  });

  it("stay lines whatever a number is called", () => {
    const lines: string[] = [];
    new Lines((line) => lines.push(line), 1).epoch(record(1, { metrics: { "a\u001b[2J\n\u202eb": 1, größe: 2 }, validation: { "\u009b1m": 3 } }), false);
    expect(lines[0]).toContain("a\\u001b[2J\\u000a\\u202eb 1  größe 2  validation \\u009b1m 3");
  });

  it("come every five seconds within a long epoch", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const lines: string[] = [];
    const progress = new Lines((line) => lines.push(line), 2);
    for (let batch = 1; batch <= 10; batch++) {
      vi.advanceTimersByTime(2000);
      progress.step(step(batch));
    }
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe("epoch 1/2  3/10  loss 0.5000  lr 0.001  0.50 steps/s  16 samples/s  ETA 34 s");
  });

  it("of very many short epochs are ten a second, the last among them", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const lines: string[] = [];
    const progress = new Lines((line) => lines.push(line), 1000);
    for (let epoch = 1; epoch <= 1000; epoch++) {
      vi.advanceTimersByTime(10);
      progress.epoch(record(epoch), false);
    }
    expect(lines).toHaveLength(101);
    expect(lines[100]).toMatch(/^epoch 1000\/1000 /);
  });

  it("tell of the last epoch when training ends early", () => {
    const lines: string[] = [];
    const progress = new Lines((line) => lines.push(line), 1000);
    for (let epoch = 1; epoch <= 3; epoch++) progress.epoch(record(epoch), false);
    progress.message("stop");
    expect(lines.map((line) => line.slice(0, 14))).toEqual(["epoch    1/1000".slice(0, 14), "epoch    3/1000".slice(0, 14), "stop"]);
  });
});

describe("a bar", () => {
  function screen(columns: number) {
    let text = "";
    const terminal: Terminal = { isTTY: true, columns, write: (part) => { text += part; return true; } };
    // What moves the cursor goes through the stream too.
    return { terminal: Object.assign(terminal, { cursorTo: () => true, clearLine: () => true }), get text() { return text; } };
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it removes
  const visible = (text: string) => text.replace(/\u001b(\[[?\d;]*[a-zA-Z]|[78])/g, "");

  it("shows the epoch, its share, loss, learning rate, rates and the time left", () => {
    const out = screen(160);
    const bar = new Bar(out.terminal, 3, true, cliProgress);
    bar.step(step(3));
    expect(visible(out.text)).toMatch(/epoch 1\/3 {2}3\/10 {2}█{9}░{21} 30 % {2}loss 0\.5000 {2}lr 0\.001$/);
    bar.step(step(4));
    bar.close();
    expect(visible(out.text)).toMatch(/epoch 1\/3 {2}4\/10 {2}█{12}░{18} 40 % {2}loss 0\.5000 {2}lr 0\.001 {2}.* steps\/s {2}.* samples\/s {2}ETA /);
    expect(out.text).toContain("\u001b[32m");
    bar.epoch(record(1), false);
    bar.close();
    expect(out.text).toMatch(/epoch 1\/3 {2}loss 0.5000 .*\n$/);
  });

  it.each(Array.from({ length: 61 }, (_, i) => 60 + i))("is whole in %i columns, with its colour taken back", (columns) => {
    const out = screen(columns);
    const bar = new Bar(out.terminal, 3, true, cliProgress);
    bar.step(step(3));
    for (const line of out.text.split(/[\r\n]/)) {
      expect(visible(line).length).toBeLessThan(columns);
      expect(line.split("\u001b[32m").length).toBe(line.split("\u001b[0m").length);
      expect(visible(line)).toMatch(/^$|lr 0\.001$/); // to its end
    }
    expect(visible(out.text).includes("█")).toBe(columns >= 60);
    bar.close();
  });

  it("has no colour if that is asked for, no bar where the number of batches is not known, and fits the terminal", () => {
    const out = screen(40);
    const bar = new Bar(out.terminal, 3, false, cliProgress);
    bar.step(step(4, null));
    bar.close();
    expect(out.text).not.toContain("\u001b[32m");
    expect(visible(out.text)).toMatch(/^epoch 1\/3 {2}4 {2}loss 0\.5000/);
    for (const line of visible(out.text).split(/[\r\n]/)) expect(line.length).toBeLessThanOrEqual(2 * 40); // drawn once, and once more when it stops
  });
});

describe("the mode", () => {
  const terminal = (isTTY: boolean) => {
    vi.spyOn(process, "stderr", "get").mockReturnValue(Object.assign(Object.create(process.stderr), { isTTY, columns: 80, write: () => true }));
  };
  it("auto is a bar in a terminal, lines elsewhere", () => {
    terminal(true);
    vi.stubEnv("TERM", "xterm");
    expect(progressFor("auto", 1)).toBeInstanceOf(Bar);
    expect(progressFor("lines", 1)).not.toBeInstanceOf(Bar);
    expect(progressFor("none", 1)).toBeNull();
    vi.stubEnv("TERM", "dumb");
    expect(progressFor("auto", 1)).not.toBeInstanceOf(Bar);
    terminal(false);
    expect(progressFor("auto", 1)).toBeInstanceOf(Lines);
    expect(progressFor("auto", 1)).not.toBeInstanceOf(Bar);
  });
});

it.each<[number, string]>([
  [0.012345, "0.01235"], [0, "0"], [3, "3"], [12345, "12,345"], [1234.5678, "1234.6"], [1.5e-7, "1.50e-7"], [2e9, "2.00e+9"], [NaN, "NaN"],
  [-0.5, "-0.5000"],
])(
  "compact(%s) is %s", (value, text) => { expect(compact(value)).toBe(text); },
);

it.each<[number, string]>([[0.04, "0.0 s"], [9.96, "10.0 s"], [59, "59 s"], [61, "1 min 1 s"], [3725, "1 h 2 min"]])("duration(%s) is %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
