/** What all costs have in common: samples of any shape, weights, masks, reductions, options, gradients. Every cost is in the table. */

import { afterEach, describe, expect, it } from "vitest";
import * as cost from "../../src/cost/index.ts";
import { evaluate, input, logSoftmax, type Parameter, parameter, setDevice, sigmoid, softmax, type Variable } from "../../src/index.ts";
import { Random } from "../../src/random/random.ts";
import type { Shape } from "../../src/support/shape.ts";
import { check, closeAll, onDevices } from "./on-devices.ts";

const random = new Random(3);
const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const reals = (shape: Shape): number[] => [...random.normalArray(sizeOf(shape))];
const among = (n: number, shape: Shape): number[] => Array.from({ length: sizeOf(shape) }, () => random.integer(0, n));
const yes = (shape: Shape): number[] => among(2, shape);
const shares = (shape: Shape): number[] => [...softmax(input(reals(shape), shape)).data];

/** A cost with fixed targets, of outputs [samples…, n], and what it may make of them before. */
interface Subject {
  readonly outputs?: number;
  /** Only for batches [samples, n]. */
  readonly flat?: boolean;
  /** Whether the cost of a sample depends on the others. */
  readonly mixes?: boolean;
  draw(shape: Shape): (outputs: readonly Variable[], options: cost.CostOptions) => Variable;
}

/** A cost of one output and targets that are drawn for its shape. */
const by = <T>(targets: (shape: Shape) => T, f: (x: Variable, y: T, options: cost.CostOptions) => Variable): Subject =>
  ({ draw: (shape) => { const y = targets(shape); return ([x], options) => f(x, y, options); } });

const labels = (shape: Shape): number[] => among(shape.at(-1) as number, shape.slice(0, -1));

const subjects: Record<string, Subject> = {
  mse: by(reals, cost.mse),
  mae: by(reals, cost.mae),
  huber: by(reals, (x, y, options) => cost.huber(x, y, { ...options, delta: 0.7 })),
  bernoulliCrossEntropyWithScores: by(yes, cost.bernoulliCrossEntropyWithScores),
  bernoulliCrossEntropy: by(yes, (x, y, options) => cost.bernoulliCrossEntropy(sigmoid(x), y, options)),
  categoricalCrossEntropyWithScores: by(labels, cost.categoricalCrossEntropyWithScores),
  "categoricalCrossEntropyWithScores, soft": by(shares, cost.categoricalCrossEntropyWithScores),
  categoricalCrossEntropy: by(labels, (x, y, options) => cost.categoricalCrossEntropy(softmax(x), y, { ...options, labelSmoothing: 0.2 })),
  negativeLogLikelihood: by(labels, (x, y, options) => cost.negativeLogLikelihood(logSoftmax(x), y, options)),
  hinge: by(yes, cost.hinge),
  "hinge, of classes": by(labels, cost.hinge),
  focal: by(yes, (x, y, options) => cost.focal(x, y, { ...options, alpha: 0.3 })),
  "focal, of classes": by(labels, (x, y, options) => cost.focal(x, y, { ...options, gamma: 1.5 })),
  klDivergence: by(shares, (x, y, options) => cost.klDivergence(logSoftmax(x), y, options)),
  dice: by(yes, (x, y, options) => cost.dice(sigmoid(x), y, options)),
  cosineEmbedding: {
    outputs: 2,
    draw: (shape) => { const y = yes(shape.slice(0, -1)); return ([a, b], options) => cost.cosineEmbedding(a, b, y, { ...options, margin: 0.1 }); },
  },
  triplet: { outputs: 3, draw: () => ([a, p, n], options) => cost.triplet(a, p, n, { ...options, swap: true }) },
  contrastive: {
    outputs: 2, flat: true, mixes: true,
    draw: () => ([a, b], options) => cost.contrastive(a, b, { ...options, temperature: 0.5, symmetric: true }),
  },
  // One step for each utterance.
  ctcWithScores: {
    flat: true,
    draw: ([n, symbols]) => {
      const y = Array.from({ length: n }, (_, i) => (i % 2 === 0 ? [1] : []));
      return ([x], options) => cost.ctcWithScores(x.reshape([n, 1, symbols]), y, options);
    },
  },
};

it("is a test of every cost", () => {
  expect([...new Set(Object.keys(subjects).map((name) => name.split(",")[0]))].sort()).toEqual(Object.keys(cost).sort());
});

afterEach(() => { setDevice("wasm"); });

const shapesOf = ({ flat }: Subject): Shape[] => (flat ? [[4, 3], [1, 2]] : [[3], [4, 3], [2, 3, 5]]);

onDevices("each cost", (close, device) => {
  describe.each(Object.entries(subjects))("%s", (_, subject) => {
    const { outputs = 1, draw, mixes } = subject;

    it("is what each sample costs, summed or averaged, weighed and masked", () => {
      setDevice(device);
      for (const shape of shapesOf(subject)) {
        const rows = shape.slice(0, -1);
        const n = sizeOf(rows);
        const xs = Array.from({ length: outputs }, () => input(reals(shape), shape));
        const f = draw(shape);
        const none = f(xs, { reduction: "none" });
        expect(none.shape).toEqual(rows);
        const each = [...none.data];
        const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
        close(f(xs, {}).item(), total(each));
        close(f(xs, { reduction: "mean" }).item(), total(each) / n);
        const weight = reals(rows);
        closeAll(close, f(xs, { reduction: "none", weight }), each.map((x, i) => x * weight[i]));
        closeAll(close, f(xs, { reduction: "none", weight: 3 }), each.map((x) => 3 * x));
        closeAll(close, f(xs, { reduction: "none", weight: input([3]) }), each.map((x) => 3 * x));
        close(f(xs, { reduction: "mean", weight: input(weight, rows) }).item(), total(each.map((x, i) => x * weight[i])) / n);
        closeAll(close, evaluate(() => f(xs, { reduction: "none" })), each);
        if (mixes) continue;
        const mask = Array.from({ length: n }, (_, i) => (i % 3 === 1 ? 0 : 1));
        const counted = each.map((x, i) => x * mask[i]);
        const holed = xs.map((x) => input([...x.data].map((value, i) => (mask[Math.floor(i / (shape.at(-1) as number))] === 1 ? value : NaN)), shape));
        for (const given of [mask, input(mask, rows)]) {
          closeAll(close, f(holed, { reduction: "none", mask: given }), counted);
          close(f(holed, { reduction: "mean", mask: given, weight }).item(), total(counted.map((x, i) => x * weight[i])) / total(mask));
        }
      }
    });

    it("passes gradients, of samples of any shape", () => {
      setDevice(device);
      for (const shape of shapesOf(subject)) {
        const rows = shape.slice(0, -1);
        const parameters: Record<string, Parameter> = {};
        for (let i = 0; i < outputs; i++) parameters[`x${i}`] = parameter(reals(shape), shape);
        const f = draw(shape);
        const xs = Object.values(parameters);
        const weight = parameter(reals(rows), rows);
        const mask = among(2, rows);
        check(() => f(xs, { reduction: "mean", weight, mask }), { ...parameters, weight });
        check(() => f(xs, { reduction: "none" }).mul(weight).sum(), { ...parameters, weight });
      }
    });

    it("refuses what it does not know", () => {
      setDevice(device);
      const [shape] = shapesOf(subject);
      const xs = Array.from({ length: outputs }, () => input(reals(shape), shape));
      const f = draw(shape);
      expect(() => f(xs, { reduction: "batchmean" as "mean" })).toThrow(/takes "sum", "mean" or "none" as reduction, but got "batchmean"/);
      expect(() => f(xs, { weights: [1] } as object)).toThrow(/got the option "weights", which it does not have. Did you mean weight\?/);
      expect(() => f(xs, { mask: new Array(sizeOf(shape) + 1).fill(1) })).toThrow(/mask/);
    });
  });
});
