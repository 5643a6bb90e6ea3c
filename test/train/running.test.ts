import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cost, evaluate, gather, GradientDescent, input, Random, seed, ShapeError, slice, UsageError } from "../../src/index.ts";
import { SoftmaxRegression } from "../../src/components/index.ts";
import { minibatches } from "../../src/data/index.ts";
import { fit, type FitOptions, type History, metric, readMetrics, report } from "../../src/train/index.ts";
import { failure, folders, samples } from "./helpers.ts";

const folder = folders();
const random = new Random(8);
const n = 50;
const scores = input([...random.normalArray(n * 3)].map((score) => Math.round(2 * score) / 2), [n, 3]);
const labels = Array.from({ length: n }, () => random.integer(0, 3));
const answers = labels.map((label) => label > 0);

/** Each metric, of some of the samples. */
const metrics: Record<string, (from: number, to: number) => metric.Metric<metric.Result>> = {
  accuracy: (from, to) => metric.accuracy(slice(scores, [from, to]), labels.slice(from, to)),
  topK: (from, to) => metric.topK(slice(scores, [from, to]), labels.slice(from, to), 2),
  precision: (from, to) => metric.precision(slice(scores, [from, to]), labels.slice(from, to)),
  recall: (from, to) => metric.recall(slice(scores, [from, to]), labels.slice(from, to), { average: "weighted" }),
  f1: (from, to) => metric.f1(slice(scores, [from, to]), labels.slice(from, to)),
  auc: (from, to) => metric.auc(slice(scores, [from, to], [0, 1]), answers.slice(from, to)),
  confusionMatrix: (from, to) => metric.confusionMatrix(slice(scores, [from, to]), labels.slice(from, to)),
  perplexity: (from, to) => metric.perplexity(slice(scores, [from, to]), labels.slice(from, to)),
  ratio: (from, to) => metric.ratio(slice(scores, [from, to]).sum(), to - from),
};

describe("a running metric", () => {
  it("is of every kind", () => {
    const functions = Object.entries(metric).filter(([, f]) => !String(f).startsWith("class")).map(([name]) => name);
    expect(Object.keys(metrics).sort()).toEqual(functions.sort());
  });

  it.each(Object.entries(metrics))("of %s in uneven batches is that of all samples", (_, f) => {
    const running = new metric.Running<metric.Result>();
    expect(running.result()).toBeNaN();
    for (const [from, to] of [[0, 17], [17, 18], [18, n]]) running.add(f(from, to));
    const all = [f(0, n).result()].flat(2);
    [running.result()].flat(2).forEach((value, i) => expect(value).toBeCloseTo(all[i], 5));
    const later = new metric.Running<metric.Result>();
    later.state = running.state;
    expect(later.add(f(3, 9)).result()).toEqual(running.add(f(3, 9)).result());
    running.reset();
    expect(running.add(f(0, n)).result()).toEqual(f(0, n).result());
  });

  it("refuses another kind, or another number of classes", () => {
    const running = new metric.Running<metric.Result>().add(metrics.f1(0, n));
    expect(() => running.add(metrics.recall(0, n))).toThrow('add got recall ("weighted"), but what it goes on with is f1 ("macro"): make a Running for each.');
    expect(() => running.add(metric.f1(input([[1, 2]]), [1], { average: "macro" }))).toThrow(ShapeError);
    expect(() => running.add(0.5 as never)).toThrow(/add takes what a function of metric gives, but got 0.5/);
    expect(running.result()).toEqual(metrics.f1(0, n).result());
  });
});

/** A training whose cost gives metrics; 100 samples, 16 in a batch. */
function begin(more: object = {}) {
  seed(5);
  const table = samples();
  const θ = new SoftmaxRegression({ inputs: 6, outputs: 3 });
  const optimizer = new GradientDescent(θ, { learningRate: 0.1 });
  const measured = ({ x, y }: typeof table) => {
    const score = θ.score(x);
    const isLast = gather(input([0, 0, 1]), y).reshape([-1, 1]);
    return {
      loss: cost.categoricalCrossEntropyWithScores(score, y, { reduction: "mean" }), accuracy: metric.accuracy(score, y), f1: metric.f1(score, y),
      auc: metric.auc(slice(score, null, [2, 3]), isLast), perplexity: metric.perplexity(score, y), confusions: metric.confusionMatrix(score, y),
    };
  };
  const options = { data: minibatches(table, 16, { shuffle: true }), cost: measured, optimizer, epochs: 3, progress: "none" as const, ...more };
  return { θ, table, options: options as FitOptions<typeof table>, measured };
}

describe("metrics in fit", () => {
  it("are those of all samples of an epoch, of training and validation", async () => {
    // Too slow to change anything: so what batches see is what is measured afterwards.
    const { θ, table, options, measured } = begin({ epochs: 1 });
    const steps: Record<string, number>[] = [];
    const { epochs: [epoch] } = await fit(θ, {
      ...options, optimizer: new GradientDescent(θ, { learningRate: 1e-30 }), validate: { data: minibatches(table, 30), cost: measured },
      onStep: (event) => { steps.push(event.metrics); },
    });
    const { loss, confusions, ...all } = evaluate(() => measured(table));
    for (const [name, value] of Object.entries(all)) {
      expect(epoch.metrics[name]).toBeCloseTo(value.result() as number, 5);
      expect(epoch.validation?.[name]).toBeCloseTo(value.result() as number, 5);
    }
    expect(epoch.validation?.perplexity).toBeCloseTo(Math.exp(loss.item()), 4);
    expect(epoch.matrices).toEqual({ confusions: confusions.result(), "validation/confusions": confusions.result() });
    expect(Object.keys(epoch.metrics)).toEqual(["accuracy", "f1", "auc", "perplexity"]);
    expect(steps).toHaveLength(7);
    expect(Object.keys(steps[6])).toEqual(Object.keys(epoch.metrics)); // of the batch alone
    expect([0, 0.25, 0.5, 0.75, 1]).toContain(steps[6].accuracy);
  });

  const timeless = ({ seconds: _, epochs, ...history }: History) => ({ ...history, epochs: epochs.map(({ seconds: _, ...epoch }) => epoch) });

  it.each([1, 5, 7, 8, 14, 20])("are the same to the bit when training is stopped after step %i, and resumed", async (stopAt) => {
    const run = async (more: object) => {
      const random = new Random(4);
      const { θ, table, options, measured } = begin();
      const validate = { data: minibatches(table, 30), cost: measured };
      return fit(θ, { ...options, data: minibatches(table, 16, { shuffle: random }), random, validate, ...more } as FitOptions<typeof table>);
    };
    const whole = await run({});
    const path = folder("model.safetensors");
    await run({ checkpoint: path, onStep: ({ step }: { step: number }) => step !== stopAt });
    expect(timeless(await run({ checkpoint: { path, resume: true } }))).toEqual(timeless(whole));
  });

  it("tell the best epoch, are lines of the metrics file and stand in the report", async () => {
    const file = folder("metrics.jsonl");
    const { θ, options } = begin({ monitor: "auc", metrics: file });
    const history = await fit(θ, options);
    expect(history.best?.name).toBe("auc");
    const last = readMetrics(file).at(-1);
    expect(last?.confusions).toEqual(history.epochs[2].matrices.confusions);
    expect(last?.f1).toBe(history.epochs[2].metrics.f1);
    for (const run of [history, file]) {
      const page = folder("report.html");
      report(page, run);
      const html = readFileSync(page, "utf8");
      expect(html).toContain("<figcaption>confusions</figcaption>");
      expect(html).toContain('"metric":"perplexity"');
      expect(html).not.toContain('"metric":"confusions"');
    }
  });

  it("come from a function that validates, too", async () => {
    const { θ, table, options } = begin({ epochs: 1 });
    const validate = () => ({ accuracy: metric.accuracy(θ.score(table.x), table.y), confusions: metric.confusionMatrix(θ.score(table.x), table.y), plain: 3 });
    const { epochs: [epoch] } = await fit(θ, { ...options, validate });
    expect(epoch.validation).toEqual({ accuracy: validate().accuracy.result(), plain: 3 });
    expect(epoch.matrices["validation/confusions"]).toEqual(validate().confusions.result());
  });

  it("are not what is a number at other times", async () => {
    const { θ, options, measured } = begin();
    let batch = 0;
    const error = await failure(fit(θ, { ...options, cost: (table) => ({ ...measured(table), f1: batch++ > 1 ? 0.5 : measured(table).f1 }) }));
    expect(error.cause).toBeInstanceOf(UsageError);
    expect(error.message).toContain('The cost returned "f1" once as a number, once as a metric');
  });
});
