/** Averages of the parameters while they are trained. */

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { restore } from "../../src/io/index.ts";
import { Component, GradientDescent, grad, parameter, ParameterAverage, schedule, type Variable } from "../../src/index.ts";
import { type FitOptions, fit, type History } from "../../src/train/index.ts";
import { Patience } from "../../src/extras/index.ts";
import { begin, failure, folders, values } from "./helpers.ts";

const folder = folders();
const timeless = ({ seconds: _, epochs, ...history }: History) => ({ ...history, epochs: epochs.map(({ seconds: _, ...epoch }) => epoch) });

class Scalar extends Component {
  readonly w = parameter(0);
}

/** Each step adds 1 to the parameter, whose averages by 0.5 are (with their bias removed) 1, 5/3, 17/7, … */
function counting() {
  const θ = new Scalar();
  return {
    θ, data: [1, 1], cost: (): Variable => θ.w.neg(), optimizer: new GradientDescent(θ, { learningRate: 1 }), progress: "none" as const,
    ema: new ParameterAverage(θ, { decay: 0.5 }),
  };
}
const averages = [1, 5 / 3, 17 / 7, 49 / 15, 129 / 31, 321 / 63];

describe("fit with ema", () => {
  it.each(["a cost", "a function"])("validates the averages, by %s, and goes on with the parameters", async (kind) => {
    const { θ, ...options } = counting();
    const validate = kind === "a cost" ? { data: [1], cost: () => θ.w.mul(1) } : async () => {
      await Promise.resolve();
      return θ.w.item();
    };
    const history = await fit(θ, { ...options, epochs: 3, validate });
    history.epochs.forEach(({ validation }, i) => { expect(validation?.loss).toBeCloseTo(averages[2 * i + 1], 6); });
    expect(θ.w.item()).toBe(6);
    expect(options.ema.evaluate(() => θ.w.mul(1)).item()).toBeCloseTo(averages[5], 6);
  });

  it("keeps the averages of the best epoch, in a file too, and puts them back", async () => {
    const { θ, ...options } = counting();
    const losses = [3, 1, 2];
    const history = await fit(θ, {
      ...options, epochs: 3, validate: () => losses.shift() as number, restoreBest: true, checkpoint: folder("m.safetensors"),
    });
    expect(history.best?.epoch).toBe(2);
    expect(θ.w.item()).toBeCloseTo(averages[3], 6);
    const read = (file: string) => restore(folder(file), { into: new Scalar() }).component as Scalar;
    expect(read("m.best.safetensors").w.item()).toBe(θ.w.item());
    expect(read("m.safetensors").w.item()).toBe(6); // the last parameters, to go on with
  });

  it.each([1, 7, 10, 14, 17])("is resumed to the same bits when stopped after step %i", async (stopAt) => {
    const run = async (more: Partial<FitOptions<never>>) => {
      const { θ, optimizer, data, cost } = begin();
      const ema = new ParameterAverage(θ, { decay: 0.9 });
      const validate = () => ({ loss: Math.sin(1000 * values(θ)[0][0]) });
      return { θ, ema, history: await fit(θ, { data, cost, optimizer, epochs: 3, progress: "none", ema, restoreBest: true, validate, ...more } as never) };
    };
    const whole = await run({});
    const checkpoint = { path: folder("m.safetensors"), resume: true };
    await run({ checkpoint, onStep: ({ step }) => step !== stopAt });
    const again = await run({ checkpoint });
    expect(timeless(again.history)).toEqual(timeless(whole.history));
    expect(values(again.θ)).toEqual(values(whole.θ));
    expect([...again.ema.averages.values(), again.ema.weight].map(({ data }) => data)).toEqual(
      [...whole.ema.averages.values(), whole.ema.weight].map(({ data }) => data),
    );
  });

  it("finds the averages of the best epoch in the checkpoint, where it was interrupted before they had their file", async () => {
    const { θ, ...options } = counting();
    const [file, best] = [folder("m.safetensors"), folder("m.best.safetensors")];
    await fit(θ, { ...options, epochs: 1, validate: () => 2, restoreBest: true, checkpoint: file });
    const old = readFileSync(best);
    const { θ: next, ...others } = counting();
    await fit(next, { ...others, epochs: 2, validate: () => 1, restoreBest: true, checkpoint: { path: file, resume: true } });
    writeFileSync(best, old);
    const { θ: last, ...more } = counting();
    await fit(last, { ...more, epochs: 3, validate: () => 3, restoreBest: true, checkpoint: { path: file, resume: true } });
    expect(last.w.item()).toBeCloseTo(averages[3], 6);
    expect((restore(best, { into: new Scalar() }).component as Scalar).w.item()).toBe(last.w.item());
  });

  it("puts the parameters back when validation fails", async () => {
    const { θ, ...options } = counting();
    const error = await failure(fit(θ, { ...options, epochs: 1, validate: () => { throw new RangeError("mine"); } }));
    expect(error.message).toContain("mine");
    expect(θ.w.item()).toBe(2);
  });

  it("refuses what is no average, one of other parameters, and a checkpoint with those of others", async () => {
    const { θ, ...options } = counting();
    expect((await failure(fit(θ, { ...options, ema: 0.9 as never, epochs: 1 }))).message).toContain("a ParameterAverage as ema");
    expect((await failure(fit(θ, { ...options, ema: new ParameterAverage(parameter(1)), epochs: 1 }))).message).toContain("that the component does not have");
    class Two extends Component {
      readonly w = parameter(0);
      readonly v = parameter([1, 2]);
    }
    const two = (part: (θ: Two) => ParameterAverage) => {
      const θ = new Two();
      const optimizer = new GradientDescent(θ, { learningRate: 1 });
      const checkpoint = { path: folder("t.safetensors"), resume: true };
      return fit(θ, { data: [1], cost: () => θ.w.add(θ.v.sum()), optimizer, epochs: 1, progress: "none", ema: part(θ), checkpoint });
    };
    await two((θ) => new ParameterAverage(θ));
    expect((await failure(two((θ) => new ParameterAverage(θ.v)))).message).toContain("averages of other parameters");
  });
});

describe("fit with a plateau", () => {
  const losses = [5, 4, 4.5, 4.5, 3, 3.5, 3.5, 3.5, 3.5];
  /** The rates of the epochs, whose validation gives these losses. */
  async function run(more: (rate: ReturnType<typeof schedule.plateau>) => object, plateau: object = {}) {
    const { θ, ...options } = counting();
    const rate = schedule.plateau(1, { factor: 0.5, patience: 1, ...plateau });
    const optimizer = new GradientDescent(θ, { learningRate: rate });
    let epoch = 0;
    const history = await fit(θ, {
      ...options, optimizer, plateau: rate, epochs: losses.length,
      validate: () => ({ loss: losses[epoch], accuracy: -losses[epoch++] }), ...more(rate),
      onEpoch: ({ epoch: done }) => { epoch = done; },
    } as FitOptions<number>);
    return { θ, rate, history, rates: history.epochs.map(({ learningRate }) => learningRate) };
  }

  it("tells it the monitored number after each epoch", async () => {
    expect((await run(() => ({}))).rates).toEqual([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]);
    const accuracy = await run(() => ({ monitor: "accuracy" }), { maximize: true });
    expect(accuracy.rates).toEqual([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]);
    expect(accuracy.history.best).toEqual({ epoch: 5, value: -3, name: "accuracy" });
  });

  it.each(["alone", "within another schedule"])("is resumed as if it had not been interrupted, %s", async (kind) => {
    let epoch = 0;
    const train = async (epochs: number, checkpoint?: FitOptions<number>["checkpoint"]) => {
      const { θ, ...options } = counting();
      const rate = schedule.plateau(1, { factor: 0.5, patience: 1 });
      const optimizer = new GradientDescent(θ, { learningRate: kind === "alone" ? rate : schedule.warmUp(3, rate) });
      const history = await fit(θ, { ...options, optimizer, plateau: rate, epochs, validate: () => losses[epoch++], ...(checkpoint && { checkpoint }) });
      return { history: timeless(history), values: values(θ), state: rate.state };
    };
    const whole = await train(9);
    epoch = 0;
    let part = whole;
    for (const epochs of [4, 7, 9]) part = await train(epochs, { path: folder("m.safetensors"), resume: true });
    expect(part).toEqual(whole);
  });

  it("forgets what was best by another number, but not how far the rate has fallen", async () => {
    const file = folder("m.safetensors");
    await run(() => ({ checkpoint: file, epochs: 5 }));
    const { rate } = await run(() => ({ checkpoint: { path: file, resume: true }, epochs: 5, monitor: "accuracy" }));
    expect(rate.state).toEqual({ scale: 0.5, best: null, since: 0, pause: 0 });
  });

  it.each<[string, object, RegExp]>([
    ["a function that cannot be told", { plateau: () => 1 }, /a rate made by schedule\.plateau as plateau/],
    ["options", { plateau: { patience: 3 } }, /a rate made by schedule\.plateau/],
    ["a patience in the other direction", { plateau: schedule.plateau(1), patience: new Patience(3, { maximize: true }) }, /only one has maximize/],
  ])("refuses %s", async (_, more, message) => {
    const { θ, ...options } = counting();
    expect((await failure(fit(θ, { ...options, epochs: 1, ...more }))).message).toMatch(message);
  });

  it("says which numbers there are where that is missing", async () => {
    expect((await failure(run(() => ({ monitor: "f1" })))).message).toContain('There is no "f1" to tell the best epoch by');
  });
});

it("averages of a plain loop are the same", async () => {
  const { θ, ...options } = counting();
  await fit(θ, { ...options, epochs: 2 });
  const plain = counting();
  for (let step = 0; step < 4; step++) {
    grad(plain.cost);
    plain.optimizer.update();
    plain.ema.update();
  }
  expect([...options.ema.averages.values()].map(({ data }) => data)).toEqual([...plain.ema.averages.values()].map(({ data }) => data));
});
