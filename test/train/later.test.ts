import { describe, expect, it } from "vitest";
import {
  Adam, Component, cost, DeviceError, evaluate, gather, input, parameter, ParameterAverage, schedule, seed, setDevice, softmax, state, ValueError, zeros,
} from "../../src/index.ts";
import { FeedForward } from "../../src/components/index.ts";
import { minibatches } from "../../src/data/index.ts";
import { fit, heatmap, heatmapAsync, metric, TrainingError } from "../../src/train/index.ts";
import { unwaited } from "../devices/unwaited.ts";
import { failure, folders, samples } from "./helpers.ts";

const folder = folders();
const numbers = async (θ: Component) => Promise.all([...θ.parameters(), ...θ.namedState().values()].map(async (x) => Array.from(await x.read())));

/** A training with all that may be read. Interrupted after a step, it goes on. */
async function train(path: string) {
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
      });
      return { history, values: await numbers(θ) };
    };
    await run(6);
    const { history, values } = await run(Infinity);
    return { values, history: { ...history, seconds: 0, epochs: history.epochs.map((epoch) => ({ ...epoch, seconds: 0 })) } };
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
});

describe("a device that is lost", () => {
  const begin = (path: string) => {
    class Table extends Component { readonly w = parameter([[1, 2], [3, 4]]); readonly seen = state(0); }
    const θ = new Table();
    const cost = (row: number) => {
      θ.seen.assign(θ.seen.add(1));
      return gather(θ.w, input(row).mul(1)).pow(2).sum();
    };
    const run = () => fit(θ, {
      data: [0, 1, 0], cost, optimizer: new Adam(θ, { learningRate: 0.1 }), epochs: 2, progress: "none", accumulate: 2,
      ema: new ParameterAverage(θ, { decay: 0.5 }), validate: { data: [0, 1], cost }, restoreBest: true, checkpoint: { path, resume: true },
    });
    return { run, values: () => numbers(θ) };
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
