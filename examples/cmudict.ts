/**
 * The data of attention.ts and ctc.ts: how English words are spelt and pronounced, from the CMU Pronouncing Dictionary.
 *
 * Words of 3 to 12 letters a–z are kept. Stress marks are left out, so there are the 39 phonemes of ARPAbet. A word is in one part
 * only, with all its pronunciations; the models train on the first of them and are tested against all.
 */

import { dictionary } from "cmu-pronouncing-dictionary";
import { Random } from "flimsy-ml";
import { stepsNeeded } from "flimsy-ml/ctc";
import { shuffled } from "flimsy-ml/data";
import { editDistance, tokenErrorRate } from "flimsy-ml/extras";

/** ARPAbet. Number 0 is none of them: the end of a word for attention.ts, the blank for ctc.ts. */
const names = "- AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split(" ");
export const symbols = names.length;

export interface Word {
  readonly spelling: string;
  /** From 0 for a to 25 for z. */
  readonly letters: readonly number[];
  /** Its pronunciations, each of numbers from 1 to 39. */
  readonly pronunciations: readonly (readonly number[])[];
}

/** "s p iy ch" for people. */
export const spoken = (phonemes: readonly number[]): string => phonemes.map((k) => names[k]).join(" ");

/** Held-out words, always the same, in order of length; and as many others to train on as are wanted. */
export function words(train: number, test: number): { train: Word[]; test: Word[] } {
  const all = Object.keys(dictionary).filter((spelling) => /^[a-z]{3,12}$/.test(spelling)).map(wordOf)
    // Some are abbreviations ("aaa" is said triple a): nobody could tell from the letters.
    .filter(({ letters, pronunciations }) => pronunciations.every((phonemes) => stepsNeeded(phonemes) <= 2 * letters.length));
  new Random(1).shuffle(all);
  return {
    test: all.slice(0, test).sort((a, b) => a.letters.length - b.letters.length),
    train: all.slice(test, test + train),
  };
}

function wordOf(spelling: string): Word {
  const pronunciations: number[][] = [];
  // Further pronunciations are called "read(2)", "read(3)". A remark may follow after #, a stress mark after each vowel.
  for (let k = 1, entry = dictionary[spelling]; entry !== undefined; entry = dictionary[`${spelling}(${++k})`]) {
    pronunciations.push(entry.replace(/#.*|\d/g, "").trim().split(/\s+/).map((name) => names.indexOf(name)));
  }
  return { spelling, letters: [...spelling].map((letter) => letter.charCodeAt(0) - 97), pronunciations };
}

/**
 * Batches in random order, each of words with nearly the same numbers of letters and phonemes: they need little padding, and few
 * different shapes occur, whose plans are used again. Words left over that fill no batch wait for another pass.
 */
export function* batches(train: readonly Word[], size: number): Generator<Word[]> {
  const waiting = new Map<string, Word[]>();
  for (const word of shuffled(train)) {
    const shape = [word.letters, word.pronunciations[0]].map(({ length }) => Math.ceil(length / 2)).join();
    const batch = waiting.get(shape) ?? [];
    waiting.set(shape, batch);
    if (batch.push(word) < size) continue;
    waiting.delete(shape);
    yield batch;
  }
}

/** p(phoneme | those before it) of all phonemes, from counts of trigrams that are mixed with those of bigrams, and so on, as Witten & Bell (1991) propose. */
export function phonemeModel(train: readonly Word[]) {
  const counts = new Map<string, Map<number, number>>();
  const recent = (before: readonly number[], length: number) => [-1, -1, ...before].slice(before.length + 2 - length);
  for (const { pronunciations: [phonemes] } of train) {
    phonemes.forEach((phoneme, i) => {
      for (let length = 0; length <= 2; length++) {
        const past = recent(phonemes.slice(0, i), length).join();
        const following = counts.get(past) ?? new Map<number, number>();
        counts.set(past, following.set(phoneme, (following.get(phoneme) ?? 0) + 1));
      }
    });
  }
  const totals = new Map([...counts].map(([past, following]) => [past, [...following.values()].reduce((a, b) => a + b)]));
  return (before: readonly number[]): number[] => {
    let p = new Array<number>(symbols).fill(1 / (symbols - 1));
    for (let length = 0; length <= 2; length++) {
      const past = recent(before, length).join();
      const following = counts.get(past);
      if (following !== undefined) {
        p = p.map((each, phoneme) => ((following.get(phoneme) ?? 0) + following.size * each) / ((totals.get(past) as number) + following.size));
      }
    }
    return p;
  };
}

/** Prints a dozen words: what was said, and what is right. */
export function show(test: readonly Word[], said: readonly (readonly number[])[]): void {
  test.forEach(({ spelling, pronunciations }, i) => {
    if (i % Math.ceil(test.length / 12) === 0) console.log(`${spelling.padEnd(14)}${spoken(said[i]).padEnd(34)}(${pronunciations.map(spoken).join(", or ")})`);
  });
}

/** The share of phonemes (edit distance by reference phonemes) and of words that are wrong. Of several pronunciations, the nearest one counts. */
export function errorRates(test: readonly Word[], predicted: readonly (readonly number[])[]): { phonemes: number; words: number } {
  const nearest = test.map(({ pronunciations }, i) => pronunciations.reduce((best, each) =>
    editDistance(predicted[i], each) < editDistance(predicted[i], best) ? each : best));
  const wrongWords = nearest.filter((reference, i) => editDistance(predicted[i], reference) > 0).length;
  return { phonemes: tokenErrorRate(predicted, nearest), words: wrongWords / test.length };
}
