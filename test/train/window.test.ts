/** Updates of several batches, and by optimizers that evaluate the cost themselves. */

import { afterEach, describe, expect, it } from "vitest";
import { SoftmaxRegression } from "../../src/components/index.ts";
import { minibatches } from "../../src/data/index.ts";
import { Component, evaluate, GradientDescent, grad, input, LBFGS, mean, Momentum, parameter, setDevice, state, type Variable } from "../../src/index.ts";
import { DivergenceError, type FitOptions, fit, type History, readMetrics, type StepEvent } from "../../src/train/index.ts";
import { begin, beginStream, failure, folders, samples, values } from "./helpers.ts";

const folder = folders();
afterEach(() => { setDevice("wasm"); });

const timeless = ({ seconds: _, epochs, ...history }: History) => ({ ...history, epochs: epochs.map(({ seconds: _, ...epoch }) => epoch) });
const table = samples();
type Batch = typeof table;

/** A regression whose cost is the mean over the samples of a batch. */
function regression() {
  const θ = new SoftmaxRegression({ inputs: 6, outputs: 3 });
  for (const p of θ.parameters()) p.assign(p.data.map((_, i) => Math.sin(i)));
  return { θ, optimizer: new Momentum(θ, { learningRate: 0.1 }), cost: ({ x, y }: Batch) => θ.cost(x, y, { reduction: "mean" }), progress: "none" as const };
}

describe("fit with accumulate", () => {
  it("updates as by one batch of all samples, also where batches differ in size", async () => {
    setDevice("reference");
    const [{ θ: large, ...one }, { θ: small, ...several }] = [regression(), regression()];
    const history = await fit(large, { ...one, data: minibatches(table, 40), epochs: 2 });
    // 16, 16 and 8 samples, twice an epoch, and 20 as 16 and 4
    const parts = [0, 40, 80].flatMap((from) => (from < 80 ? [16, 16, 8] : [16, 4]).map((size, i) => [from + 16 * i, size] as const));
    const whole = { x: table.x.toArray() as number[][], y: Array.from(table.y as ArrayLike<number>) };
    const batches = parts.map(([from, size]) => ({ x: input(whole.x.slice(from, from + size)), y: whole.y.slice(from, from + size) })) as unknown as Batch[];
    const events: StepEvent[] = [];
    const found = await fit(small, {
      ...several, data: batches, epochs: 2, accumulate: 3, samples: ({ y }: Batch) => (y as ArrayLike<number>).length,
      onStep: (event) => { events.push(event); },
    });
    values(small).flat().forEach((value, i) => { expect(value).toBeCloseTo(values(large).flat()[i], 12); });
    expect([found.step, history.step, several.optimizer.step]).toEqual([6, 6, 6]);
    found.curve.loss.forEach((loss, i) => { expect(loss).toBeCloseTo(history.curve.loss[i], 12); });
    expect(found.epochs.map(({ steps, samples, step }) => [steps, samples, step])).toEqual([[3, 100, 3], [3, 100, 6]]);
    expect(found.epochs[1].loss).toBeCloseTo(history.epochs[1].loss, 12);
    expect(events.map(({ epoch, batch, step, samples, batches }) => [epoch, batch, step, samples, batches]).slice(0, 4))
      .toEqual([[1, 3, 1, 40, 8], [1, 6, 2, 40, 8], [1, 8, 3, 20, 8], [2, 3, 4, 40, 8]]);
  });

  it("gives batches the weight that the cost says, as a number or a Variable", async () => {
    for (const wrap of [(x: number) => x, (x: number) => input(x), (x: number) => input([x])]) {
      class Mean extends Component { readonly m = parameter(0); }
      const θ = new Mean();
      const optimizer = new GradientDescent(θ, { learningRate: 1 });
      const cost = ([value, weight]: number[]) => ({ loss: θ.m.mul(-value), twice: 2 * value, weight: wrap(weight) });
      const history = await fit(θ, { data: [[1, 1], [5, 3]], cost, optimizer, epochs: 1, accumulate: 2, progress: "none" });
      // (1 · 1 + 5 · 3) / 4
      expect([θ.m.item(), history.epochs[0].metrics, history.curve.loss.map(Math.abs)]).toEqual([4, { twice: 8 }, [0]]);
    }
  });

  it("is the same as without for one batch, to the bit", async () => {
    const run = async (more: object) => {
      const { θ, ...options } = begin();
      const history = await fit(θ, { ...options, ...more, epochs: 3 });
      return [values(θ), timeless(history)];
    };
    expect(await run({ accumulate: 1 })).toEqual(await run({}));
  });

  const starts = { table: () => begin(), stream: () => beginStream() as unknown as ReturnType<typeof begin> };
  it.each(Object.entries(starts))("is resumed to the same bits, also when stopped within what is to be one update: %s", async (_, start) => {
    const run = async (more: Partial<FitOptions<never>>) => {
      const { θ, optimizer, random, data, cost } = start();
      const options = { data, cost, optimizer, random, epochs: 3, accumulate: 3, progress: "none" as const, ...more };
      return { θ, history: await fit(θ, options as never) };
    };
    const whole = await run({ metrics: folder("whole.jsonl") });
    expect(whole.history.step).toBe(9);
    const lines = (file: string) => readMetrics(file).map(({ time: _, seconds: __, ...line }) => line);
    for (const stopAt of [1, 3, 5]) {
      const [file, metrics] = [folder(`model${stopAt}.safetensors`), folder(`m${stopAt}.jsonl`)];
      await run({ checkpoint: { path: file, every: { steps: 2 } }, metrics, onStep: ({ step }) => step !== stopAt });
      const again = await run({ checkpoint: { path: file, resume: true }, metrics });
      expect(timeless(again.history)).toEqual(timeless(whole.history));
      expect(values(again.θ)).toEqual(values(whole.θ));
      expect(lines(metrics)).toEqual(lines(folder("whole.jsonl")));
    }
    // Data that are waited for when the signal aborts: the batches since the last update are forgotten, with what they wrote into state.
    const controller = new AbortController();
    const file = folder("aborted.safetensors");
    let count = 0;
    const { data } = start();
    const waiting = async function* () {
      for await (const batch of data()) {
        if (++count === 6) {
          controller.abort();
          await new Promise(() => {});
        }
        yield batch;
      }
    };
    const { θ, ...first } = start();
    await fit(θ, { ...first, data: waiting, epochs: 3, accumulate: 3, checkpoint: file, signal: controller.signal });
    const again = await run({ checkpoint: { path: file, resume: true } });
    expect(timeless(again.history)).toEqual(timeless(whole.history));
    expect(values(again.θ)).toEqual(values(whole.θ));
  });

  it("goes on from the last update when a batch fails", async () => {
    class Counting extends Component {
      readonly w = parameter(1);
      readonly seen = state(0);
      cost(x: number): Variable {
        this.seen.assign(this.seen.add(1));
        return this.w.mul(x);
      }
    }
    const run = async (fails: boolean, checkpoint: object) => {
      const θ = new Counting();
      const options = { optimizer: new GradientDescent(θ, { learningRate: 0.1 }), epochs: 1, accumulate: 2, progress: "none" as const, ...checkpoint };
      const cost = (x: number) => {
        if (fails && x === 4) throw new RangeError("mine");
        return θ.cost(x);
      };
      const history = fit(θ, { data: [1, 2, 3, 4, 5], cost, ...options });
      return fails ? { θ, error: await failure(history) } : { θ, history: await history };
    };
    const whole = await run(false, {});
    const first = await run(true, { checkpoint: folder("m.safetensors") });
    expect([first.θ.seen.item(), first.θ.w.grad, first.error?.step, first.error?.batch]).toEqual([2, null, 1, 4]);
    const again = await run(false, { checkpoint: { path: folder("m.safetensors"), resume: true } });
    expect([again.θ.seen.item(), again.θ.w.item(), again.history?.step]).toEqual([5, whole.θ.w.item(), 3]);
  });

  it("ends with an error where a batch diverges, and makes no update of the others", async () => {
    const { θ, optimizer } = regression();
    const before = values(θ);
    const error = await failure(fit(θ, {
      data: [1, NaN], cost: (x: number) => mean(θ.parameters()[0]).mul(x), optimizer, epochs: 1, accumulate: 2, progress: "none",
    }));
    expect(error).toBeInstanceOf(DivergenceError);
    expect(error.message).toContain("The loss is NaN in epoch 1, batch 2");
    expect(values(θ)).toEqual(before);
  });

  it.each<[string, (θ: SoftmaxRegression) => object, RegExp]>([
    ["half a batch", () => ({ accumulate: 1.5 }), /accumulate/],
    ["no batch", () => ({ accumulate: 0 }), /at least 1 as accumulate/],
    ["LBFGS", (θ) => ({ accumulate: 2, optimizer: new LBFGS(θ) }), /LBFGS evaluates the cost of a batch again and again/],
  ])("refuses %s", async (_, more, message) => {
    const { θ, ...options } = regression();
    expect((await failure(fit(θ, { ...options, data: [table], epochs: 1, ...more(θ) }))).message).toMatch(message);
  });
});

describe("fit with LBFGS", () => {
  const run = async (more: object, Kind = LBFGS) => {
    const { θ, cost, progress } = regression();
    const optimizer = new Kind(θ, { maxIterations: 3, historySize: 4 });
    const options = { data: [table], cost: (batch: Batch) => cost(batch).add(θ.parameters().map((p) => p.mul(p).sum()).reduce((a, b) => a.add(b)).mul(0.01)) };
    return { θ, optimizer, history: await fit(θ, { ...options, optimizer, epochs: 6, progress, ...more }) };
  };

  it("minimizes, and tells the loss before each update", async () => {
    const { θ, optimizer, history } = await run({});
    const plain = regression();
    const other = new LBFGS(plain.θ, { maxIterations: 3, historySize: 4 });
    const f = () => plain.cost(table).add(plain.θ.parameters().map((p) => p.mul(p).sum()).reduce((a, b) => a.add(b)).mul(0.01));
    const losses = Array.from({ length: 6 }, () => other.minimize(f).item());
    expect(history.curve.loss).toEqual(losses);
    expect(values(θ)).toEqual(values(plain.θ));
    expect([optimizer.step, history.epochs.map(({ learningRate }) => learningRate)]).toEqual([6, new Array(6).fill(1)]);
    // At the minimum of a convex function
    grad(f);
    for (const p of plain.θ.parameters()) expect(Math.max(...p.data.map((_, i) => Math.abs(p.grad?.data[i] ?? NaN)))).toBeLessThan(1e-3);
    expect(evaluate(f).item()).toBeLessThan(losses[0] / 2);
  });

  it("is resumed to the same bits", async () => {
    const whole = await run({});
    const checkpoint = { path: folder("m.safetensors"), resume: true };
    await run({ checkpoint, epochs: 2 });
    const again = await run({ checkpoint });
    expect(timeless(again.history)).toEqual(timeless(whole.history));
    expect(values(again.θ)).toEqual(values(whole.θ));
  });

  it("ends where the loss is not finite, with parameters as they were", async () => {
    const { θ } = regression();
    const before = values(θ);
    const error = await failure(fit(θ, {
      data: [1], cost: () => mean(θ.parameters()[0]).mul(NaN), optimizer: new LBFGS(θ), epochs: 1, progress: "none",
    }));
    expect(error).toBeInstanceOf(DivergenceError);
    expect(values(θ)).toEqual(before);
  });
});
