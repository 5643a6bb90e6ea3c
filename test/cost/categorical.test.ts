import { describe, expect, it } from "vitest";
import { ShapeError, ValueError } from "../../src/support/errors.ts";
import { cost, evaluate, gradients, input, parameter, setDevice, softmax, sum, type Variable } from "../../src/index.ts";
import { Random } from "../../src/random/random.ts";
import { testOperations } from "../operations/suite.ts";
import { entries } from "../operations/table/categorical.ts";
import { check, gradientOf, nested, onDevices } from "./on-devices.ts";

testOperations(entries);

const { categoricalCrossEntropy, categoricalCrossEntropyWithScores } = cost;

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

describe.each([
  ["categoricalCrossEntropy", categoricalCrossEntropy], ["categoricalCrossEntropyWithScores", categoricalCrossEntropyWithScores],
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
