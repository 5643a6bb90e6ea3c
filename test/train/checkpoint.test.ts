import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { minibatches } from "../../src/data/index.ts";
import { Patience } from "../../src/extras/index.ts";
import { restore, save } from "../../src/io/index.ts";
import { Component, GradientDescent, parameter, Random, ShapeError, UsageError } from "../../src/index.ts";
import { DivergenceError, type FitOptions, fit, type History, readMetrics, report, TrainingError } from "../../src/train/index.ts";
import { Records } from "../../src/train/records.ts";
import { encodeState, type TrainingState } from "../../src/train/training-state.ts";
import { bundled } from "../io/programs.ts";
import { begin, beginStream, failure, folders, samples, values } from "./helpers.ts";

const folder = folders();

class Scalar extends Component {
  readonly w = parameter(0);
}

/** What does not depend on time. */
const timeless = ({ seconds: _, epochs, ...history }: History) => ({ ...history, epochs: epochs.map(({ seconds: _, ...epoch }) => epoch) });
const lines = (file: string) => readMetrics(file).map(({ time: _, seconds: __, ...line }) => line);

const starts: Record<string, () => ReturnType<typeof begin>> = {
  "a table in an order from the default generator": () => begin(),
  "a table in an order from a generator of its own": () => begin(true),
  "a stream that draws from the same generator as the model": () => beginStream() as unknown as ReturnType<typeof begin>,
};

describe.each(Object.entries(starts))("resumed with %s", (_, start) => {
  /** Stops after `steps` steps, if told, and returns how it went. */
  async function run(more: Partial<FitOptions<never>>, stopAt = Infinity) {
    const { θ, optimizer, random, data, cost } = start();
    const options = {
      data, cost, optimizer, random, epochs: 4, progress: "none" as const,
      patience: 5, validate: () => ({ loss: Math.sin(1000 * values(θ)[0][0]) }), // the best is not the last
      onStep: ({ step }: { step: number }) => step !== stopAt, ...more,
    };
    const history = await fit(θ, options as never);
    return { θ, history, options };
  }

  it.each([1, 3, 7, 8, 17, 27])("gives the same bits when stopped after step %i", async (stopAt) => {
    const whole = await run({ metrics: folder("whole.jsonl") });
    const file = folder("model.safetensors");
    const metrics = folder("m.jsonl");
    const first = await run({ checkpoint: file, metrics }, stopAt);
    expect([first.history.stopped, first.history.step]).toEqual(["callback", stopAt]);
    const again = await run({ checkpoint: { path: file, resume: true }, metrics });
    expect(timeless(again.history)).toEqual(timeless(whole.history));
    expect(values(again.θ)).toEqual(values(whole.θ));
    expect(lines(metrics)).toEqual(lines(folder("whole.jsonl")));
    // And what the checkpoint has is what training would go on from.
    const last = start();
    restore(file, { into: last.θ, optimizer: last.optimizer });
    expect(last.optimizer.step).toBe(28);
  });

  it("gives the same bits when it fails between checkpoints and begins again at the last", async () => {
    const whole = await run({ metrics: folder("whole.jsonl") });
    const file = folder("model.safetensors");
    const metrics = folder("m.jsonl");
    const kept: Buffer[] = [];
    await run({
      checkpoint: { path: file, every: { steps: 5 } }, metrics,
      onStep: ({ step }) => { if (step === 14) kept.push(readFileSync(file)); return step !== 14; },
    });
    writeFileSync(file, kept[0]); // as after a crash: the checkpoint of step 10, metrics beyond, and half a line
    writeFileSync(metrics, `${readFileSync(metrics, "utf8")}{"event":"st`);
    const again = await run({ checkpoint: { path: file, resume: true }, metrics });
    expect(timeless(again.history)).toEqual(timeless(whole.history));
    expect(values(again.θ)).toEqual(values(whole.θ));
    expect(lines(metrics)).toEqual(lines(folder("whole.jsonl")));
  });

  it("gives the same bits when a step fails that has written state already", async () => {
    const whole = await run({});
    const file = folder("model.safetensors");
    let step = 0;
    const failed =
      await failure(run({ checkpoint: { path: file, every: { steps: 5 } }, samples: () => { if (++step === 14) throw new RangeError("mine"); return 1; } }));
    expect(failed).toBeInstanceOf(TrainingError);
    const again = await run({ checkpoint: { path: file, resume: true } });
    expect(again.history.step).toBe(28);
    expect(values(again.θ)).toEqual(values(whole.θ));
  });

  it("gives the same bits when stopped in the middle of validation", async () => {
    const check = (θ: Component, stop: AbortController | null) => ({
      data: [1, 2, 3],
      cost: (x: number) => { if (x === 2) stop?.abort(); return Math.sin(x * 1000 * values(θ)[0][0]) + Random.default.uniform(); },
    });
    const all = async (file: string, controller: AbortController | null) => {
      const { θ, ...options } = start();
      return { θ, history: await fit(θ, {
        ...options, epochs: 3, validate: check(θ, controller), checkpoint: { path: file, resume: true }, ...(controller && { signal: controller.signal }),
      }) };
    };
    const plain = await all(folder("whole.safetensors"), null);
    const first = await all(folder("m.safetensors"), new AbortController());
    expect([first.history.stopped, first.history.step, first.history.epochs]).toEqual(["aborted", 7, []]);
    const again = await all(folder("m.safetensors"), null);
    expect(timeless(again.history)).toEqual(timeless(plain.history));
    expect(values(again.θ)).toEqual(values(plain.θ));
  });

  it("goes on with more epochs, twice", async () => {
    const whole = await run({ epochs: 4 });
    const file = folder("model.safetensors");
    await run({ epochs: 1, checkpoint: file });
    await run({ epochs: 3, checkpoint: { path: file, resume: true } });
    const again = await run({ epochs: 4, checkpoint: { path: file, resume: true } });
    expect(timeless(again.history).epochs.map(({ loss }) => loss)).toEqual(timeless(whole.history).epochs.map(({ loss }) => loss));
    const once = await run({ epochs: 4, checkpoint: { path: file, resume: true } });
    expect(once.history.stopped).toBe("finished");
    expect(values(once.θ)).toEqual(values(again.θ));
  });
});

describe("Ctrl-C", () => {
  const programs = mkdtempSync(path.join(tmpdir(), "flimsy-interrupted-"));
  let program = "";
  beforeAll(async () => { program = await bundled(new URL("./interrupted.ts", import.meta.url), programs); });
  afterAll(() => { rmSync(programs, { recursive: true }); });

  /** Runs a text as a program. */
  async function spawned(name: string, code: string, ...args: string[]) {
    const source = folder(`${name}.ts`);
    writeFileSync(source, code);
    return spawn(process.execPath, [await bundled(pathToFileURL(source), folder("")), ...args]);
  }

  /** Runs the program; `signalAt` are the steps after which it gets SIGINT. */
  function run(
    kind: string, file: string, metrics: string, signalAt: readonly number[] = [],
  ): Promise<{ result: { values: number[][]; history: History; listeners: number } | null; code: number | null; signal: string | null; errors: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, kind, file, metrics, "4"]);
      let output = "";
      let errors = "";
      const open = [...signalAt];
      child.stdout.on("data", (text) => {
        output += text;
        while (open.length > 0 && output.includes(`step ${open[0]}\n`)) {
          open.shift();
          child.kill("SIGINT");
        }
      });
      child.stderr.on("data", (text) => { errors += text; });
      child.on("error", reject);
      child.on("close", (code, signal) => {
        const last = output.trim().split("\n").pop() ?? "";
        resolve({ result: last.startsWith("{") ? JSON.parse(last) : null, code, signal, errors });
      });
    });
  }

  it.each(["default", "stream"])("ends after the step, saves, and is resumed to the same bits (%s)", async (kind) => {
    const whole = await run(kind, folder("whole.safetensors"), folder("whole.jsonl"));
    expect(whole.errors).toBe("");
    const [file, metrics] = [folder("m.safetensors"), folder("m.jsonl")];
    const first = await run(kind, file, metrics, [10]);
    expect(first.code).toBe(0);
    expect(first.result?.history.stopped).toBe("interrupted");
    expect(first.result?.listeners).toBe(0);
    const step = first.result?.history.step;
    expect(step).toBeGreaterThanOrEqual(10);
    expect(step).toBeLessThan(28);
    const second = await run(kind, file, metrics, [20]);
    expect(second.result?.history.stopped).toBe("interrupted");
    const third = await run(kind, file, metrics);
    expect(third.result?.history.stopped).toBe("finished");
    expect(third.result?.values).toEqual(whole.result?.values);
    expect(timeless(third.result?.history as History)).toEqual(timeless(whole.result?.history as History));
    expect(lines(metrics)).toEqual(lines(folder("whole.jsonl")));
  }, 60_000);

  it("ends the process at once the second time", async () => {
    const child = await spawned("twice", `
      import { fit } from ${JSON.stringify(fileURLToPath(new URL("../../src/train/index.ts", import.meta.url)))};
      import { Component, GradientDescent, parameter } from ${JSON.stringify(fileURLToPath(new URL("../../src/index.ts", import.meta.url)))};
      class Scalar extends Component { w = parameter(1); }
      const θ = new Scalar();
      const wait = () => new Promise((resolve) => setTimeout(resolve, 60_000)); // a step that does not end
      await fit(θ, {
        data: [1], cost: () => θ.w.mul(1), optimizer: new GradientDescent(θ, { learningRate: 0 }), epochs: 1, progress: "lines",
        onStep: () => { console.log("ready"); return wait(); },
      });
    `);
    let errors = "";
    child.stdout.once("data", () => child.kill("SIGINT"));
    child.stderr.on("data", (text) => {
      errors += text;
      if (errors.includes("Ctrl-C")) child.kill("SIGINT");
    });
    const signal = await new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)));
    expect(errors).toContain("Ctrl-C: ending after this step. Press it again to quit at once;");
    expect(signal).toBe("SIGINT");
  }, 30_000);

  it("twice within a step that takes long waits for the step, saves, and says so; the third ends the process", async () => {
    const file = folder("m.safetensors");
    const child = await spawned("long", `
      import { writeSync } from "node:fs";
      import { fit } from ${JSON.stringify(fileURLToPath(new URL("../../src/train/index.ts", import.meta.url)))};
      import { Component, GradientDescent, parameter } from ${JSON.stringify(fileURLToPath(new URL("../../src/index.ts", import.meta.url)))};
      class Scalar extends Component { w = parameter(1); }
      const θ = new Scalar();
      const busy = () => { writeSync(1, "busy\\n"); for (const end = Date.now() + 700; Date.now() < end; ); };
      const { stopped, step } = await fit(θ, {
        data: [1, 2, 3], cost: () => { busy(); return θ.w.mul(1); }, optimizer: new GradientDescent(θ, { learningRate: 0 }), epochs: 1,
        progress: "lines", checkpoint: process.argv[2],
      });
      console.log(stopped, step);
      setTimeout(() => {}, 60_000);
    `, file);
    let [output, errors] = ["", ""];
    child.stdout.on("data", (text) => {
      if (output === "") {
        child.kill("SIGINT");
        setTimeout(() => child.kill("SIGINT"), 100);
      }
      output += text;
      if (output.includes("interrupted")) child.kill("SIGINT");
    });
    child.stderr.on("data", (text) => { errors += text; });
    const signal = await new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)));
    expect(output).toBe("busy\ninterrupted 1\n");
    expect(errors).toContain("then saving. Press it again to quit at once; what is pressed while a step runs is heard at its end, as one.");
    expect([signal, existsSync(file)]).toEqual(["SIGINT", true]);
  }, 30_000);
});

describe("a resume that does not succeed", () => {
  /** Everything in the test's folder. */
  const files = () => Object.fromEntries(readdirSync(folder(""), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => [path.join(entry.parentPath, entry.name), readFileSync(path.join(entry.parentPath, entry.name)).toString("base64")]));
  const begun = () => {
    const { θ, ...options } = begin();
    let epoch = 0;
    return { θ, options: {
      ...options, epochs: 4, patience: 10, validate: () => ({ loss: ++epoch }), checkpoint: { path: folder("m.safetensors"), resume: true },
      metrics: folder("m.jsonl"), tensorboard: folder("board"),
    } };
  };
  /** Three epochs and some steps, of which the first epoch was the best. */
  async function stopped() {
    const { θ, options } = begun();
    await fit(θ, { ...options, onStep: ({ step }) => step !== 24 });
  }
  const best = () => folder("m.best.safetensors");
  class Other extends Component { readonly w = parameter([1, 2]); }
  const throws = () => { throw new Error("wrong"); };

  const wrong: Record<string, { before?: () => void; more?: () => object; message: RegExp }> = {
    "the best parameters are gone": { before: () => rmSync(best()), message: /is not there/ },
    "the best parameters are cut off": { before: () => writeFileSync(best(), readFileSync(best()).subarray(0, 100)), message: /cut off/ },
    "the best parameters are another component's": { before: () => save(best(), new Other(), { metadata: { fit: { epoch: 1 } } }), message: /does not fit/ },
    "the best parameters are of another epoch": { before: () => save(best(), begin().θ, { metadata: { fit: { epoch: 2 } } }), message: /has those of epoch 2/ },
    "the checkpoint is cut off": {
      before: () => writeFileSync(folder("m.safetensors"), readFileSync(folder("m.safetensors")).subarray(0, -1)), message: /cut off/,
    },
    "the optimizer is another one": { more: () => ({ optimizer: new GradientDescent(begun().θ, { learningRate: 1 }) }), message: /./ },
    "the generators are others": { more: () => ({ random: [new Random(1), new Random(2)] }), message: /states of 2 generators/ },
    "the data throw at once": { more: () => ({ data: throws }), message: /could not be opened/ },
    "the data throw before they have come to the place": {
      more: () => ({ data: () => (function* () { yield samples(); throw new Error("wrong"); })() }), message: /wrong/,
    },
    "the data are fewer": { more: () => ({ data: () => minibatches(samples(), 50) }), message: /ended after 2 batches, but 3 had been done/ },
    "the cost throws": { more: () => ({ cost: throws }), message: /wrong/ },
    "samples throws": { more: () => ({ samples: throws }), message: /wrong/ },
    "the folder for TensorBoard is a file": {
      before: () => writeFileSync(folder("file"), ""), more: () => ({ tensorboard: folder("file") }), message: /cannot be written/,
    },
    "the metrics are in a folder's place": { before: () => { rmSync(folder("m.jsonl")); mkdirSync(folder("m.jsonl")); }, message: /it is a folder/ },
    "there is no bar": { more: () => ({ progress: "no" }), message: /progress/ },
  };
  it.each(Object.entries(wrong))("writes nothing when %s", async (_, { before, more, message }) => {
    await stopped();
    const good = files();
    before?.();
    const spoiled = files();
    const { θ, options } = begun();
    const { message: said } = await failure(fit(θ, { ...options, ...more?.() } as never));
    expect(said).toMatch(message);
    expect(files()).toEqual(spoiled);
    // And with everything back in its place it goes on.
    if (existsSync(folder("m.jsonl")) && statSync(folder("m.jsonl")).isDirectory()) rmdirSync(folder("m.jsonl"));
    for (const [name, bytes] of Object.entries(good)) writeFileSync(name, Buffer.from(bytes, "base64"));
    const next = begun();
    const history = await fit(next.θ, next.options);
    expect([history.stopped, history.step, history.epochs.length]).toEqual(["finished", 28, 4]);
  });

  it("writes nothing when the signal has aborted, or there is nothing to do", async () => {
    await stopped();
    const good = files();
    for (const more of [{ signal: AbortSignal.abort() }, { epochs: 3 }, { epochs: 0 }]) {
      const { θ, options } = begun();
      await fit(θ, { ...options, ...more });
      expect(files()).toEqual(good);
    }
  });

  it("leaves the component as it was when the checkpoint does not fit", async () => {
    await stopped();
    const { θ, options } = begun();
    const before = values(θ);
    rmSync(best());
    await failure(fit(θ, options));
    expect(values(θ)).toEqual(before);
  });

  it("takes 150,000 epochs", async () => {
    const θ = new Scalar();
    const optimizer = new GradientDescent(θ, { learningRate: 1 });
    const records = new Records();
    for (let epoch = 1; epoch <= 150_000; epoch++) {
      records.push({ epoch, step: epoch, steps: 1, samples: null, loss: -epoch, metrics: {}, validation: null, learningRate: 1, seconds: 0 });
    }
    const state: TrainingState = {
      epoch: 150_001, batch: 0, step: 150_000, start: null, jumps: [], now: [Random.default.state], means: [], samples: 0, learningRate: 1,
      records: records.state,
      curve: { every: 1, step: [], loss: [], sum: 0, count: 0 }, batches: 1, run: undefined, monitor: { name: "loss", maximize: false, validation: false },
      best: null, bestIsKept: false,
      patience: { epoch: 150_000, frustration: 0, best: -150_000, bestEpoch: 150_000 }, seconds: 1, epochSeconds: 0,
    };
    save(folder("m.safetensors"), θ, { optimizer, metadata: { fit: encodeState(state) } });
    const history = await fit(θ, {
      data: [1], cost: () => θ.w.mul(-1), optimizer, epochs: 150_001, progress: "none", checkpoint: { path: folder("m.safetensors"), resume: true },
    });
    expect([history.epochs.length, history.epochs[149_999].loss, history.step]).toEqual([150_001, -150_000, 150_001]);
    report(folder("r.html"), history);
  });
});

describe("what was best", () => {
  /** Trains with the given losses and accuracies of epochs; parameters count the steps. */
  async function run(epochs: number, more: Partial<FitOptions<number>>, file = "m.safetensors") {
    const θ = new Scalar();
    const accuracies = [0.5, 0.6, 0.7, 0.1, 0.2, 0.15, 0.14, 0.13];
    const history = await fit(θ, {
      data: [1], cost: () => ({ loss: θ.w.mul(-1), late: -θ.w.item() }), optimizer: new GradientDescent(θ, { learningRate: 1 }), epochs, progress: "none",
      checkpoint: { path: folder(file), resume: true },
      validate: () => ({ accuracy: accuracies[θ.w.item() - 1], loss: 1 / θ.w.item() }), ...more,
    });
    return { θ, best: history.best, epochs: history.epochs.length };
  }

  it("by the same number counts after a resume", async () => {
    const more = { monitor: "accuracy" };
    await run(3, { ...more, patience: new Patience(2, { maximize: true }) });
    // 0.1, 0.2 and 0.15 are no better than 0.7.
    expect(await run(8, { ...more, patience: new Patience(2, { maximize: true }) })).toMatchObject({ best: { epoch: 3, value: 0.7 }, epochs: 6 });
  });

  it.each<[string, Partial<FitOptions<number>>, () => Partial<FitOptions<number>>, object]>([
    // The losses get better until the end: 1/3 is no accuracy to be beaten.
    [
      "another number", { monitor: "loss" }, () => ({ monitor: "accuracy", patience: new Patience(2, { maximize: true }) }),
      { best: { epoch: 5, value: 0.2, name: "accuracy" }, epochs: 8 },
    ],
    [
      "the other direction", { monitor: "accuracy" }, () => ({ monitor: "accuracy", patience: new Patience(2, { maximize: true }) }),
      { best: { epoch: 5, value: 0.2 }, epochs: 8 },
    ],
    [
      "validation instead of training", { monitor: "loss", validate: undefined }, () => ({ monitor: "loss", patience: 2 }),
      { best: { epoch: 8, value: 1 / 8 }, epochs: 8 },
    ],
    [
      "training instead of validation", { monitor: "loss" }, () => ({ monitor: "loss", patience: 2, validate: undefined }),
      { best: { epoch: 8, value: -7 }, epochs: 8 },
    ],
  ])("by %s does not count", async (_, first, second, expected) => {
    await run(3, { patience: 2, ...first });
    const { θ, ...found } = await run(8, second());
    expect(found).toMatchObject(expected);
    expect(θ.w.item()).toBe(found.best?.epoch); // these parameters were put back
  });

  it("in a checkpoint of the first version is known with its direction, and its means go on", async () => {
    const again = async (maximize: boolean) => {
      for (const name of ["m", "m.best"]) {
        copyFileSync(new URL(`./${name.replace("m", "first-version")}.safetensors`, import.meta.url), folder(`${name}.safetensors`));
      }
      const θ = new Scalar();
      let epoch = 2;
      return { θ, history: await fit(θ, {
        data: () => minibatches({ x: Float32Array.of(1, 2, 3, 4, 5) }, 2), cost: ({ x }) => ({ loss: θ.w.mul(-1), first: Array.from(x)[0] }),
        optimizer: new GradientDescent(θ, { learningRate: 1 }), epochs: 4, progress: "none", monitor: "score", patience: new Patience(5, { maximize }),
        validate: () => ({ score: [0.5, 0.75, 0.7, 0.6][epoch++] }), checkpoint: { path: folder("m.safetensors"), resume: true },
      }) };
    };
    const { θ, history } = await again(true);
    expect(history).toMatchObject({ step: 12, best: { epoch: 2, value: 0.75 } });
    expect(θ.w.item()).toBe(6);
    // Of 1, 3 and 5 in batches of 2, 2 and 1: before, every batch counted as much; the third epoch was half done.
    expect(history.epochs.map(({ metrics }) => metrics.first)).toEqual([3, 3, 2.6, 2.6]);
    expect(history.epochs.map(({ validation }) => validation?.score)).toEqual([0.5, 0.75, 0.7, 0.6]);
    expect((await again(false)).history.best).toMatchObject({ epoch: 4, value: 0.6 });
  });
});

describe("a checkpoint of fit", () => {
  const counting = () => {
    const θ = new Scalar();
    return { θ, data: [1, 2, 3], cost: () => θ.w.mul(-1), optimizer: new GradientDescent(θ, { learningRate: 1 }), epochs: 2, progress: "none" as const };
  };
  const stored = (file: string) => {
    const θ = new Scalar();
    restore(file, { into: θ });
    return θ.w.item();
  };

  it("is there before the first step, and after each epoch or so many steps", async () => {
    const file = folder("deep/er/m.safetensors");
    const { θ, ...options } = counting();
    const seen: number[] = [];
    await fit(θ, { ...options, checkpoint: file, onStep: () => { seen.push(stored(file)); } });
    expect(seen).toEqual([0, 0, 0, 3, 3, 3]);
    const steps: number[] = [];
    const { θ: third, ...rest } = counting();
    await fit(third, { ...rest, checkpoint: { path: file, every: { steps: 2 }, overwrite: true }, onStep: () => { steps.push(stored(file)); } });
    expect(steps).toEqual([0, 0, 2, 2, 4, 4]);
    expect(stored(file)).toBe(6);
  });

  it("has the last parameters; those of the best epoch are in a file beside it", async () => {
    const file = folder("m.safetensors");
    const { θ, ...options } = counting();
    let epoch = 0;
    await fit(θ, { ...options, epochs: 3, checkpoint: file, restoreBest: true, validate: () => [3, 1, 2][epoch++] });
    expect([θ.w.item(), stored(file), stored(folder("m.best.safetensors"))]).toEqual([6, 9, 6]);
  });

  it("is not replaced unasked, nor resumed", async () => {
    const file = folder("m.safetensors");
    const { θ, ...options } = counting();
    await fit(θ, { ...options, checkpoint: file });
    const before = readFileSync(file);
    const error = await failure(fit(θ, { ...options, checkpoint: file }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain("is there already");
    expect(readFileSync(file).equals(before)).toBe(true);
    const { θ: other, ...more } = counting();
    expect((await fit(other, { ...more, checkpoint: { path: file, overwrite: true } })).step).toBe(6);
  });

  it("is not spoiled by a loss or parameters that are not finite", async () => {
    const file = folder("m.safetensors");
    const { θ, ...options } = counting();
    const error = await failure(fit(θ, { ...options, checkpoint: file, data: (epoch) => (epoch === 1 ? [1, 2] : [1, NaN]), cost: (x) => θ.w.mul(-x) }));
    expect(error).toBeInstanceOf(DivergenceError);
    expect(error.message).toContain(`The checkpoint ${file} is as it was before.`);
    expect(stored(file)).toBe(3);
    const { θ: other, ...more } = counting();
    const path = folder("n.safetensors");
    // The gradient of √ at 0 is infinite, the loss is not.
    const second = await failure(fit(other, { ...more, checkpoint: { path, every: { steps: 1 } }, cost: () => other.w.sqrt() }));
    expect(second).toBeInstanceOf(DivergenceError);
    expect(stored(path)).toBe(0);
  });

  it("is written with what was done when data, cost or a callback fail; training then goes on from there", async () => {
    for (const [i, wrong] of [
      { data: function* () { yield 1; yield 2; throw new Error("x"); } },
      { cost: (x: number) => { if (x === 3) throw new Error("x"); return θs[0].w.mul(-1); } },
      { onStep: ({ step }: { step: number }) => { if (step === 2) throw new Error("x"); } },
    ].entries()) {
      const file = folder(`m${i}.safetensors`);
      const { θ, ...options } = counting();
      θs[0] = θ;
      const error = await failure(fit(θ, { ...options, ...wrong, checkpoint: file } as never));
      expect([error.name, error.step, stored(file)]).toEqual(["TrainingError", 2, 2]);
      const { θ: next, ...more } = counting();
      expect((await fit(next, { ...more, checkpoint: { path: file, resume: true } })).step).toBe(6);
      expect(next.w.item()).toBe(6);
    }
  });
  const θs = [new Scalar()];

  it("that cannot be written stops the training, and says that the old one is intact", async () => {
    const file = folder("m.safetensors");
    const { θ, ...options } = counting();
    const error = await failure(fit(θ, { ...options, checkpoint: file, onStep: ({ step }) => {
      if (step !== 4) return;
      rmSync(file);
      mkdirSync(file); // nothing can be renamed to it
    } }));
    expect(error).toBeInstanceOf(TrainingError);
    expect(error.message).toContain("could not be written after step 6");
    expect(error.cause).toBeDefined();
    expect([error.step, θ.w.item()]).toEqual([6, 6]);
    expect(readdirSync(folder("")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)("in a read-only folder shows before the first step", async () => {
    mkdirSync(folder("locked"));
    chmodSync(folder("locked"), 0o555);
    const { θ, ...options } = counting();
    expect(await failure(fit(θ, { ...options, checkpoint: folder("locked/m.safetensors") }))).toMatchObject({ name: "TrainingError", step: 0 });
  });

  it("of something else is refused, with the reason", async () => {
    const file = folder("m.safetensors");
    const { θ, ...options } = counting();
    save(file, θ, { optimizer: options.optimizer });
    expect((await failure(fit(θ, { ...options, checkpoint: { path: file, resume: true } }))).message).toContain("it was not written by fit");
    await fit(θ, { ...options, checkpoint: { path: file, overwrite: true } });
    class Other extends Component { readonly w = parameter([1, 2]); }
    const other = new Other();
    await expect(
      fit(other, { ...options, optimizer: new GradientDescent(other, { learningRate: 1 }), checkpoint: { path: file, resume: true } }),
    ).rejects.toThrow(ShapeError);
    await expect(fit(θ, { ...options, random: new Random(1), checkpoint: { path: file, resume: true } })).rejects.toThrow(
      "has the states of 1 generators, but fit was given 2",
    );
    writeFileSync(file, readFileSync(file).subarray(0, 100));
    expect(await failure(fit(θ, { ...options, checkpoint: { path: file, resume: true } }))).toMatchObject({ name: "CheckpointError" });
  });

  it("that has no state to go on from changes nothing; a folder is no checkpoint", async () => {
    const { θ, ...options } = counting();
    const file = folder("m.safetensors");
    for (const metadata of [{ fit: { version: 1 } }, { fit: 3 }, {}] as const) {
      const other = new Scalar();
      other.w.assign(7);
      save(file, other, { metadata });
      expect((await failure(fit(θ, { ...options, checkpoint: { path: file, resume: true } }))).message)
        .toContain("not the state of a training that could go on");
      expect(θ.w.item()).toBe(0);
    }
    mkdirSync(folder("sub"));
    expect((await failure(fit(θ, { ...options, checkpoint: folder("sub") }))).message).toContain("is a folder");
  });

  it("has a history of any length in arrays, not in its header", async () => {
    const header = async (epochs: number) => {
      const { θ, ...options } = counting();
      await fit(θ, {
        ...options, data: [1], epochs, checkpoint: { path: folder("m.safetensors"), every: 1e6, overwrite: true }, validate: () => ({ accuracy: 0.5 }),
      });
      return readFileSync(folder("m.safetensors")).readUInt32LE(0);
    };
    const [few, many] = [await header(3), await header(3000)];
    expect(many - few).toBeLessThan(200); // more digits in some numbers
    const { θ, ...options } = counting();
    const { epochs } =
      await fit(θ, { ...options, data: [1], epochs: 3001, checkpoint: { path: folder("m.safetensors"), resume: true }, validate: () => ({ accuracy: 0.5 }) });
    expect(epochs.map(({ epoch, step, steps, loss, validation }) => [epoch, step, steps, loss, validation?.accuracy]))
      .toEqual(Array.from({ length: 3001 }, (_, i) => [i + 1, i + 1, 1, -i || expect.any(Number), 0.5]));
  });

  it("needs data with as many batches, in the middle of an epoch", async () => {
    const { θ, ...options } = counting();
    const file = folder("m.safetensors");
    await fit(θ, { ...options, data: [1, 2, 3, 4], checkpoint: file, onStep: ({ step }) => step < 2 });
    const error = await failure(fit(θ, { ...options, data: [1, 2, 3], checkpoint: { path: file, resume: true } }));
    expect(error.message).toContain("The data have 3 batches an epoch, but had 4");
  });

  it("needs the same data, and the file of the best parameters", async () => {
    const file = folder("m.safetensors");
    const { θ, ...options } = counting();
    await fit(θ, { ...options, checkpoint: file, restoreBest: true, onStep: ({ step }) => step < 5 });
    const resumed = { path: file, resume: true };
    const best = folder("m.best.safetensors");
    const error = await failure(fit(θ, { ...options, data: function* () { yield 1; }, checkpoint: resumed }));
    expect(error.message).toContain("The data of epoch 2 ended after 1 batches, but 2 had been done");
    expect(existsSync(best)).toBe(true);
    rmSync(best);
    const missing = await failure(fit(θ, { ...options, checkpoint: resumed, restoreBest: true }));
    expect(missing).toBeInstanceOf(UsageError);
    expect(missing.message).toContain(`${path.basename(best)} is not there`);
    expect((await fit(θ, { ...options, checkpoint: resumed })).step).toBe(6);
  });

  it("finds the best parameters in itself if the other file did not follow before a crash", async () => {
    const file = folder("m.safetensors");
    const best = folder("m.best.safetensors");
    const { θ, ...options } = counting();
    let epoch = 0;
    await fit(θ, { ...options, epochs: 1, checkpoint: file, restoreBest: true, validate: () => 4 });
    rmSync(best);
    const { θ: next, ...more } = counting();
    await fit(next, {
      ...more, epochs: 3, cost: () => next.w.mul(-1), checkpoint: { path: file, resume: true }, restoreBest: true, validate: () => 5 + epoch++,
    });
    expect(existsSync(best)).toBe(true);
    expect(next.w.item()).toBe(3);
  });

  it("does not take the file of an earlier training for its own that did not follow before a crash", async () => {
    const file = folder("m.safetensors");
    const best = folder("m.best.safetensors");
    const { θ, ...options } = counting();
    const earlier = new Scalar();
    earlier.w.assign(100);
    save(best, earlier, { metadata: { fit: { epoch: 1 } } });
    const old = readFileSync(best);
    await fit(θ, { ...options, epochs: 1, checkpoint: { path: file, overwrite: true }, restoreBest: true, validate: () => 4 });
    writeFileSync(best, old);
    const { θ: next, ...more } = counting();
    await fit(next, { ...more, epochs: 3, checkpoint: { path: file, resume: true }, restoreBest: true, validate: () => 5 });
    expect([next.w.item(), stored(best)]).toEqual([3, 3]);
  });
});
