import { afterEach, describe, expect, it } from "vitest";
import { evaluate, input, setDevice, ShapeError, ValueError, type Variable, zeros } from "../../src/index.ts";
import { metric } from "../../src/train/index.ts";

// Data of which scikit-learn 1.9 computed the figures below, unweighted and by sample_weight; some scores are equal.
const scores = [
  [0.1, 0.5, -1.0, 0.7], [-0.4, -1.6, -0.6, 0.6], [0.3, -1.1, 0.6, -0.1], [0.4, 0.3, -1.2, 0.4], [-0.6, 1.5, 0.7, 0.0], [-1.0, 0.1, 0.2, -1.2],
  [2.2, 0.4, 1.7, -1.1], [1.6, -1.4, -0.7, 0.5], [0.0, -2.4, -1.1, 0.8], [2.1, 0.9, -0.3, 0.8], [-1.1, 0.5, -1.3, -0.0], [-0.1, 0.8, -0.3, 1.2],
];
const labels = [1, 2, 1, 1, 1, 0, 2, 2, 0, 2, 2, 0];
const weight = [0.2, 0.1, 0.2, 0.4, 1.6, 0.2, 0.1, 1.9, 0.3, 1.2, 1.9, 0.7];
const single = [0.4, 0.4, 0.4, -0.5, 0.5, 0.5, 1.1, 1.3, 0.8, -0.0, -0.3, -0.3];
const answers = [1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1];
const several = [[1.7, 0.0, -0.2], [-0.0, -1.2, -0.1], [1.1, -0.8, 0.2], [0.2, 0.3, -1.4], [0.9, 1.8, 0.5], [0.3, 2.4, 0.1]];
const severalAnswers = [[1, 1, 1], [0, 1, 0], [0, 0, 0], [1, 0, 1], [1, 1, 1], [0, 0, 1]];
const severalWeight = [1.0, 1.0, 1.7, 1.8, 0.3, 1.5];

const x = () => input(scores);
const column = () => input(single, [12, 1]);
/** Weights, hence sums of them, are float32 on this device. */
const near = (found: unknown, expected: number): void => expect(found).toBeCloseTo(expected, 6);

afterEach(() => { setDevice("wasm"); });

describe.each(["wasm", "reference"] as const)("metrics on %s", (device) => {
  const forms = (f: (given: number[] | Int32Array | Variable) => void): void => {
    setDevice(device);
    f(labels);
    f(Int32Array.from(labels));
    f(input(labels));
  };

  it("accuracy and topK are scikit-learn's", () => {
    forms((given) => {
      near(metric.accuracy(x(), given).result(), 1 / 12);
      near(metric.accuracy(x(), given, { weight }).result(), 0.18181818181818185);
      near(metric.topK(x(), given, 1).result(), 1 / 12);
      near(metric.topK(x(), given, 2).result(), 1 / 3);
      near(metric.topK(x(), given, 3).result(), 0.75);
      near(metric.topK(x(), given, 4).result(), 1);
      near(metric.topK(x(), given, 2, { weight }).result(), 0.25);
      near(metric.topK(x(), given, 3, { weight: input(weight) }).result(), 0.625);
    });
    near(metric.accuracy(column(), answers).result(), 5 / 12);
    near(metric.accuracy(column(), answers, { weight }).result(), 0.39772727272727276);
    near(metric.accuracy(column().sigmoid(), answers.map((answer) => answer === 1), { threshold: 0.5 }).result(), 5 / 12);
    // Of equal outputs the first comes first; NaN is before all.
    expect([0, 1, 2].map((label) => metric.topK(input([[1, 1, 1]]), [label], 2).result())).toEqual([1, 1, 0]);
    expect(metric.topK(input([[NaN, 1, 0]]), [1], 1).result()).toBe(0);
  });

  it.each([
    ["precision", metric.precision, [0.125, 1 / 12, 1 / 6], [0.1142857142857143, 0.18181818181818182, 0.1246753246753247]],
    ["recall", metric.recall, [0.0625, 1 / 12, 1 / 12], [1 / 6, 0.18181818181818182, 0.18181818181818182]],
    ["f1", metric.f1, [1 / 12, 1 / 12, 1 / 9], [0.13559322033898305, 0.18181818181818182, 0.14791987673343607]],
  ] as const)("%s of classes is scikit-learn's, by each average", (_, f, plain, weighed) => {
    forms((given) => {
      (["macro", "micro", "weighted"] as const).forEach((average, i) => {
        near(f(x(), given, { average }).result(), plain[i]);
        near(f(x(), given, { average, weight }).result(), weighed[i]);
      });
      near(f(x(), given).result(), plain[0]);
    });
  });

  it.each([
    ["precision", metric.precision, 0.5, 0.5, [8 / 15, 6 / 11, 0.5466666666666666], [0.3632275132275133, 0.38805970149253727, 0.40827777777777774]],
    ["recall", metric.recall, 4 / 7, 0.43396226415094336, [11 / 18, 0.6, 0.6], [0.5072463768115941, 0.52, 0.52]],
    ["f1", metric.f1, 8 / 15, 0.4646464646464646, [0.5515873015873015, 4 / 7, 0.5535714285714286], [0.40190460926126276, 4 / 9, 0.432302360059302]],
  ] as const)("%s of yes or no is scikit-learn's, of one and of several", (_, f, plain, weighed, each, eachWeighed) => {
    setDevice(device);
    near(f(column(), answers).result(), plain);
    near(f(column(), answers.map((answer) => 2 * answer - 1), { weight }).result(), weighed);
    // Two classes: that of the second.
    near(f(input(single.map((score) => [0, score])), answers).result(), plain);
    (["macro", "micro", "weighted"] as const).forEach((average, i) => {
      near(f(input(several), severalAnswers, { average }).result(), each[i]);
      near(f(input(several), severalAnswers, { average, weight: severalWeight }).result(), eachWeighed[i]);
    });
    expect(f(input([[-1], [-2]]), [0, 0]).result()).toBe(0);
  });

  it("auc and confusionMatrix are scikit-learn's", () => {
    setDevice(device);
    near(metric.auc(column(), answers).result(), 0.3142857142857143);
    near(metric.auc(column(), answers, { weight }).result(), 0.18436657681940702);
    near(metric.auc(input(single.map((score) => [0, score])), answers).result(), 0.3142857142857143);
    expect(metric.auc(column(), answers.map(() => 1)).result()).toBeNaN();
    expect(metric.auc(input([[NaN], [1]]), [0, 1]).result()).toBeNaN();
    expect(metric.auc(input([[-Infinity], [Infinity]]), [0, 1]).result()).toBe(1);
    expect(metric.confusionMatrix(x(), labels).result()).toEqual([[0, 0, 1, 2], [1, 1, 1, 1], [3, 1, 0, 1], [0, 0, 0, 0]]);
    expect(metric.confusionMatrix(column(), answers).result()).toEqual([[1, 4], [3, 4]]);
    const weighed = metric.confusionMatrix(x(), labels, { weight }).result() as metric.Matrix;
    weighed.flat().forEach((count, i) => near(count, [0, 0, 0.2, 1, 0.4, 1.6, 0.2, 0.2, 3.2, 1.9, 0, 0.1, 0, 0, 0, 0][i]));
    const yesNo = metric.confusionMatrix(column(), answers, { weight }).result() as metric.Matrix;
    yesNo.flat().forEach((count, i) => near(count, [1.2, 2.3, 3, 2.3][i]));
  });

  it("perplexity is e to the mean surprise, ratio the quotient of sums", () => {
    setDevice(device);
    const expected = scores.map((row, i) => Math.log(row.reduce((sum, score) => sum + Math.exp(score), 0)) - row[labels[i]]);
    expect(metric.perplexity(x(), labels).result()).toBeCloseTo(Math.exp(expected.reduce((a, b) => a + b) / 12), 4);
    expect(metric.ratio(input([3]), 4).result()).toBe(0.75);
    expect(metric.ratio(0, 0).result()).toBeNaN();
  });

  it("leave out what is masked, whatever it holds", () => {
    setDevice(device);
    const mask = labels.map((_, i) => (i % 3 === 0 ? 0 : 1));
    const holed = input(scores.map((row, i) => (mask[i] === 1 ? row : [NaN, Infinity, -Infinity, NaN])), [2, 6, 4]);
    const padded = labels.map((label, i) => (mask[i] === 1 ? label : -7));
    const kept = <T>(list: readonly T[]): T[] => list.filter((_, i) => mask[i] === 1);
    const few = input(kept(scores));
    const topTwo = (output: Variable, truth: metric.Truth, options: metric.MetricOptions) => metric.topK(output, truth, 2, options);
    for (const given of [mask, input(mask, [2, 6])]) {
      for (const truth of [padded, input(padded)]) {
        for (const f of [metric.accuracy, metric.f1, metric.confusionMatrix, metric.perplexity, topTwo]) {
          const [found, expected] = [f(holed, truth, { mask: given, weight }), f(few, kept(labels), { weight: kept(weight) })];
          const numbers = [expected.result()].flat(2);
          [found.result()].flat(2).forEach((value, i) => expect(value).toBeCloseTo(numbers[i], 5));
        }
      }
      const yesNo = input(single.map((score, i) => (mask[i] === 1 ? score : NaN)), [12, 1]);
      near(metric.auc(yesNo, answers, { mask: given }).result(), metric.auc(input(kept(single), [8, 1]), kept(answers)).result() as number);
    }
  });

  it("are computed in a step, without a look", () => {
    setDevice(device);
    const { right, f1 } = evaluate(() => {
      const y = x().mul(1);
      return { right: metric.accuracy(y, input(labels).add(0)), f1: metric.f1(y, labels, { average: "micro" }) };
    });
    near(right.result(), 1 / 12);
    near(f1.result(), 1 / 12);
  });
});

describe("metrics", () => {
  it("refuse what does not fit, and say what they got", () => {
    expect(() => metric.accuracy(x(), [1, 2])).toThrow(ShapeError);
    expect(() => metric.accuracy(x(), [1, 2])).toThrow(/accuracy got an output of shape \[12, 4\], but 2 numbers as what is true/);
    expect(() => metric.accuracy(x(), labels.map((label) => 3 * label))).toThrow("accuracy takes labels from 0 to 3, but got 6.");
    expect(() => metric.accuracy(column(), labels)).toThrow("accuracy takes 1, or −1 or 0 for no, but got 2.");
    expect(() => metric.accuracy(x(), labels, { threshold: 0.5 })).toThrow(ValueError);
    expect(() => metric.accuracy(x(), labels, { mask: [1] })).toThrow(/accuracy got mask of shape \[1\] for 12 samples/);
    expect(() => metric.accuracy(scores as never, labels)).toThrow(ValueError);
    expect(() => metric.f1(x(), labels, { average: "binary" })).toThrow(/f1 takes "binary" of yes or no or two classes, but got 4/);
    expect(() => metric.f1(x(), labels, { average: "samples" as "macro" })).toThrow(/"binary", "macro", "micro" or "weighted" as average/);
    expect(() => metric.auc(x(), labels)).toThrow(/auc tells yes from no, but got 4 classes/);
    for (const k of [0, 5, 1.5]) expect(() => metric.topK(x(), labels, k)).toThrow(/topK takes an integer from 1 to 4 as k/);
    expect(() => metric.perplexity(column(), answers)).toThrow(/perplexity takes a label for each sample/);
    expect(() => metric.ratio(zeros([2]), 1)).toThrow(/ratio takes numbers, or Variables of one element/);
    expect(() => metric.recall(x(), labels, { weights: weight } as object)).toThrow(/recall got the option "weights"/);
    expect(() => metric.confusionMatrix(x(), input(labels).add(9)).result()).toThrow(ValueError);
  });
});
