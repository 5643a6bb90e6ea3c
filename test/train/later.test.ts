import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { renameDevice } from "../../src/devices/current.ts";
import { ReferenceDevice } from "../../src/devices/reference/reference.ts";
import {
  Adam, Component, cost, DeviceError, evaluate, gather, input, LBFGS, parameter, ParameterAverage, schedule, seed, setDevice, softmax, state, ValueError, zeros,
} from "../../src/index.ts";
import { FeedForward } from "../../src/components/index.ts";
import { minibatches } from "../../src/data/index.ts";
import { type FitOptions, fit, heatmap, heatmapAsync, type History, metric, readMetrics, TrainingError } from "../../src/train/index.ts";
import { DelayingDevice } from "../devices/delaying.ts";
import { onBoth, unwaited } from "../devices/unwaited.ts";
import { failure, folders, samples } from "./helpers.ts";

const folder = folders();
const numbers = async (θ: Component) => Promise.all([...θ.parameters(), ...θ.namedState().values()].map(async (x) => Array.from(await x.read())));

const withoutTimes = (history: History) => ({ ...history, seconds: 0, epochs: history.epochs.map((epoch) => ({ ...epoch, seconds: 0 })) });

/** A training with all that may be read. Interrupted after a step, it goes on. */
async function train(path: string, options: Pick<FitOptions<never>, "onDeviceLost"> = {}, stops = [6]) {
  await setDevice("reference");
  const [table, test] = [samples(), samples()];
  return async () => {
    const run = async (stopAt: number) => {
      seed(5);
      class Model extends Component {
        readonly net = new FeedForward({ inputs: 6, hidden: [5], outputs: 3, dropout: 0.1 });
        readonly seen = state(0);
      }
      const θ = new Model();
      const measured = ({ x, y }: typeof table) => {
        const scores = θ.net.forward(x);
        θ.seen.assign(θ.seen.add(1));
        const loss = cost.categoricalCrossEntropyWithScores(scores, y, { reduction: "mean" });
        return { loss, right: metric.accuracy(scores, y), confusions: metric.confusionMatrix(scores, y) };
      };
      const rate = schedule.plateau(0.05, { factor: 0.5, patience: 0 });
      const history = await fit(θ, {
        data: minibatches(table, 16, { shuffle: true }), cost: measured, optimizer: new Adam(θ, { learningRate: rate }), epochs: 3, progress: "none",
        accumulate: 2, ema: new ParameterAverage(θ, { decay: 0.9 }), plateau: rate, validate: { data: minibatches(test, 50), cost: measured }, patience: 5,
        checkpoint: { path, resume: true, every: { steps: 3 } }, onStep: ({ step }) => step !== stopAt,
        ...options,
      });
      return { history, values: await numbers(θ) };
    };
    for (const stopAt of stops) await run(stopAt);
    const { history, values } = await run(Infinity);
    return { values, history: withoutTimes(history) };
  };
}

describe("fit on a device that answers later", () => {
  it("never waits, and gives what it gives elsewhere, with all that it has", async () => {
    const atOnce = await (await train(folder("a.safetensors")))();
    const run = await train(folder("b.safetensors"));
    const device = unwaited();
    const later = await run();
    expect(device.waits).toBe(0);
    expect(later).toEqual(atOnce);
  });

  it("says what goes wrong where it was, with parameters as before", async () => {
    const run = async () => {
      class Table extends Component { readonly w = parameter([[1, 2], [3, 4]]); }
      const θ = new Table();
      const optimizer = new Adam(θ, { learningRate: 0.1 });
      const before: number[][][] = [];
      const training = fit(θ, {
        data: (epoch) => (epoch === 1 ? [0, 1, 0] : [1, 7, 0]), cost: (row) => gather(θ.w, input(row).mul(1)).sum(), optimizer, epochs: 3, progress: "none",
        onStep: async () => { before.push(await numbers(θ)); },
      });
      const { message, cause, epoch, batch, step } = await failure(training);
      expect(await numbers(θ)).toEqual(before.at(-1));
      return { message, cause: (cause as Error).message, isTyped: cause instanceof ValueError, epoch, batch, step, count: optimizer.step, before };
    };
    await setDevice("reference");
    const atOnce = await run();
    unwaited();
    const later = await run();
    expect(later).toEqual(atOnce);
    expect(later).toMatchObject({ isTyped: true, epoch: 2, batch: 2, step: 4, count: 4 });
  });

  it("with LBFGS never waits, and gives what it gives elsewhere", async () => {
    const { history, values } = await onBoth(async () => {
      class Table extends Component { readonly w = parameter([[1, 2], [3, 4]]); }
      const θ = new Table();
      const cost = (target: number) => ({ loss: θ.w.sub(target).pow(4).sum(), right: metric.accuracy(θ.w, [0, 1]) });
      const history = await fit(θ, { data: [1], cost, optimizer: new LBFGS(θ, { maxIterations: 3 }), epochs: 3, progress: "none" });
      return { history: withoutTimes(history), values: await numbers(θ) };
    });
    expect(history.epochs.map(({ loss }) => loss)).toEqual([98, expect.any(Number), expect.any(Number)]);
    expect(Math.max(...values[0].map((value) => Math.abs(value - 1)))).toBeLessThan(0.5);
  });
});

describe("a device that is lost", () => {
  const begin = (path: string, options: Partial<FitOptions<number>> = {}) => {
    class Table extends Component { readonly w = parameter([[1, 2], [3, 4]]); readonly seen = state(0); }
    const θ = new Table();
    const cost = (row: number) => {
      θ.seen.assign(θ.seen.add(1));
      return gather(θ.w, input(row).mul(1)).pow(2).sum();
    };
    const [optimizer, ema] = [new Adam(θ, { learningRate: 0.1 }), new ParameterAverage(θ, { decay: 0.5 })];
    const run = () => fit(θ, {
      data: [0, 1, 0], cost, optimizer, ema, epochs: 2, progress: "none", accumulate: 2, validate: { data: [0, 1], cost }, restoreBest: true,
      checkpoint: { path, resume: true }, ...options,
    });
    return { θ, optimizer, run, values: () => numbers(θ) };
  };

  it("at any launch is the cause of an error, and another fit goes on from the checkpoint", async () => {
    await setDevice("reference");
    const whole = begin(folder("whole.safetensors"));
    await whole.run();
    for (let launch = 0; ; launch++) {
      const path = folder(`${launch}.safetensors`);
      await setDevice("reference");
      const lost = begin(path);
      unwaited().loseAfter = launch;
      const error = await lost.run().then(() => null, (error: unknown) => error);
      if (error === null) {
        expect(launch).toBeGreaterThan(20);
        break;
      }
      const { cause } = error as Error;
      expect([error, cause]).toEqual([expect.any(TrainingError), expect.any(DeviceError)]);
      expect([(cause as DeviceError).reason, (error as Error).message]).toEqual(["lost", expect.not.stringContaining("Besides")]);
      await setDevice("reference");
      const again = begin(path);
      await again.run();
      expect(await again.values()).toEqual(await whole.values());
    }
  });

  const made: DelayingDevice[] = [];
  /** Lets the reference device be one that answers later, and is lost at a launch each time that it is made. */
  const losing = async (...launches: number[]) => {
    renameDevice("reference", () => {
      const device = new DelayingDevice({ name: "reference", canWait: false, delay: 0.01, seed: made.length + 1 });
      device.loseAfter = launches.shift() ?? Infinity;
      made.push(device);
      return device;
    });
    await setDevice("reference");
  };
  afterEach(async () => {
    renameDevice("reference", () => new ReferenceDevice());
    await Promise.all(made.splice(0).map((device) => device.close()));
  });
  const lines = (path: string) => readMetrics(path).map((line) => ({ ...line, time: 0, seconds: 0 }));

  it("at any launch does not change a training that goes on by itself", async () => {
    await setDevice("reference");
    const whole = begin(folder("whole.safetensors"), { metrics: folder("whole.jsonl") });
    const history = withoutTimes(await whole.run());
    for (let launch = 0; ; launch += 3) {
      const [metrics, before] = [folder(`${launch}.jsonl`), made.length];
      const lost = begin(folder(`${launch}.safetensors`), { metrics, onDeviceLost: "resume" });
      await losing(launch);
      expect(withoutTimes(await lost.run())).toEqual(history);
      expect(await lost.values()).toEqual(await whole.values());
      expect(lines(metrics)).toEqual(lines(folder("whole.jsonl")));
      if (made.length === before + 1) break;
      expect(launch).toBeLessThan(100);
    }
  });

  it("is found behind the error of a callback, too", async () => {
    await setDevice("reference");
    const whole = begin(folder("whole.safetensors"));
    await whole.run();
    const steps: number[] = [];
    const lost = begin(folder("lost.safetensors"), {
      onDeviceLost: "resume",
      onStep: async ({ step }) => {
        if (steps.push(step) !== 3) return;
        made[0].lose("a test has ended it");
        await lost.θ.w.read().catch((cause) => { throw new Error("no weights", { cause }); });
      },
    });
    await losing();
    await lost.run();
    expect(steps).toEqual([1, 2, 3, 3, 4]);
    expect(await lost.values()).toEqual(await whole.values());
  });

  it("again and again does not change one with all that it may have, if it gets on in between", async () => {
    const atOnce = await (await train(folder("a.safetensors"), {}, []))();
    const run = await train(folder("b.safetensors"), { onDeviceLost: "resume" }, []);
    await losing(18, 18, 18, 18);
    expect(await run()).toEqual(atOnce);
    expect(made.length).toBeGreaterThan(3);
  });

  it("again before another checkpoint is an error, and so is one that cannot be made anew", async () => {
    const lost = begin(folder("a.safetensors"), { onDeviceLost: "resume" });
    await losing(9, 0);
    const again = await failure(lost.run());
    expect([again, again.cause]).toEqual([expect.any(TrainingError), expect.objectContaining({ reason: "lost", device: "reference" })]);
    expect([made.length, again.message]).toEqual([2, expect.stringContaining("It could not be resumed: The device reference has been lost")]);
    const once = begin(folder("c.safetensors"), { onDeviceLost: "resume" });
    await losing(9, 4);
    await expect(once.run()).rejects.toThrow(TrainingError);
    expect(made.length).toBe(4);

    const gone = begin(folder("b.safetensors"), { onDeviceLost: "resume" });
    await losing(9);
    renameDevice("reference", () => { throw new DeviceError("There is no adapter.", "missing"); });
    const error = await failure(gone.run());
    expect([error, error.cause]).toEqual([expect.any(TrainingError), expect.objectContaining({ reason: "lost" })]);
    expect(error.message).toMatch(/It could not be resumed: There is no adapter\.$/);
  });

  it("before a checkpoint has been written leaves one of another training alone", async () => {
    const path = folder("a.safetensors");
    await setDevice("reference");
    await begin(path).run();
    const bytes = readFileSync(path);
    const lost = begin(path, { onDeviceLost: "resume", checkpoint: { path, overwrite: true } });
    await losing();
    lost.optimizer.minimize(() => lost.θ.w.sum());
    made[0].lose("a test has ended it");
    await expect(lost.run()).rejects.toThrow(/has been lost/);
    expect([made.length, readFileSync(path)]).toEqual([1, bytes]);
  });

  it("is gone on from only where there is a checkpoint", async () => {
    const path = folder("a.safetensors");
    await expect(begin(path, { onDeviceLost: "resume", checkpoint: undefined }).run()).rejects.toThrow(/no checkpoint to go on from\. Give it one/);
    await expect(begin(path, { onDeviceLost: "wait" as never }).run()).rejects.toThrow('fit takes "resume" as onDeviceLost, but got "wait"');
    await expect(begin(path, { onDeviceLost: true as never }).run()).rejects.toThrow(ValueError);
  });
});

describe("on a device that answers later", () => {
  it("metrics and heat maps are read", async () => {
    unwaited();
    const table = evaluate(() => softmax(zeros([2, 2])));
    expect(await heatmapAsync(table)).toBe(heatmap([[0.5, 0.5], [0.5, 0.5]]));
    const right = () => evaluate(() => metric.accuracy(input([[2, 1], [0, 3]]).mul(1), [0, 0]));
    expect(await right().resultAsync()).toBe(0.5);
    expect((await new metric.Running().addAsync(right())).result()).toBe(0.5);
  });
});
