import { input, ValueError, type Variable } from "../index.ts";
import { isList, type NumberList, withNumbers } from "../support/arrays.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { checkInteger, refusal } from "../support/check.ts";
import { describe } from "../support/describe.ts";

/** The words of a text by number. */
type Words = NumberList;

/** How words become counts. */
export interface BagOfWordsOptions {
  /** Count each word, instead of saying only whether it is there. */
  readonly counts?: boolean | undefined;
}

/**
 * A vector that says which words are there: 1 for each index that occurs, however often, and 0 for the others.
 *
 * @param words the indices of one text, or a list of texts; a text may be empty
 * @param size how many words there are
 * @returns [size] for one text, [texts, size] for a list
 * @throws ValueError for an index that is not an integer from 0 to size − 1
 * @example
 * bagOfWords([2, 0, 2], 4).toArray(); // [1, 0, 1, 0]
 * bagOfWords([2, 0, 2], 4, { counts: true }).toArray(); // [1, 0, 2, 0]
 * bagOfWords([[1], []], 2).toArray(); // [[0, 1], [0, 0]]
 */
export function bagOfWords(words: Words | readonly Words[], size: number, options: BagOfWordsOptions = {}): Variable {
  checkArguments("bagOfWords", arguments, 3);
  checkOptions("bagOfWords", options, ["counts"]);
  checkInteger("bagOfWords", "size", size, 1);
  if (!isList(words)) throw refusal("bagOfWords", "a list of indices, or a list of lists", words);
  const many = Array.isArray(words) && words.some(isList);
  if (many && !words.every(isList)) throw new ValueError("bagOfWords got a list that mixes indices and lists: give one or the other.");
  const texts = (many ? words : [words]) as readonly Words[];
  const values = new Float32Array(texts.length * size);
  texts.forEach((text, i) => {
    for (const word of Array.from(withNumbers(text as ArrayLike<number>))) {
      if (!Number.isInteger(word) || word < 0 || word >= size) {
        throw new ValueError(`bagOfWords got index ${describe(word)}: an index here is an integer from 0 to ${size - 1}.`);
      }
      const at = i * size + word;
      values[at] = options.counts ? values[at] + 1 : 1;
    }
  });
  return input(values, many ? [texts.length, size] : [size]);
}
