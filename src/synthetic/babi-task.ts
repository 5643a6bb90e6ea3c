import { checkArguments } from "../support/options.ts";
import type { Random } from "../index.ts";
import { checkInteger, refusal } from "../support/check.ts";
import { actors, going, leaving, objects, places, taking, type Thing, World } from "./babi-world.ts";
import { checkLength, checkRandom, drawLength, type Length, type TaskOptions } from "./check.ts";

/** A story with a question about it. */
export interface BabiStory {
  /** Sentences such as `Mary went to the bathroom.` */
  story: string[];
  question: string;
  /** One word. */
  answer: string;
  /** Which sentences are needed to answer, by position in the story from 0, ascending. */
  supporting: number[];
}

/** What the stories of a `BabiTask` are like. */
export interface BabiTaskOptions extends TaskOptions {
  /** The number of sentences, or the least and the greatest; [2, 10], [5, 20] and [8, 30] for the three kinds unless given. */
  readonly length?: Length | undefined;
}

const lengths = { 1: [2, 10], 2: [5, 20], 3: [8, 30] } as const;

/**
 * Stories as in the first three kinds of the bAbI tasks (J. Weston et al.: Towards AI-Complete Question Answering,
 * arXiv:1502.05698), with one, two or three supporting facts:
 *
 *     1  Where is Mary?                                  where she went last
 *     2  Where is the football?                          who has it, or put it down, and where they went
 *     3  Where was the football before the kitchen?      who took it, where they were, and where they went
 *
 * The world, the words and the form are those of the paper; the sentences and their statistics are this generator's own.
 * @example
 * const [{ story, question, answer, supporting }] = new BabiTask(2, { length: 3, random: new Random(3) }).sample(1);
 * story; // ["Sandra moved to the bathroom.", "Sandra grabbed the football.", "John journeyed to the garden."]
 * [question, answer]; // ["Where is the football?", "bathroom"]
 * supporting; // [0, 1]
 */
export class BabiTask {
  /** All words of its stories, questions and answers, as `words` gives them, in alphabetical order. */
  readonly vocabulary: readonly string[];
  readonly #length: readonly [number, number];
  readonly #random: Random;

  /**
   * @param facts how many sentences each question needs: 1, 2 or 3
   * @throws ValueError for other numbers, or fewer sentences than facts
   */
  constructor(readonly facts: 1 | 2 | 3, options: BabiTaskOptions = {}) {
    checkArguments("BabiTask", arguments, 2);
    this.#random = checkRandom("BabiTask", options, ["length"]);
    if (![1, 2, 3].includes(facts)) throw refusal("BabiTask", "1, 2 or 3 as the number of facts", facts);
    this.#length = checkLength("BabiTask", "the length", options.length ?? lengths[facts], facts);
    const told = facts === 1 ? [] : [...objects, ...taking, ...leaving, "there"];
    const asked = facts === 3 ? "where was before the" : "where is the";
    this.vocabulary = [...new Set(words([...actors, ...places, ...going, ...told, asked].join(" ")))].sort();
  }

  /**
   * Draws n stories. Each call goes on in the random stream.
   * @throws ValueError unless n is a positive integer
   */
  sample(n: number): BabiStory[] {
    checkArguments("sample", arguments, 1);
    checkInteger("BabiTask", "the number of samples", n, 1);
    return Array.from({ length: n }, () => {
      const length = drawLength(this.#length, this.#random);
      for (;;) {
        const world = new World(this.facts > 1, this.#random);
        while (world.sentences.length < length) world.happen();
        const questions = asking[this.facts](world);
        // Nothing to ask, as in a short story in which nobody takes anything: tell another one.
        if (questions.length > 0) return { story: world.sentences, ...this.#random.choice(questions) };
      }
    });
  }
}

type Question = Omit<BabiStory, "story">;

/** All that can be asked about a world, by the number of facts. */
const asking: Record<1 | 2 | 3, (world: World) => Question[]> = {
  1: ({ people }) => people.flatMap(({ name, place, move }) => place === null ? [] : [question(`Where is ${name}?`, place, [move])]),
  2: ({ things }) => things.flatMap(({ name, place, facts }) => facts.length === 0 ? [] : [question(`Where is the ${name}?`, place, facts)]),
  3: ({ things }) => things.flatMap(before),
};

/** A place that the thing was at once only has one before it. */
function before({ name, journeys }: Thing): Question[] {
  const path = journeys.length === 0 ? [] : [journeys[0].from, ...journeys.map(({ to }) => to)];
  return journeys
    .filter(({ to }) => path.filter((place) => place === to).length === 1)
    .map(({ from, to, facts }) => question(`Where was the ${name} before the ${to}?`, from, facts));
}

const question = (text: string, answer: string, facts: readonly number[]): Question =>
  ({ question: text, answer, supporting: facts.toSorted((a, b) => a - b) });

/**
 * The words of a text in lower case, without punctuation.
 * @example
 * words("Where is the football?"); // ["where", "is", "the", "football"]
 */
export function words(text: string): string[] {
  checkArguments("words", arguments, 1);
  return text.toLowerCase().match(/[a-z]+/g) ?? [];
}

/**
 * Stories in the text format of the bAbI data: numbered sentences, then `number question<tab>answer<tab>supporting numbers`,
 * where numbers begin at 1 in each story.
 * @example
 * const story = { story: ["Mary went to the garden."], question: "Where is Mary?", answer: "garden", supporting: [0] };
 * formatBabi([story]); // "1 Mary went to the garden.\n2 Where is Mary?\tgarden\t1\n"
 */
export function formatBabi(stories: readonly BabiStory[]): string {
  checkArguments("formatBabi", arguments, 1);
  return stories.map(({ story, question, answer, supporting }) => [
    ...story.map((sentence, i) => `${i + 1} ${sentence}\n`),
    `${story.length + 1} ${question}\t${answer}\t${supporting.map((i) => i + 1).join(" ")}\n`,
  ].join("")).join("");
}
