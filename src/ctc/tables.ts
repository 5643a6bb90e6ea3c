/**
 * The two tables of Graves et al. (2006), "Connectionist temporal classification", as they stand in the paper, in log space.
 * They are for looking at and for testing; the cost computes the same faster.
 */

import { ShapeError } from "../support/errors.ts";
import { formatShape } from "../support/shape.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { expand } from "./labels.ts";
import { type CtcOptions, logAdd, logProbabilities, type Scores, type Sequence } from "./utterances.ts";

/** May a path go from state s − 2 to state s? Only over a blank between different labels. */
export const skips = (states: readonly number[], s: number, blank: number): boolean =>
  s >= 2 && states[s] !== blank && states[s] !== states[s - 2];

interface Problem {
  readonly states: readonly number[];
  readonly steps: number;
  readonly blank: number;
  /** The log probability of the symbol of state s at step t. */
  at(t: number, s: number): number;
}

function problem(name: string, labels: Sequence, scores: Scores, options: Pick<CtcOptions, "blank">): Problem {
  const { utterances, values } = logProbabilities(name, scores, { blank: options.blank });
  const { steps, symbols, blank } = utterances;
  if (!utterances.isSingle) throw new ShapeError(`${name} takes scores of shape [steps, symbols], of one utterance, but got ${formatShape(utterances.shape)}.`);
  const [target] = utterances.labels(labels);
  const states = expand(target, blank);
  return { states, steps, blank, at: (t, s) => values[t * symbols + states[s]] };
}

/**
 * The forward table: entry [t][s] is the log probability of all beginnings of paths, up to and with step t, that end in
 * state s of `expand(labels)`. The last two entries of the last row add up to the likelihood of the labels.
 *
 * @param scores [steps, symbols], of one utterance; log probabilities are scores too
 * @returns a row of 2 · length + 1 states for each step
 * @throws ShapeError, ValueError for labels or a blank that do not fit the scores, and for scores that are no distribution
 * @example
 * const scores = zeros([2, 2]); // 2 steps, a blank and a label: all 4 paths are equally probable
 * forward([1], scores).map((row) => Array.from(row, Math.exp)); // [[0.50, 0.50, 0], [0.25, 0.50, 0.25]]
 */
export function forward(labels: Sequence, scores: Scores, options: Pick<CtcOptions, "blank"> = {}): Float64Array[] {
  checkArguments("forward", arguments, 3);
  checkOptions("forward", options, ["blank"]);
  const { states, steps, blank, at } = problem("forward", labels, scores, options);
  const table: Float64Array[] = [];
  for (let t = 0; t < steps; t++) {
    table.push(Float64Array.from(states, (_, s) => {
      if (t === 0) return s < 2 ? at(0, s) : -Infinity;
      const before = table[t - 1];
      let sum = before[s];
      if (s >= 1) sum = logAdd(sum, before[s - 1]);
      if (skips(states, s, blank)) sum = logAdd(sum, before[s - 2]);
      return sum + at(t, s);
    }));
  }
  return table;
}

/**
 * The backward table: entry [t][s] is the log probability of all ends of paths, after step t, that start from state s of
 * `expand(labels)`. So for each t, forward[t][s] + backward[t][s] is the log probability of all paths that are in state s
 * at step t, and over s these add up to the likelihood.
 *
 * @param scores [steps, symbols], of one utterance; log probabilities are scores too
 * @returns a row of 2 · length + 1 states for each step
 * @throws as `forward`
 * @example
 * const scores = zeros([2, 2]); // 2 steps, a blank and a label: all 4 paths are equally probable
 * backward([1], scores).map((row) => Array.from(row, Math.exp)); // [[0.5, 1, 0.5], [0, 1, 1]]
 */
export function backward(labels: Sequence, scores: Scores, options: Pick<CtcOptions, "blank"> = {}): Float64Array[] {
  checkArguments("backward", arguments, 3);
  checkOptions("backward", options, ["blank"]);
  const { states, steps, blank, at } = problem("backward", labels, scores, options);
  const table: Float64Array[] = new Array(steps);
  for (let t = steps - 1; t >= 0; t--) {
    const after = table[t + 1];
    table[t] = Float64Array.from(states, (_, s) => {
      if (t === steps - 1) return s >= states.length - 2 ? 0 : -Infinity;
      let sum = after[s] + at(t + 1, s);
      if (s + 1 < states.length) sum = logAdd(sum, after[s + 1] + at(t + 1, s + 1));
      if (s + 2 < states.length && skips(states, s + 2, blank)) sum = logAdd(sum, after[s + 2] + at(t + 1, s + 2));
      return sum;
    });
  }
  return table;
}
