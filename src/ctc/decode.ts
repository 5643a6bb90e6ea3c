/** Decoding: from scores to labels. */

import { ValueError } from "../support/errors.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { describe } from "../support/describe.ts";
import { isList } from "../support/arrays.ts";
import { checkInteger } from "../support/check.ts";
import { trim } from "./labels.ts";
import { type CtcOptions, logAdd, logProbabilities, type Scores } from "./utterances.ts";

/** Labels that an utterance may have. */
export interface Hypothesis {
  readonly labels: number[];
  /** Their log probability: see the function that found them. */
  readonly score: number;
}

/**
 * The labels of the most probable path of each utterance: the largest score of each step, merged and without blanks. Fast, but
 * other labels may be more probable, since theirs may be spread over more paths. The score is that of the path.
 *
 * @param scores [steps, symbols] for one utterance or [samples, steps, symbols]; before any softmax, or log probabilities
 * @returns a hypothesis for each utterance, in a list also if there is only one
 * @throws ShapeError, ValueError for lengths or a blank that do not fit the scores, and for scores that are no distribution
 * @example
 * const scores = [[0, 9, 0], [0, 9, 0], [9, 0, 0], [0, 0, 9]]; // 4 steps, 3 symbols
 * greedy(scores)[0].labels; // [1, 2]
 */
export function greedy(scores: Scores, options: CtcOptions = {}): Hypothesis[] {
  checkArguments("greedy", arguments, 2);
  checkOptions("greedy", options, ["blank", "inputLengths"]);
  const { utterances, values } = logProbabilities("greedy", scores, options);
  const { steps, symbols, blank, lengths } = utterances;
  return lengths.map((length, i) => {
    let score = 0;
    const path = Array.from({ length }, (_, t) => {
      const row = values.subarray((i * steps + t) * symbols, (i * steps + t + 1) * symbols);
      const largest = row.reduce((best, x, k) => (x > row[best] ? k : best), 0);
      score += row[largest];
      return largest;
    });
    return { labels: trim(path, blank), score };
  });
}

/** How `beamSearch` searches. */
export interface BeamOptions extends CtcOptions {
  /** How many prefixes are followed. Default 16. */
  readonly width?: number | undefined;
  /** How many hypotheses are returned for an utterance, at most the width. Default 1. */
  readonly top?: number | undefined;
  /**
   * What is added to the score when a label comes after a prefix, for a language model or a bonus by length:
   * α · log p(label | prefix) + β. Either the number for the label that is asked about, or all at once, one for each symbol (that of the blank
   * is not looked at). It must depend on nothing else, as it is asked once only for as long as a prefix is followed.
   */
  readonly languageModel?: ((prefix: readonly number[], label: number) => number | ArrayLike<number>) | undefined;
}

/**
 * The most probable labels of each utterance, by prefix beam search (Hannun et al., arXiv:1408.2873): step by step the most
 * probable beginnings of labels are followed, each with the probability of all its paths. With a beam that is wide enough the
 * result is exact. The score is log p(labels | scores) as far as the beam has followed it, plus what the language model added.
 *
 * @param scores [steps, symbols] for one utterance or [samples, steps, symbols]; before any softmax, or log probabilities
 * @returns for each utterance (one too) the best hypotheses, best first
 * @throws ShapeError, ValueError for lengths or a blank that do not fit the scores, for scores that are no distribution, and for a
 *   width that is not a positive integer
 * @example
 * const scores = [[0.6, 0.4], [0.6, 0.4]].map((step) => step.map(Math.log)); // of the blank and of one label
 * greedy(scores)[0].labels; // []
 * const [best] = beamSearch(scores)[0]; // three paths have the label: together they are more probable than that of two blanks
 * best.labels; // [1]
 * Math.exp(best.score); // 0.64
 */
export function beamSearch(scores: Scores, options: BeamOptions = {}): Hypothesis[][] {
  checkArguments("beamSearch", arguments, 2);
  checkOptions("beamSearch", options, ["blank", "inputLengths", "width", "top", "languageModel"]);
  const { width = 16, top = 1, languageModel } = options;
  for (const [option, value] of Object.entries({ width, top })) checkInteger("beamSearch", option, value, 1);
  if (top > width) throw new ValueError(`beamSearch cannot return ${top} hypotheses from a beam of ${width}: make width at least top.`);
  const { utterances, values } = logProbabilities("beamSearch", scores, options);
  const { steps, symbols, blank, lengths } = utterances;
  return lengths.map((length, i) => {
    const from = i * steps * symbols;
    return search(values.subarray(from, from + length * symbols), symbols, blank, width, languageModel)
      .slice(0, top).map((prefix) => ({ labels: prefix.labels(), score: prefix.score }));
  });
}

/** The beginning of some labels, in the tree of all that are followed. */
class Prefix {
  readonly children = new Map<number, Prefix>();
  /** The log probability of its paths that end in a blank, and of those that do not; what came by the language model included. */
  blank = -Infinity;
  label = -Infinity;
  nextBlank = -Infinity;
  nextLabel = -Infinity;
  score = -Infinity;
  isFollowed = false;
  /** What the language model adds for each label after it; NaN where it has not been asked. */
  private added: Float64Array | null = null;
  private spelt: readonly number[] | null = null;

  constructor(readonly parent: Prefix | null, readonly last: number) {}

  labels(): number[] {
    const labels: number[] = [];
    for (let prefix: Prefix = this; prefix.parent !== null; prefix = prefix.parent) labels.push(prefix.last);
    return labels.reverse();
  }

  addition(languageModel: NonNullable<BeamOptions["languageModel"]>, label: number, symbols: number, blank: number): number {
    this.added ??= new Float64Array(symbols).fill(NaN);
    if (Number.isNaN(this.added[label])) {
      this.spelt ??= this.labels();
      const answer: unknown = languageModel(this.spelt, label);
      const all = isList(answer) ? answer : null;
      if (all !== null && all.length !== symbols) {
        throw new ValueError(
          `The languageModel given to beamSearch must return one number, or one for each of ${symbols} symbols, ` +
            `but returned ${all.length} after [${this.spelt.join(", ")}].`,
        );
      }
      if (all === null) this.added[label] = checkAddition(answer, this.spelt, label);
      else for (let k = 0; k < symbols; k++) if (k !== blank) this.added[k] = checkAddition(all[k], this.spelt, k);
    }
    return this.added[label];
  }
}

/** A prefix for the next step: one that is followed already, or one by one label longer. */
interface Candidate {
  readonly prefix: Prefix;
  /** The label to come after the prefix; −1 for the prefix itself. */
  readonly label: number;
  readonly score: number;
}

function search(
  values: Float64Array, symbols: number, blank: number, width: number, languageModel: BeamOptions["languageModel"],
): Prefix[] {
  const root = new Prefix(null, -1);
  root.blank = root.score = 0;
  root.isFollowed = true;
  let beam = [root];
  for (let from = 0; from < values.length; from += symbols) {
    // What becomes of the prefixes themselves; it includes what shorter ones that are followed too pass on to them.
    for (const prefix of beam) {
      prefix.nextBlank = values[from + blank] + prefix.score;
      prefix.nextLabel = prefix.parent === null ? -Infinity : values[from + prefix.last] + prefix.label;
    }
    const extended: Candidate[] = [];
    for (const prefix of beam) {
      for (let k = 0; k < symbols; k++) {
        if (k === blank) continue;
        // After the same label a blank must come first.
        let score = values[from + k] + (k === prefix.last ? prefix.blank : prefix.score);
        if (languageModel !== undefined && score > -Infinity) score += prefix.addition(languageModel, k, symbols, blank);
        const child = prefix.children.get(k);
        if (child?.isFollowed) child.nextLabel = logAdd(child.nextLabel, score);
        else extended.push({ prefix, label: k, score });
      }
    }
    const best: Candidate[] = [];
    for (const prefix of beam) insert(best, { prefix, label: -1, score: logAdd(prefix.nextBlank, prefix.nextLabel) }, width);
    for (const candidate of extended) insert(best, candidate, width);

    const next = best.map(({ prefix, label, score }) => {
      const chosen = label < 0 ? prefix : childOf(prefix, label);
      chosen.blank = label < 0 ? prefix.nextBlank : -Infinity;
      chosen.label = label < 0 ? prefix.nextLabel : score;
      chosen.score = score;
      return chosen;
    });
    for (const prefix of beam) prefix.isFollowed = false;
    for (const prefix of next) prefix.isFollowed = true;
    for (const prefix of beam) forget(prefix);
    beam = next;
  }
  return beam;
}

function checkAddition(added: unknown, prefix: readonly number[], label: number): number {
  if (typeof added !== "number" || Number.isNaN(added) || added === Infinity) {
    throw new ValueError(
      `The languageModel given to beamSearch must return a number below ∞, but returned ${describe(added)} for ${label} after [${prefix.join(", ")}].`,
    );
  }
  return added;
}

/** Keeps the `width` best candidates in order; of equal ones those that came first. */
function insert(best: Candidate[], candidate: Candidate, width: number): void {
  let at = best.length;
  if (candidate.score === -Infinity) return;
  if (at === width) {
    if (!(candidate.score > best[at - 1].score)) return;
    best.pop();
    at--;
  }
  while (at > 0 && candidate.score > best[at - 1].score) at--;
  best.splice(at, 0, candidate);
}

function childOf(prefix: Prefix, label: number): Prefix {
  let child = prefix.children.get(label);
  if (child === undefined) {
    child = new Prefix(prefix, label);
    prefix.children.set(label, child);
  }
  return child;
}

/** Takes a prefix that is no longer followed, and those that only led to it, out of the tree. */
function forget(prefix: Prefix): void {
  for (let at = prefix; at.parent !== null && !at.isFollowed && at.children.size === 0; at = at.parent) at.parent.children.delete(at.last);
}
