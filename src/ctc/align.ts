/** Alignment: the most probable path that spells known labels (Viterbi). */

import { checkArguments, checkOptions } from "../support/options.ts";
import { expand } from "./labels.ts";
import { skips } from "./tables.ts";
import { type CtcTargetOptions, ctcOptions, logProbabilities, type Scores, type Targets } from "./utterances.ts";

/** Which label is at which steps: what `align` gives. */
export interface Alignment {
  /** The symbol of each step; empty if no path spells the labels. */
  readonly path: number[];
  /** For each label the steps that the path spends on it: from the first, up to but without the second. */
  readonly spans: [start: number, end: number][];
  /** The log probability of the path; −∞ if no path spells the labels. */
  readonly score: number;
}

/**
 * The most probable path of each utterance among those that spell its labels: which steps belong to which label.
 * Found by dynamic programming over steps and states (A. Viterbi 1967).
 *
 * @param scores [steps, symbols] for one utterance or [samples, steps, symbols]; before any softmax, or log probabilities
 * @returns an alignment for each utterance, in a list also if there is only one
 * @throws ShapeError, ValueError for targets, lengths or a blank that do not fit the scores, and for scores that are no
 *   distribution; for a target that needs more steps than there are, unless `infeasible` is "infinity"
 * @example
 * const scores = [[0, 9, 0], [0, 9, 0], [9, 0, 0], [0, 0, 9]]; // 4 steps, 3 symbols
 * const [{ path, spans }] = align(scores, [1, 2]);
 * path; // [1, 1, 0, 2]
 * spans; // [[0, 2], [3, 4]]
 */
export function align(scores: Scores, targets: Targets, options: CtcTargetOptions = {}): Alignment[] {
  checkArguments("align", arguments, 3);
  checkOptions("align", options, ctcOptions);
  const { utterances, values } = logProbabilities("align", scores, options);
  const { steps, symbols, blank, lengths } = utterances;
  return utterances.targets(targets, options).map((labels, i) => {
    if (labels === null) return { path: [], spans: [], score: -Infinity };
    const from = i * steps * symbols;
    return best(expand(labels, blank), values.subarray(from, from + lengths[i] * symbols), symbols, blank);
  });
}

function best(states: readonly number[], values: Float64Array, symbols: number, blank: number): Alignment {
  const steps = values.length / symbols;
  const count = states.length;
  const moves = states.map((_, s) => (skips(states, s, blank) ? 2 : Math.min(s, 1)));
  /** How many states each best path has come forward at each step. */
  const moved = new Uint8Array(steps * count);
  // Before the first step every path is, so to speak, in the first state.
  let before = new Float64Array(count).fill(-Infinity);
  before[0] = 0;
  let now = new Float64Array(count);
  for (let t = 0; t < steps; t++) {
    for (let s = 0; s < count; s++) {
      let [largest, from] = [before[s], 0];
      for (let move = 1; move <= moves[s]; move++) if (before[s - move] > largest) [largest, from] = [before[s - move], move];
      now[s] = largest + values[t * symbols + states[s]];
      moved[t * count + s] = from;
    }
    [before, now] = [now, before];
  }

  let s = count > 1 && before[count - 2] > before[count - 1] ? count - 2 : count - 1;
  const score = before[s];
  if (score === -Infinity) return { path: [], spans: [], score };
  const path = new Array<number>(steps);
  const spans = Array.from({ length: (count - 1) / 2 }, (): [number, number] => [steps, 0]);
  for (let t = steps - 1; t >= 0; t--) {
    path[t] = states[s];
    if (s % 2 === 1) {
      const span = spans[(s - 1) / 2];
      span[0] = t;
      if (span[1] === 0) span[1] = t + 1;
    }
    s -= moved[t * count + s];
  }
  return { path, spans, score };
}
