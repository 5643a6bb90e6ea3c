import { ready, ShapeError, ValueError, Variable } from "../index.ts";
import { isList, type NumberList, withNumbers } from "../support/arrays.ts";
import { editDistance as distance } from "../support/edit-distance.ts";
import { checkArguments } from "../support/options.ts";
import { refusal } from "../support/check.ts";
import { describe } from "../support/describe.ts";

/** Numbers in any nesting: a Variable, an array, a typed array, a list of sequences of different lengths. */
export type Answers = number | Variable | NumberList | readonly Answers[];

/** A sequence to compare: words, phonemes, a text by its characters. */
export type Tokens = string | ArrayLike<unknown>;

/**
 * The share of answers that are not the right ones, from 0 to 1: for classes, for yes or no (0 and 1) and for labels of sequences.
 *
 * @param predicted what a model says, such as a Variable of `argmax`
 * @param labels what is right, in the same nesting with the same lengths
 * @throws ShapeError where lengths or nesting differ; ValueError for no labels at all, and for what is no number
 * @example
 * errorRate(input([0, 2, 1, 1]), [0, 2, 2, 1]); // 0.25
 * // Of all labels of two sequences:
 * errorRate([input([0, 1, 1]), input([1])], [[0, 1, 0], [1]]); // 0.25
 */
export function errorRate(predicted: Answers, labels: Answers): number {
  checkArguments("errorRate", arguments, 2);
  const { wrong, total } = compare(predicted, labels, "");
  if (total === 0) throw new ValueError("errorRate got no labels: of none there is no share.");
  return wrong / total;
}

/**
 * As `errorRate`, when all answers are there: also where they are on a device that cannot be waited for.
 * @throws as `errorRate`
 * @example
 * await errorRateAsync(input([0, 2, 1, 1]), [0, 2, 2, 1]); // 0.25
 */
export async function errorRateAsync(predicted: Answers, labels: Answers): Promise<number> {
  checkArguments("errorRateAsync", arguments, 2);
  await ready([predicted, labels]);
  return errorRate(predicted, labels);
}

function compare(given: unknown, right: unknown, place: string): { wrong: number; total: number } {
  const [a, b] = [given, right].map((value) => (value instanceof Variable ? value.toArray() : withNumbers(value)));
  if (typeof a === "number" && typeof b === "number") return { wrong: a === b ? 0 : 1, total: 1 };
  for (const value of [a, b]) {
    if (typeof value === "number" || isList(value)) continue;
    throw new ValueError(`errorRate takes numbers, in lists, arrays or Variables, but got ${describe(value)}${place}.`);
  }
  if (!isList(a) || !isList(b)) {
    const [found, wanted] = [a, b].map((value) => (isList(value) ? "list" : "number"));
    throw new ShapeError(`errorRate got a ${found} as prediction where the label is a ${wanted}${place}: give both in the same nesting.`);
  }
  if (a.length !== b.length) throw new ShapeError(`errorRate got ${a.length} predictions for ${b.length} labels${place}: there must be one for each.`);
  let [wrong, total] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const part = compare(a[i], b[i], ` at ${place === "" ? "" : `${place.slice(4)}, `}${i}`);
    wrong += part.wrong;
    total += part.total;
  }
  return { wrong, total };
}

/**
 * The least number of insertions, deletions and substitutions that make `b` of `a` (Levenshtein 1966). Tokens are compared with ===.
 * @throws ValueError for what is neither a list nor a text
 * @example
 * editDistance("kitten", "sitting"); // 3
 * editDistance([7, 4, 11], [7, 11]); // 1
 */
export function editDistance(a: Tokens, b: Tokens): number {
  checkArguments("editDistance", arguments, 2);
  return distance(tokensOf("editDistance", a), tokensOf("editDistance", b));
}

/**
 * The edit distances of all sequences, divided by the number of all tokens of the references: the rate that is called word, character or
 * phoneme error rate by its tokens. Insertions can bring it above 1.
 *
 * @param predicted a sequence for each reference
 * @throws ShapeError for another number of sequences; ValueError for what is no sequence, and for references without a token
 * @example
 * tokenErrorRate([["the", "cat"], ["yes"]], [["the", "black", "cat"], ["yes"]]); // 0.25
 */
export function tokenErrorRate(predicted: readonly Tokens[], references: readonly Tokens[]): number {
  checkArguments("tokenErrorRate", arguments, 2);
  for (const list of [predicted, references]) {
    if (!Array.isArray(list)) throw refusal("tokenErrorRate", "two lists of sequences", list);
  }
  if (predicted.length !== references.length) {
    throw new ShapeError(`tokenErrorRate got ${predicted.length} predicted sequences for ${references.length} references: there must be one for each.`);
  }
  let [edits, tokens] = [0, 0];
  references.forEach((reference, i) => {
    tokens += tokensOf("tokenErrorRate", reference).length;
    edits += editDistance(tokensOf("tokenErrorRate", predicted[i]), reference);
  });
  if (tokens === 0) throw new ValueError("tokenErrorRate got references without any token: of none there is no share.");
  return edits / tokens;
}

function tokensOf(caller: string, tokens: Tokens): ArrayLike<unknown> {
  if (typeof tokens === "string") return [...tokens]; // characters, also those of two UTF-16 units
  if (isList(tokens)) return tokens;
  const advice = (tokens as unknown) instanceof Variable ? " Read a Variable with .data, or await read()." : "";
  throw refusal(caller, "sequences, each a list of tokens or a text", tokens, advice);
}
