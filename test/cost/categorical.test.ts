import { describe, expect, it } from "vitest";
import { ShapeError, ValueError } from "../../src/support/errors.ts";
import { cost, evaluate, gradients, input, logSoftmax, parameter, setDevice, softmax, sum, type Variable } from "../../src/index.ts";
import { Random } from "../../src/random/random.ts";
import { testOperations } from "../operations/suite.ts";
import { entries } from "../operations/table/categorical.ts";
import { check, closeAll, gradientOf, nested, onDevices } from "./on-devices.ts";
import { classWeights, labels as fewLabels, shares, x as fewScores } from "./pytorch.ts";

testOperations(entries);

const { categoricalCrossEntropy, categoricalCrossEntropyWithScores, negativeLogLikelihood } = cost;

const random = new Random(5);
const scores = [...random.uniformArray(24, -3, 3)];
const labels = Array.from({ length: 6 }, () => random.integer(0, 4));
const each = labels.map((label, i) => {
  const row = scores.slice(4 * i, 4 * i + 4);
  return Math.log(row.reduce((total, x) => total + Math.exp(x), 0)) - row[label];
});
const total = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

onDevices("the categorical cross entropies", (close, device) => {
  const both = (shape: readonly number[], given: cost.Labels, options: Parameters<typeof categoricalCrossEntropy>[2], expected: number): void => {
    setDevice(device);
    const x = input(scores.slice(0, shape.reduce((a, b) => a * b, 1)), shape);
    const found = categoricalCrossEntropyWithScores(x, given, options);
    expect(found.shape).toEqual([]);
    close(found.item(), expected);
    close(categoricalCrossEntropy(softmax(x), given, options).item(), expected);
  };

  it("are the negative log likelihood, for labels in every form", () => {
    both([4], labels[0], {}, each[0]);
    both([4], [labels[0]], {}, each[0]);
    for (const shape of [[6, 4], [2, 3, 4], [1, 6, 4]]) {
      for (const form of [labels, Int32Array.from(labels), input(labels), input(labels, shape.slice(0, -1)), nested(labels, shape.slice(0, -1))]) {
        both(shape, form, {}, total(each));
        both(shape, form, { reduction: "mean" }, total(each) / 6);
      }
    }
    both([1, 4], [labels[0]], { reduction: "mean" }, each[0]);
    both([0, 4], [], { weight: [] }, 0);
    setDevice(device);
    close(evaluate(() => categoricalCrossEntropyWithScores(input(scores, [6, 4]), input(labels).add(0))).item(), total(each));
  });

  it("weigh samples", () => {
    const weight = [1, 0, 2, -1, 0.5, 3];
    both([6, 4], labels, { weight: 2 }, 2 * total(each));
    for (const given of [weight, input(weight)]) {
      both([6, 4], labels, { weight: given }, total(each.map((x, i) => x * weight[i])));
    }
    both([2, 3, 4], labels, { weight: nested(weight, [2, 3]), reduction: "mean" }, total(each.map((x, i) => x * weight[i])) / 6);
  });

  it("leave padding out, whatever it holds", () => {
    setDevice(device);
    const mask = [1, 1, 0, 1, 0, 0];
    const counted = each.filter((_, i) => mask[i] === 1);
    const padded = labels.map((label, i) => (mask[i] === 1 ? label : -1));
    const dirty = scores.map((x, i) => (mask[Math.floor(i / 4)] === 1 ? x : [NaN, Infinity, -Infinity, 3][i % 4]));
    const w = parameter(dirty, [2, 3, 4]);
    const clean = parameter(scores, [2, 3, 4]);
    const expected = gradientOf(() => categoricalCrossEntropyWithScores(clean, labels, { weight: mask }), clean);
    for (const given of [nested(mask, [2, 3]), mask, input(mask, [2, 3]), Uint8Array.from(mask)]) {
      for (const form of [nested(padded, [2, 3]), padded, Int32Array.from(padded), input(padded)]) {
        close(categoricalCrossEntropyWithScores(w, form, { mask: given }).item(), total(counted));
        close(categoricalCrossEntropyWithScores(w, form, { mask: given, reduction: "mean" }).item(), total(counted) / 3);
        const found = gradientOf(() => categoricalCrossEntropyWithScores(w, form, { mask: given }), w);
        expected.forEach((x, i) => { close(found[i], x); });
        expect(found.slice(8, 12).every((x) => x === 0)).toBe(true);
      }
    }
    // Labels and masks that the step computes.
    for (const given of [input(mask).mul(1), mask]) {
      const f = () => categoricalCrossEntropyWithScores(w, input(padded).mul(1), { mask: given, reduction: "mean" });
      close(evaluate(f).item(), total(counted) / 3);
    }
    close(evaluate(() => categoricalCrossEntropyWithScores(w, padded, { mask: input(mask).mul(1), reduction: "mean" })).item(), total(counted) / 3);
    const probabilities = dirty.map((x, i) => (mask[Math.floor(i / 4)] === 1 ? 1 / (2 + Math.abs(x)) : x));
    const p = parameter(probabilities, [6, 4]);
    close(categoricalCrossEntropy(p, padded, { mask }).item(), -total(labels.map((label, i) => (mask[i] === 1 ? Math.log(probabilities[4 * i + label]) : 0))));
    expect(gradientOf(() => categoricalCrossEntropy(p, padded, { mask }), p).every(Number.isFinite)).toBe(true);
  });

  it("pass gradients, to second order", () => {
    setDevice(device);
    const w = parameter(scores, [2, 3, 4]);
    const weight = parameter([1, 0.5, 2, -1, 0.5, 3], [2, 3]);
    const mask = [[1, 1, 0], [1, 0, 0]];
    for (const options of [{}, { weight }, { weight: 3, reduction: "mean" as const }, { weight, mask, reduction: "mean" as const }]) {
      const withWeight = options.weight === weight ? { w, weight } : { w };
      check(() => categoricalCrossEntropyWithScores(w, labels, options), withWeight);
      check(() => categoricalCrossEntropy(softmax(w), labels, options), withWeight);
      check(() => sum(gradients(() => categoricalCrossEntropyWithScores(w, labels, options), [w])[0].pow(2)), withWeight);
      check(() => sum(gradients(() => categoricalCrossEntropy(softmax(w), labels, options), [w])[0].pow(2)), withWeight);
    }
    const one = parameter([1, 2, 3]);
    check(() => categoricalCrossEntropyWithScores(one, 2), { one });
    check(() => categoricalCrossEntropy(softmax(one), 2), { one });
  });

  it("stand scores and probabilities of any size", () => {
    setDevice(device);
    const w = parameter([[1e4, -1e4], [-1e4, 1e4], [0, -Infinity]]);
    close(categoricalCrossEntropyWithScores(w, [0, 0, 0]).item(), 2e4);
    gradientOf(() => categoricalCrossEntropyWithScores(w, [0, 0, 0]), w).forEach((x, i) => { close(x, [0, 0, -1, 1, 0, 0][i]); });
    const p = parameter([[1, 0], [1, 0], [1e-30, 1]]);
    close(categoricalCrossEntropy(p, [0, 1, 0]).item(), 2 * -Math.log(1e-20));
    expect(gradientOf(() => categoricalCrossEntropy(p, [0, 1, 0]), p).map((x) => x + 0)).toEqual([-1, 0, 0, 0, 0, 0]);
  });

  it("take no samples, one class, NaN", () => {
    setDevice(device);
    for (const f of [categoricalCrossEntropy, categoricalCrossEntropyWithScores]) {
      for (const shape of [[0, 3], [2, 0, 3]]) {
        const none = parameter([], shape);
        for (const reduction of ["sum", "mean"] as const) {
          expect(f(none, [], { reduction }).item()).toBe(0);
          expect(gradientOf(() => f(none, new Int32Array(0), { reduction }), none)).toEqual([]);
        }
      }
      expect(f(input([[1], [1]]), [0, 0]).item() + 0).toBe(0);
      expect(f(input([NaN, 1]), 0).item()).toBeNaN();
    }
    expect(categoricalCrossEntropyWithScores(input([NaN, 1]), 1).item()).toBeNaN();
  });
});

// What PyTorch's cross_entropy gives, by weight, label_smoothing and form of the target: the costs of the samples and their mean.
const figures: readonly [options: cost.CategoricalCostOptions, target: number[] | number[][], each: number[], mean: number][] = [
  [{}, fewLabels, [0.34604129490491126, 0.6733571464324383, 2.860042804001601], 1.2931470817796502],
  [{}, shares, [1.3260412949049112, 1.3333571464324383, 2.6850428040016006], 1.7814804151129833],
  [{ classWeights }, fewLabels, [0.17302064745245563, 0.6733571464324383, 5.720085608003202], 1.8761324005394557],
  [{ classWeights }, shares, [2.3806454243954027, 0.9023535744675726, 3.172569556502601], 2.151856185121859],
  [{ labelSmoothing: 0.1 }, fewLabels, [0.5110412949049112, 0.7733571464324382, 2.8425428040016008], 1.3756470817796502],
  [{ labelSmoothing: 0.1 }, shares, [1.3930412949049114, 1.3673571464324386, 2.6850428040016006], 1.8151470817796502],
  [{ classWeights, labelSmoothing: 0.1 }, fewLabels, [0.5519502931292581, 0.8479419680844656, 5.465334002853141], 1.9614932183048186],
  [{ classWeights, labelSmoothing: 0.1 }, shares, [2.5388125923779103, 1.0540387533160867, 3.172569556502601], 2.2551403007321995],
];

onDevices("the categorical cross entropies, by weights of classes, distributions and smoothing,", (close, device) => {
  it("are PyTorch's", () => {
    setDevice(device);
    const x = input(fewScores);
    const forms: ((target: cost.Numbers, options: cost.CategoricalCostOptions) => Variable)[] = [
      (target, options) => categoricalCrossEntropyWithScores(x, target, options),
      (target, options) => categoricalCrossEntropy(softmax(x), target, options),
      (target, options) => negativeLogLikelihood(logSoftmax(x), target, options),
    ];
    for (const f of forms) {
      for (const [options, target, each, mean] of figures) {
        for (const given of [target, target.flat(), input(target as number[])]) {
          closeAll(close, f(given, { ...options, reduction: "none" }), each);
          close(f(given, options).item(), total(each));
          close(f(given, { ...options, reduction: "mean" }).item(), mean);
        }
      }
      // Its ignore_index is a mask here.
      const mask = { mask: [1, 0, 1], reduction: "mean" } as const;
      close(f([2, -1, 1], { classWeights, ...mask }).item(), 2.3572425021822627);
      close(f([2, -1, 1], { classWeights: input(classWeights), ...mask, labelSmoothing: 0.1 }).item(), 2.4069137183929596);
      // Weights of samples are factors besides, which do not change what the mean divides by.
      close(f(fewLabels, { classWeights, weight: [2, 1, 1], reduction: "mean" }).item(), 1.8761324005394557 + 0.17302064745245563 / 3.5);
      close(f([2, 0, 1], { classWeights: [0, 0, 0, 0], reduction: "mean" }).item(), 0);
    }
    close(categoricalCrossEntropyWithScores(input(fewScores[1]), 0, { classWeights: [3, 1, 1, 1], reduction: "mean" }).item(), 0.6733571464324383);
  });

  it("have PyTorch's gradients, by the target too", () => {
    setDevice(device);
    const [w, y] = [parameter(fewScores), parameter(shares)];
    const smooth = () => categoricalCrossEntropyWithScores(w, fewLabels, { classWeights, labelSmoothing: 0.1, reduction: "mean" });
    closeAll(close, gradientOf(smooth, w), [
      [0.02048279258214978, -0.009238963239703564, -0.008333284709305857, -0.0029105446331403415],
      [-0.10946623539437353, 0.03234501664762091, 0.013583058665742663, 0.06353816008100989],
      [-0.004229900257320046, -0.49646139103294873, 0.04433111847066399, 0.45636017281960484],
    ]);
    const soft = () => categoricalCrossEntropyWithScores(w, y, { classWeights });
    closeAll(close, gradientOf(soft, w), [
      [0.07364694112861493, -0.3682775648536469, 0.47823159815375094, -0.18360097442871892],
      [-0.26650545910424583, 0.13056604661333857, -0.10196743573592054, 0.2379068482268277],
      [-0.24155799119159632, -0.4069422478980361, 0.013825852892688634, 0.6346743861969439],
    ]);
    closeAll(close, gradientOf(soft, y), [
      [1.8460412949049112, 7.092082589809823, 0.17302064745245563, 6.738123884714733],
      [0.6733571464324383, 3.7467142928648762, 1.4366785732162193, 3.8200714392973145],
      [5.260042804001601, 5.720085608003202, 1.2300214020008002, 0.48012841200480216],
    ]);
    const weights = parameter(classWeights);
    check(() => categoricalCrossEntropyWithScores(w, fewLabels, { classWeights: weights, reduction: "mean", labelSmoothing: 0.2 }), { w, weights });
    check(() => sum(gradients(() => categoricalCrossEntropyWithScores(w, shares, { classWeights }), [w])[0].pow(2)), { w });
  });

  it("stand scores of any size where nothing is expected", () => {
    setDevice(device);
    const w = parameter([[1e4, -1e4, 0], [0, -Infinity, 0]]);
    const f = () => categoricalCrossEntropyWithScores(w, [[0.5, 0, 0.5], [1, 0, 0]]);
    close(f().item(), 5e3 + Math.LN2);
    closeAll(close, gradientOf(f, w), [[0.5, 0, -0.5], [-0.5, 0, 0.5]]);
  });

  it("refuse what is none", () => {
    setDevice(device);
    const x = input(fewScores);
    expect(() => categoricalCrossEntropyWithScores(x, [[0.5, 1.5, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]])).toThrow(/takes targets from 0 to 1, but got 1.5/);
    expect(() => categoricalCrossEntropyWithScores(x, input([[1, 0], [1, 0], [1, 0]]))).toThrow(/3 samples of 4 classes, but 6 labels/);
    expect(() => categoricalCrossEntropyWithScores(x, fewLabels, { labelSmoothing: 1.5 })).toThrow(/from 0 to 1 as labelSmoothing/);
    expect(() => categoricalCrossEntropyWithScores(x, fewLabels, { classWeights: [1, 2, 3] })).toThrow(/got classWeights of shape \[3\] for 4 classes/);
    expect(() => categoricalCrossEntropyWithScores(x, fewLabels, { classWeights: [1, 2, 3, NaN] })).toThrow(/at least 0 as classWeights, but got NaN/);
  });
});

describe.each([
  ["negativeLogLikelihood", negativeLogLikelihood], ["categoricalCrossEntropy", categoricalCrossEntropy],
  ["categoricalCrossEntropyWithScores", categoricalCrossEntropyWithScores],
] as const)("%s", (name, f) => {
  it("takes the label of one sample as a number, in a list or as a Variable", () => {
    const x = input([0.1, 0.7, 0.2]);
    for (const label of [0, 1, 2]) {
      const cost = f(x, label).item();
      expect([f(x, [label]).item(), f(x, input(label)).item(), f(input([[0.1, 0.7, 0.2]]), label).item()]).toEqual([cost, cost, cost]);
    }
  });

  it("refuses what does not fit, and says what it got", () => {
    const x = input([[0.1, 0.9], [0.5, 0.5], [0.4, 0.6]]);
    expect(() => f([[0, 1]] as unknown as Variable, [1])).toThrow(`${name} takes a Variable`);
    expect(() => f(x, [0, 1])).toThrow(ShapeError);
    expect(() => f(x, [0, 1])).toThrow(`${name} got an output of shape [3, 2], that is 3 samples of 2 classes, but 2 labels.`);
    expect(() => f(x, input([0, 1]))).toThrow(ShapeError);
    expect(() => f(input(1), 0)).toThrow(ShapeError);
    expect(() => f(input([], [2, 0]), [0, 0])).toThrow(/shape \[2, 0\]: the last axis/);
    for (const label of [-1, 2, 0.5, NaN]) {
      expect(() => f(x, [0, label, 1])).toThrow(ValueError);
      expect(() => f(x, [0, label, 1])).toThrow(`${name} got index ${label}`);
      expect(() => f(input([0.1, 0.9]), label)).toThrow(`${name} got index ${label}`);
      expect(() => f(x, [[0], [label], [1]])).toThrow(ValueError);
      expect(() => f(x, [0, label, 1], { mask: [0, 1, 1] })).toThrow(`${name} got index ${label}`);
      expect(() => evaluate(() => f(x, [0, label, 1], { mask: input([0, 1, 1]).mul(1) }))).toThrow(ValueError);
      if (!Number.isNaN(label)) expect(() => evaluate(() => f(x, input([0, label, 1]).mul(1)))).toThrow(ValueError);
    }
    expect(() => f(x, [[0, 1], [1]])).toThrow(`${name} got ragged labels`);
    expect(() => f(x, "abc" as never)).toThrow(ValueError);
    expect(() => f(x, null as never)).toThrow(ValueError);
    expect(() => f(x, [0, 1, 1], { mask: [[1, 0, 1], [1, 1, 1]] })).toThrow(`${name} got mask of shape [2, 3] for samples of shape [3]`);
    expect(() => f(x, [0, 1, 1], { weight: "a" as never })).toThrow(`${name} takes numbers as weight, but got "a"`);
  });
});
