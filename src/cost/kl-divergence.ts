/** How far one distribution is from another. */

import type { Variable } from "../engine/variable.ts";
import { checkVariable } from "../operations/check.ts";
import { elementwise } from "../operations/elementwise.ts";
import { checkFlag } from "../support/check.ts";
import { noOptions } from "../support/options.ts";
import { checkCost, type CostOptions, costOptions, type Numbers, probabilities, Samples, samplesOf, targetsOf } from "./samples.ts";

export interface KlDivergenceOptions extends CostOptions {
  /** Whether the target is given as logarithms of probabilities, too; false unless given. */
  readonly logTarget?: boolean | undefined;
}

/** What has no probability costs nothing, and has no slope. */
const fromProbability = elementwise("klDivergence", (log, target) => target.greater(0).where(target.mul(target.log().sub(log)), target.mul(0)));
const fromLog = elementwise("klDivergence", (log, target) => {
  const p = target.exp();
  return p.greater(0).where(p.mul(target.sub(log)), p);
});

/**
 * The Kullback–Leibler divergence of a model from a target, KL(target ‖ model): Σ weight · Σ target · (log target − logProbabilities). As in PyTorch the
 * model puts out *logarithms* of probabilities, and the target is *probabilities*. It is 0 where both are equal. The reduction "mean" is over samples,
 * PyTorch's "batchmean".
 *
 * @param logProbabilities of the model, as `logSoftmax` gives: [classes] for one sample, or [samples…, classes]
 * @param target probabilities, or with `logTarget` their logarithms, in the same shape or flat in row-major order; a Variable gets a gradient too
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the divergence of each sample
 * @throws ShapeError if target, weights or mask do not fit the output; ValueError for a probability below 0 or above 1
 * @example
 * const logs = logSoftmax(input([0, 0]));
 * cost.klDivergence(logs, [0.5, 0.5]).item(); // 0
 * // log 2
 * cost.klDivergence(logs, [1, 0]).item(); // 0.6931
 * // Distillation: a student after a teacher
 * const [student, teacher] = [input([1, 0, 2]), input([2, 0, 1])];
 * cost.klDivergence(logSoftmax(student), logSoftmax(teacher), { logTarget: true }).item(); // 0.4205
 */
export function klDivergence(logProbabilities: Variable, target: Numbers, options: KlDivergenceOptions = noOptions): Variable {
  const name = "klDivergence";
  checkCost(name, arguments, options, [...costOptions, "logTarget"]);
  checkVariable(name, logProbabilities);
  const { shape } = logProbabilities;
  const samples = new Samples(name, samplesOf(shape), options);
  const isLog = checkFlag(name, "logTarget", options.logTarget ?? false);
  const targets = targetsOf(samples, target, shape, isLog ? null : probabilities);
  return samples.reduce((isLog ? fromLog : fromProbability)(samples.clean(logProbabilities), targets));
}
