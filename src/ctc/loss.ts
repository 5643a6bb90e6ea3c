/** The cost of connectionist temporal classification as an operation: losses and gradients in one go over the scores. */

import { currentDevice } from "../devices/current.ts";
import { newOperation } from "../engine/operation.ts";
import { UsageError, ValueError } from "../support/errors.ts";
import type { HostArray, HostFunction } from "../kernels/kernel.ts";
import { lowerHost } from "../plan/host.ts";
import { mul } from "../operations/arithmetic.ts";
import { view } from "../operations/broadcasting.ts";
import { slice } from "../operations/layout.ts";
import { openStep, record } from "../engine/recording.ts";
import { formatShape, type Shape, sizeOf } from "../support/shape.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { fromValues, Variable } from "../engine/variable.ts";
import { refusal } from "../support/check.ts";
import { stack } from "../operations/joining.ts";
import { negativeLogLikelihoodOf } from "./likelihood.ts";
import { ctcOptions, type CtcTargetOptions, type Targets, Utterances } from "./utterances.ts";

/** What a row of the targets begins with: how many steps count, how many labels follow (−1: no path spells them), the blank. */
const HEADER = 3;

/** The losses of all utterances into `losses`, and the gradients into `gradients` if there are any. */
function compute(scores: HostArray, targets: HostArray, losses: HostArray["data"], gradients: HostArray["data"] | null): void {
  const { shape } = scores;
  const [steps, symbols] = [shape[shape.length - 2], shape[shape.length - 1]];
  const width = HEADER + steps;
  for (let i = 0; i < losses.length; i++) {
    const header = i * width;
    const length = targets.data[header];
    const count = targets.data[header + 1];
    const blank = targets.data[header + 2];
    const from = i * steps * symbols;
    gradients?.fill(0, from + (count < 0 ? 0 : length * symbols), from + steps * symbols);
    losses[i] = count < 0
      ? Infinity
      : negativeLogLikelihoodOf(scores.data, from, length, symbols, targets.data, header + HEADER, count, blank, gradients, from);
  }
}

const lossOf: HostFunction = (y, scores, targets) => compute(scores, targets, y.data, null);
const both: HostFunction = (y, scores, targets) => {
  const size = sizeOf(scores.shape);
  compute(scores, targets, y.data.subarray(size), y.data.subarray(0, size));
};

/** Inputs: scores, targets. The gradients of all scores, then the losses of the utterances. */
const gradientsAndLosses = newOperation({
  name: "ctc′",
  lower: (lowering, node) => lowerHost(lowering, node, both),
  reverse: (k) => k === 1 ? null : () => {
    throw new UsageError(
      "The gradient of the CTC cost cannot be differentiated again: second derivatives of it are not implemented. " +
        "Take them of the rest of the loss only, or detach() the gradient.",
    );
  },
});

const withGradients = (scores: Variable, targets: Variable, rows: Shape): Variable =>
  record(gradientsAndLosses, [scores.size + sizeOf(rows)], [scores, targets]);

/** The gradient of each utterance's scores, scaled by the gradient of its loss. */
const scaled = (both: Variable, scores: Shape, gradient: Variable): Variable =>
  mul(view(slice(both, [0, sizeOf(scores)]), scores), view(gradient, [...gradient.shape, 1, 1]));

/** Inputs: scores, gradients and losses. The losses, as a view. */
const lossesOfBoth = newOperation({
  name: "ctc",
  lower: (lowering, node) => lowering.alias(node, lowering.trace.input(node, 1), lowering.size(lowering.trace.input(node, 0))),
  reverse: (k) => k === 1 ? null : (gradient, node) => scaled(node.input(1), node.inputShape(0), gradient),
});

/** Inputs: scores, targets. Only the losses, for a step that is not about gradients; a gradient is computed if it is asked for all the same. */
const losses = newOperation({
  name: "ctc",
  lower: (lowering, node) => lowerHost(lowering, node, lossOf),
  reverse: (k) => k === 1 ? null : (gradient, node) =>
    scaled(withGradients(node.input(0), node.input(1), node.shape), node.inputShape(0), gradient),
});

/** Scores as one Variable, batch first; from a list, of one Variable for each step. */
export function joined(name: string, scores: Variable | readonly Variable[]): Variable {
  if (scores instanceof Variable) return scores;
  if (!Array.isArray(scores) || scores.length === 0 || !scores.every((step) => step instanceof Variable)) {
    throw refusal(name, "a Variable of scores, or a list with one for each step", scores);
  }
  const [{ shape }] = scores;
  if (shape.length !== 1 && shape.length !== 2) {
    throw new ValueError(
      `${name} got a list of scores of shape ${formatShape(shape)}: each step is [symbols] for one utterance or [samples, symbols] for a batch.`,
    );
  }
  return stack(scores, shape.length - 1);
}

/**
 * The cost of each utterance.
 * @param counts whether an utterance counts; the others cost 0, and whatever they hold does no harm
 */
export function ctcLosses(name: string, scores: Variable, targets: Targets, options: CtcTargetOptions, counts?: (sample: number) => boolean): Variable {
  const utterances = new Utterances(name, scores.shape, options, counts);
  const { samples, steps, blank, lengths } = utterances;
  const labels = utterances.targets(targets, options, counts);
  const width = HEADER + steps;
  // As wide as the longest target that fits, so that targets of other lengths are the same structure.
  const rows = new (currentDevice().FloatArray)(samples * width);
  for (let i = 0; i < samples; i++) {
    const list = labels[i];
    rows.set([lengths[i], list === null ? -1 : list.length, blank], i * width);
    if (list !== null) rows.set(list, i * width + HEADER);
  }
  const packed = fromValues(rows, [samples, width]);
  const shape = utterances.isSingle ? [] : [samples];
  if ((openStep()?.purpose ?? "values") === "values") return record(losses, shape, [scores, packed]);
  return record(lossesOfBoth, shape, [scores, withGradients(scores, packed, shape)]);
}

/**
 * −log p(target | scores) of each utterance, where p is the probability of all paths that spell the target: connectionist temporal
 * classification (Graves et al., 2006). The cost of training is `cost.ctcWithScores`, which weighs these and adds them up.
 *
 * @param scores [steps, symbols] for one utterance, or [samples, steps, symbols]; before any softmax
 * @returns [] or [samples]
 * @throws as `cost.ctcWithScores`
 * @example
 * const scores = zeros([2, 2]); // 2 steps, a blank and a label: all 4 paths are equally probable
 * const loss = negativeLogLikelihood(scores, [1]); // −log(3 / 4): 1 1, 1 0 and 0 1 spell it
 * loss.item(); // 0.2877
 */
export function negativeLogLikelihood(scores: Variable | readonly Variable[], targets: Targets, options: CtcTargetOptions = {}): Variable {
  checkArguments("negativeLogLikelihood", arguments, 3);
  checkOptions("negativeLogLikelihood", options, ctcOptions);
  return ctcLosses("negativeLogLikelihood", joined("negativeLogLikelihood", scores), targets, options);
}
