/** Costs: what training makes small. Summed over samples by default, as a negative log likelihood is. */

import type { Operation } from "../differentiate.ts";
import { ShapeError, ValueError } from "../errors.ts";
import { argument, index } from "../kernels/expression.ts";
import { row } from "../kernels/kernel.ts";
import { mul, sub } from "../operations/arithmetic.ts";
import { reshape, sum } from "../operations/broadcasting.ts";
import { type Indices, indexVariable } from "../operations/indexing.ts";
import { mean, shift } from "../operations/reduction.ts";
import { register } from "../operations/registry.ts";
import { softmax, softmaxGradient } from "../operations/softmax.ts";
import { nextOperationId } from "../plan/trace.ts";
import { record } from "../recorder.ts";
import { describe, formatShape, sizeOf } from "../shape.ts";
import { input, Variable } from "../variable.ts";

/** The class of each sample: integers from 0. One number for one sample. */
export type Labels = Indices;

export interface CostOptions {
  /** A factor for all samples, or one for each. */
  readonly weight?: number | readonly number[] | Float32Array | Float64Array | Variable;
  /** "sum" (the default) adds the samples up; "mean" divides by their number. */
  readonly reduction?: "sum" | "mean";
}

const [x, label] = [argument(0), argument(1)];

/** Per row: log Σ eˣ − x[label]. */
const forwardKernel = /*#__PURE__*/ row(
  ["element", "row"],
  [
    { reduce: "maximum", value: x },
    { reduce: "sum", value: x.sub(shift(argument(2))).exp() },
    { reduce: "sum", value: index().equal(label).where(x.sub(shift(argument(2))), 0) },
  ],
  [{ per: "row", value: argument(3).log().sub(argument(4)) }],
);

/** Per element: (softmax(x) − [index = label]) · g. */
const backwardKernel = /*#__PURE__*/ row(
  ["element", "row", "row"],
  [{ reduce: "maximum", value: x }, { reduce: "sum", value: x.sub(shift(argument(3))).exp() }],
  [{ per: "element", value: x.sub(shift(argument(3))).exp().div(argument(4)).sub(index().equal(label)).mul(argument(2)) }],
);

/** Inputs: scores, labels, gradient of each row. */
const crossEntropyGradient: Operation = register({
  name: "crossEntropy′",
  id: nextOperationId(),
  lower: (planner, node) => {
    const shape = planner.shape(node);
    const n = shape[shape.length - 1];
    planner.row(node, backwardKernel, planner.size(node) / n, n);
  },
  reverse: (k) => {
    if (k === 1) return null;
    return (v, node) => {
      const [scores, labels, g] = [node.input(0), node.input(1), node.input(2)];
      if (k === 0) return mul(softmaxGradient(softmax(scores), v), reshape(g, [...g.shape, 1]));
      const ones = record(crossEntropyGradient, scores.shape, [scores, labels, sub(g, g).add(1)]);
      return sum(mul(v, ones), -1);
    };
  },
});

/** Inputs: scores [rows…, classes], labels [rows…]. */
const crossEntropy: Operation = register({
  name: "categoricalCrossEntropyWithScores",
  id: nextOperationId(),
  lower: (planner, node) => {
    const shape = planner.shape(planner.trace.input(node, 0));
    planner.row(node, forwardKernel, planner.size(node), shape[shape.length - 1]);
  },
  reverse: (k) => k === 1 ? null : (gradient, node) => record(crossEntropyGradient, node.inputShape(0), [node.input(0), node.input(1), gradient]),
});

/**
 * The negative log likelihood of labels under the categorical distribution softmax(scores), computed from the scores so
 * that no score overflows: Σ weight · (log Σ exp(scores) − scores[label]).
 *
 * @param scores [classes] for one sample, or [samples, classes]
 * @param labels an integer from 0 to classes − 1 for each sample: a number, number[], Int32Array or Variable
 * @returns the sum (or mean) over the samples, a Variable of shape []
 * @throws ShapeError if the numbers of samples differ; ValueError for a label that is not such an integer
 */
export function categoricalCrossEntropyWithScores(scores: Variable, labels: Labels, options: CostOptions = {}): Variable {
  const name = "categoricalCrossEntropyWithScores";
  if (!(scores instanceof Variable)) throw new ValueError(`${name} takes a Variable of scores, but got ${describe(scores)}.`);
  const classes = scores.shape[scores.shape.length - 1] ?? 0;
  if (classes === 0) throw new ShapeError(`${name} got scores of shape ${formatShape(scores.shape)}: the last axis holds a score for each class and must not be empty.`);
  const rows = scores.shape.slice(0, -1);
  const found = indexVariable(name, labels, classes);
  if (found.size !== sizeOf(rows)) {
    throw new ShapeError(`${name} got scores of shape ${formatShape(scores.shape)}, that is ${sizeOf(rows)} samples of ${classes} classes, but ${found.size} labels.`);
  }
  return reduced(name, record(crossEntropy, rows, [scores, reshape(found, rows)]), options);
}

/** Weighs the costs of samples and adds them up. */
function reduced(name: string, costs: Variable, { weight = 1, reduction = "sum" }: CostOptions): Variable {
  if (reduction !== "sum" && reduction !== "mean") throw new ValueError(`${name} takes "sum" or "mean" as reduction, but got ${describe(reduction)}.`);
  let weighted = costs;
  if (weight !== 1) {
    const factor = typeof weight === "number" || weight instanceof Variable ? weight : input(weight as readonly number[]);
    if (typeof factor === "number" && !Number.isFinite(factor)) throw new ValueError(`${name} takes a finite weight, but got ${factor}.`);
    if (factor instanceof Variable && factor.size !== 1 && factor.size !== costs.size) {
      throw new ShapeError(`${name} got ${factor.size} weights for ${costs.size} samples: give one number, or one for each sample.`);
    }
    weighted = mul(costs, factor instanceof Variable ? reshape(factor, factor.size === 1 ? [] : costs.shape) : factor);
  }
  if (reduction === "mean") return mean(weighted);
  return weighted.shape.length === 0 ? weighted : sum(weighted);
}
