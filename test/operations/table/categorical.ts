/** The cost of one class out of several. */

import * as flimsy from "../../../src/index.ts";
import { cost, reshape, type Variable } from "../../../src/index.ts";
import { record } from "../../../src/engine/recording.ts";
import { abs, type Entry, labelsFor, ofRows, operation } from "../entry.ts";
import { at, indices, lineOf, lines, logSoftmax, mean, outer, softmax, spreadAt, total, type Vector } from "../plain.ts";
import { domains, type Draw, Tensor } from "../draw.ts";

const { positive } = domains;

const logLoss = (scores: Vector, label: number): number => -logSoftmax(scores)[label];

function scoresAndLabels(draw: Draw, minClasses = 1): [Tensor, Tensor] {
  const classes = Math.max(minClasses, draw.size(1, false));
  const rows = draw.oneIn(4) ? [] : [draw.size(classes)];
  return [draw.tensor([...rows, classes]), labelsFor(draw, rows, classes)];
}

export const entries = {
  categoricalCrossEntropyWithScores: {
    meaning: (scores: Tensor, labels: Tensor, { reduction }: { reduction: string }, weight: number | Tensor) => {
      const costs = indices(outer(scores)).map((line) => spreadAt(weight, line) * logLoss(lineOf(scores, line), at(labels, line)));
      return new Tensor([], Float64Array.of(reduction === "mean" ? mean(costs) : total(costs)));
    },
    draw: (draw) => {
      const [scores, labels] = scoresAndLabels(draw);
      const weight = draw.oneIn(2) ? draw.tensor(labels.shape, positive) : draw.oneIn(2) ? 1 : 1.5;
      return [scores, labels, { reduction: labels.values.length === 0 ? "sum" : draw.pick(["sum", "mean"]) }, weight];
    },
    f: (scores: Variable, labels: Variable, options: { reduction: "sum" | "mean" }, weight: number | Variable) =>
      cost.categoricalCrossEntropyWithScores(scores, labels, { ...options, weight }),
    ulps: (scores: Variable) => scores.size + 12,
    magnitude: (scores: Variable, labels: Variable, { reduction }: { reduction: "sum" | "mean" }, weight: number | Variable) => {
      const costs = flimsy.mul(flimsy.add(flimsy.mul(flimsy.max(abs(scores), -1), 2), 1), weight);
      return reduction === "mean" ? flimsy.mean(costs) : labels.shape.length === 0 ? costs : flimsy.sum(costs);
    },
  },
  // (softmax(x) − [index = label]) · g
  "crossEntropy′": {
    meaning: (scores: Tensor, labels: Tensor, g: Tensor) =>
      lines((values, line) => softmax(values).map((p, i) => (p - (i === at(labels, line) ? 1 : 0)) * at(g, line)))(scores),
    draw: (draw) => {
      const [scores, labels] = scoresAndLabels(draw);
      return [scores, labels, draw.tensor(labels.shape)];
    },
    f: (scores: Variable, labels: Variable, g: Variable) => record(operation("crossEntropy′"), scores.shape, [scores, labels, g]),
    ulps: ofRows,
    magnitude: (scores: Variable, _: Variable, g: Variable) => flimsy.mul(flimsy.add(flimsy.mul(scores, 0), 1), reshape(abs(g), [...g.shape, 1])),
  },
} satisfies Record<string, Entry>;
