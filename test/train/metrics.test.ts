import { appendFileSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Component, GradientDescent, parameter, UsageError, ValueError } from "../../src/index.ts";
import { type FitOptions, fit, type MetricsRecord, readMetrics, TrainingError } from "../../src/train/index.ts";
import { failure, folders } from "./helpers.ts";

const folder = folders();

/** Losses are the batches. */
function train(losses: number[], options: Partial<FitOptions<number>>) {
  class Scalar extends Component { readonly w = parameter(1); }
  const θ = new Scalar();
  return fit(θ, {
    data: losses, cost: (loss) => ({ loss: θ.w.mul(0).add(loss), half: θ.w.mul(0).add(loss / 2) }), optimizer: new GradientDescent(θ, { learningRate: 0.5 }),
    epochs: 2, progress: "none", ...options,
  });
}

describe("a metrics file", () => {
  it("has a line a step and a line an epoch", async () => {
    const file = folder("new/m.jsonl");
    await train([4, 2], { metrics: file, validate: () => ({ accuracy: 0.5, loss: NaN }) });
    const raw = readFileSync(file, "utf8");
    expect(raw.split("\n")).toHaveLength(7);
    const [first, second, third] = readMetrics(file);
    expect(first).toEqual({ event: "step", time: expect.any(Number), epoch: 1, step: 1, loss: 4, half: 2, learningRate: 0.5 });
    expect(second).toMatchObject({ step: 2, loss: 2 });
    expect(third).toEqual({
      event: "epoch", time: expect.any(Number), epoch: 1, step: 2, loss: 3, half: 1.5, "validation/accuracy": 0.5, "validation/loss": NaN,
      learningRate: 0.5, seconds: expect.any(Number), steps: 2, samples: NaN,
    });
    expect(Math.abs(first.time - Date.now() / 1000)).toBeLessThan(60);
  });

  it("has a line for each so many steps", async () => {
    const file = folder("m.jsonl");
    await train([1, 2, 3], { metrics: { path: file, every: 2 } });
    expect(readMetrics(file).map(({ event, step }) => `${event} ${step}`)).toEqual(["step 2", "epoch 3", "step 4", "step 6", "epoch 6"]);
  });

  it("that is there is left alone, added to, or replaced, as one says", async () => {
    const file = folder("m.jsonl");
    writeFileSync(file, "mine");
    const error = await failure(train([1], { metrics: file }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(`${file} is there already, and was left as it is`);
    expect(readFileSync(file, "utf8")).toBe("mine");
    await train([1], { metrics: { path: file, append: true }, epochs: 1 });
    expect(readFileSync(file, "utf8").split("\n").map((line) => line.slice(0, 8))).toEqual(["mine", '{"event"', '{"event"', ""]);
    await train([1], { metrics: { path: file, append: true }, epochs: 1 });
    expect(readMetrics(file)).toHaveLength(4);
    await train([1], { metrics: { path: file, overwrite: true }, epochs: 1 });
    expect(readMetrics(file)).toHaveLength(2);
  });

  it("keeps the lines of other trainings when one that was added is resumed", async () => {
    const file = folder("m.jsonl");
    const metrics = { path: file, append: true };
    await train([1, 2, 3], { metrics });
    const before = readFileSync(file, "utf8");
    const checkpoint = folder("m.safetensors");
    await train([5, 6], { metrics, checkpoint, onStep: () => false });
    const { run } = readMetrics(file).at(-1) as MetricsRecord;
    appendFileSync(file, `${JSON.stringify({ event: "step", run, epoch: 1, step: 2, loss: 7 })}\n{"event":"st`); // as if a crash had followed
    await train([5, 6], { metrics, checkpoint: { path: checkpoint, resume: true } });
    expect(readFileSync(file, "utf8").startsWith(before)).toBe(true);
    expect(readMetrics(file).slice(8).map(({ event, step, loss }) => [event, step, loss]))
      .toEqual([["step", 1, 5], ["step", 2, 6], ["epoch", 2, 5.5], ["step", 3, 5], ["step", 4, 6], ["epoch", 4, 5.5]]);
  });

  it("keeps what others have added after one that is resumed", async () => {
    const file = folder("m.jsonl");
    const checkpoint = folder("m.safetensors");
    await train([1, 2, 3], { metrics: file, checkpoint: { path: checkpoint, every: 5 }, onStep: ({ step }) => step < 2 });
    const cut = readMetrics(file);
    await train([5, 6], { metrics: { path: file, append: true } });
    const added = readMetrics(file).slice(cut.length);
    appendFileSync(file, '{"event":"step","epoch":1,"step":3,"loss":9}\n{"event":"st');
    await train([1, 2, 3], { metrics: file, checkpoint: { path: checkpoint, resume: true } });
    const all = readMetrics(file);
    expect(all.slice(0, cut.length + added.length)).toEqual([...cut, ...added]);
    expect(all.slice(cut.length + added.length).map(({ event, step, run }) => [event, step, run])).toEqual([
      ["step", 3, undefined], ["epoch", 3, undefined], ["step", 4, undefined], ["step", 5, undefined], ["step", 6, undefined], ["epoch", 6, undefined],
    ]);
    expect(new Set(added.map(({ run }) => run)).size).toBe(1);
    expect(added[0].run).toEqual(expect.any(Number));
  });

  it("of another training is not taken over by one that is resumed", async () => {
    const checkpoint = folder("m.safetensors");
    await train([1, 2], { checkpoint, epochs: 1 });
    await train([3, 4], { metrics: folder("m.jsonl") });
    const before = readFileSync(folder("m.jsonl"));
    expect((await failure(train([1, 2], { checkpoint: { path: checkpoint, resume: true }, metrics: folder("m.jsonl") }))).message)
      .toContain("is there already");
    expect(readFileSync(folder("m.jsonl")).equals(before)).toBe(true);
  });

  it.skipIf(process.platform === "win32")("stays a link with its permissions when training is resumed", async () => {
    const checkpoint = folder("m.safetensors");
    writeFileSync(folder("real"), "", { mode: 0o600 });
    symlinkSync("real", folder("m.jsonl"));
    await train([1, 2], { checkpoint, metrics: folder("m.jsonl"), onStep: () => false });
    appendFileSync(folder("m.jsonl"), '{"event":"step","epoch":1,"step":2,"loss":9}\n');
    await train([1, 2], { checkpoint: { path: checkpoint, resume: true }, metrics: folder("m.jsonl") });
    expect([lstatSync(folder("m.jsonl")).isSymbolicLink(), statSync(folder("real")).mode & 0o777]).toEqual([true, 0o600]);
    expect(readMetrics(folder("real")).map(({ loss }) => loss)).toEqual([1, 2, 1.5, 1, 2, 1.5]);
  });

  it("that vanishes or cannot be written is an error that says when", async () => {
    mkdirSync(folder("m.jsonl"));
    await expect(train([1], { metrics: folder("m.jsonl") })).rejects.toThrow(UsageError);
    writeFileSync(folder("file"), "");
    for (const path of [folder("file/m.jsonl"), folder("file/x/m.jsonl")]) {
      for (const more of [{ metrics: path }, { tensorboard: path }, { checkpoint: path }]) {
        expect((await failure(train([1], more))).message).toMatch(/cannot be written: .* Nothing has been trained/);
      }
    }
    const file = folder("n.jsonl");
    const error = await failure(train([1], { metrics: file, onStep: async () => {
      rmSync(file);
      mkdirSync(file);
      await new Promise((resolve) => setTimeout(resolve, 260));
    } }));
    expect(error).toBeInstanceOf(TrainingError);
    expect(error.message).toContain("The metrics could not be written after step");
  });
});

describe("readMetrics", () => {
  it("passes over half a line, wherever a crash left it", () => {
    const file = folder("m.jsonl");
    writeFileSync(file, '{"event":"step","epoch":1,"step":1,"loss":1}\n{"event":"step","ep\n\n{"event":"step","epoch":1,"step":2,"loss":null}\n{"ev');
    expect(readMetrics(file)).toEqual([{ event: "step", epoch: 1, step: 1, loss: 1 }, { event: "step", epoch: 1, step: 2, loss: NaN }]);
    writeFileSync(file, "");
    expect(readMetrics(file)).toEqual([]);
  });

  it("refuses what is no such file", () => {
    expect(() => readMetrics(folder("none.jsonl"))).toThrow(ValueError);
    writeFileSync(folder("text"), "a\nb\n");
    expect(() => readMetrics(folder("text"))).toThrow("is no metrics file: none of its 2 lines");
    expect(() => readMetrics(3 as never)).toThrow(ValueError);
    expect(existsSync(folder("none.jsonl"))).toBe(false);
  });
});
