/** The cost of labels that are not aligned with the steps of a sequence. */

import { ctcLosses, joined } from "../ctc/loss.ts";
import { type CtcTargetOptions, ctcOptions, type Targets } from "../ctc/utterances.ts";
import { ShapeError, ValueError } from "../support/errors.ts";
import { formatShape, type Shape, sameShape } from "../support/shape.ts";
import type { Variable } from "../engine/variable.ts";
import { type CostOptions, checkCost, costOptions, type Numbers, numbers, Samples } from "./samples.ts";

/**
 * Here a sample is an utterance. `mask` has 1 or 0 for each utterance; or for each step, ones before zeros, which is another way
 * of giving `inputLengths`.
 */
export interface CtcCostOptions extends CostOptions, CtcTargetOptions {}

/**
 * Connectionist temporal classification (Graves et al., 2006): −Σ weight · log p(target | scores). Each step has a distribution
 * softmax(scores) over symbols, one of which, the blank, stands for no label. A path takes a symbol at each step; merging equal
 * neighbours and dropping blanks leaves its labels; p is the probability of all paths that leave the target. An empty target is
 * spelt by blanks alone.
 *
 * Loss and gradient are computed together, in float64, without underflow for any length. Second derivatives are not there.
 *
 * @param scores [steps, symbols] for one utterance or [samples, steps, symbols], or a list with [symbols] or [samples, symbols] for
 *   each step; before any softmax
 * @param targets the labels of the utterance, or a list of them for each; integers other than the blank
 * @returns the sum (or mean) over the utterances, a Variable of shape []; with the reduction "none" the cost of each utterance
 * @throws ShapeError if targets, lengths, weights or mask do not fit the scores; ValueError for a label, blank or length out of range,
 *   and for a target that needs more steps than there are, unless `infeasible` says otherwise; UsageError if the gradient is differentiated
 * @example
 * // Of the four paths of two steps, all but blank and blank leave the label: −log ¾
 * cost.ctcWithScores(zeros([2, 2]), [1]).item(); // 0.2877
 * // Two steps and one, and nothing to say in the second utterance: −log ¾ − log ½
 * cost.ctcWithScores(zeros([2, 2, 2]), [[1], []], { inputLengths: [2, 1] }).item(); // 0.9808
 */
export function ctcWithScores(scores: Variable | readonly Variable[], targets: Targets, options: CtcCostOptions = {}): Variable {
  const name = "ctcWithScores";
  checkCost(name, arguments, options, [...costOptions, ...ctcOptions]);
  const whole = joined(name, scores);
  const { mask, ...others } = options;
  const rows = whole.shape.slice(0, -2);
  if (mask === undefined) return new Samples(name, rows, others).reduce(ctcLosses(name, whole, targets, options));
  const { shape, values } = known(name, mask);
  if (!sameShape(shape, rows) && sameShape(shape, whole.shape.slice(0, -1))) {
    if (options.inputLengths !== undefined) throw new ValueError(`${name} got inputLengths and a mask of steps: give one of them.`);
    const inputLengths = lengths(name, values, shape);
    return new Samples(name, rows, others).reduce(ctcLosses(name, whole, targets, { ...options, inputLengths }));
  }
  const samples = new Samples(name, rows, options);
  return samples.reduce(ctcLosses(name, whole, targets, options, (i) => values[i] !== 0));
}

/** The mask, which must be known before the step runs. */
function known(name: string, mask: Numbers): { shape: Shape; values: ArrayLike<number> } {
  const found = numbers(name, "mask", mask);
  return { shape: found.shape, values: found.values ?? (mask as Variable).data };
}

/** How many ones each row of a mask begins with. */
function lengths(name: string, values: ArrayLike<number>, shape: Shape): number[] {
  const steps = shape[shape.length - 1];
  return Array.from({ length: shape.length === 1 ? 1 : shape[0] }, (_, i) => {
    let length = 0;
    for (let t = 0; t < steps; t++) {
      const value = values[i * steps + t];
      if (value !== 0 && value !== 1) throw new ValueError(`${name} got ${value} in its mask: 1 marks a step that counts, 0 one that does not.`);
      if (value === 1 && length++ < t) {
        throw new ShapeError(`${name} got a mask ${formatShape(shape)} with a 1 after a 0 in row ${i}: the steps of an utterance that count come first.`);
      }
    }
    return length;
  });
}
