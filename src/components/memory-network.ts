import {
  argmax, Component, cost, gather, input, type Labels, linear, maskedSoftmax, matmul, type Parameter, parameter, softmax, ValueError,
  type Variable,
} from "../index.ts";
import { normal } from "../initialization/index.ts";
import { refusal } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { derived, flag, type Kinds, of, optional, size, take } from "../support/option.ts";
import { checkArguments, checkOptions } from "../support/options.ts";

/** What a `MemoryNetwork` is made with. */
export interface MemoryNetworkOptions {
  /** The number of words. */
  readonly inputs: number;
  /** The number of answers; unless given, an answer is a word, and its weights are those of the last memory. */
  readonly outputs?: number;
  /** The size of the vectors of words and sentences. */
  readonly size: number;
  /** How many sentences of a story are remembered, the last ones; 50 unless given. */
  readonly memory?: number;
  /** How often the memory is read; 3 unless given. */
  readonly hops?: number;
  /** Whether the order of the words in a sentence counts; true unless given. */
  readonly positions?: boolean;
}

/** Words by number. */
export type Sentence = readonly number[];
/** Sentences in the order of time; there may be none. */
export type Story = readonly Sentence[];

/** How memories are read. */
export interface ReadOptions {
  /** Without the softmax over memories: how the paper begins training, where with it nothing would be learnt ("linear start"). */
  readonly linear?: boolean;
}

/** Sentences as they enter the device: padded to the longest. */
interface Words {
  /** [..., words] */
  readonly indices: Variable;
  /** The factors of the words, [..., 1 or 2, words]; 0 for padding. */
  readonly factors: Variable;
}

/**
 * An end-to-end memory network (Sukhbaatar et al., arXiv:1503.08895): a question is compared with every sentence of a story,
 * what matches is added to it, and so on; then it is answered.
 *
 *     u ← Σ words of the question
 *     p = softmax(m·u),  u ← u + Σ pᵢ cᵢ        for each hop
 *     answer: softmax(w·u)
 *
 * A sentence in memory is the sum of the vectors of its words, each weighed by its position ("position encoding"), and a
 * vector for its age ("temporal encoding"). Weights are tied as in the paper ("adjacent"): e[k] [inputs, size] and
 * age[k] [memory, size] make m of hop k + 1 and c of hop k. All begin normal with deviation 0.1, as there.
 * @example
 * const θ = new MemoryNetwork({ inputs: 20, size: 8 });
 * const [story, question] = [[[1, 2, 3], [4, 2, 5]], [6, 7, 1]]; // words by number
 * grad(() => θ.cost(story, question, 3)); // or lists of stories, questions and answers
 * θ.attend(story, question).weights.map(({ shape }) => shape); // [[2], [2], [2]]
 */
export class MemoryNetwork extends Component {
  static get options(): Kinds<MemoryNetworkOptions, MemoryNetwork> {
    return {
      inputs: size, outputs: derived(size, ({ inputs }) => inputs), size, memory: optional(size, 50), hops: optional(size, 3), positions: optional(flag, true),
    };
  }

  declare readonly inputs: number;
  declare readonly outputs: number;
  declare readonly size: number;
  declare readonly memory: number;
  declare readonly hops: number;
  declare readonly positions: boolean;
  readonly e: readonly Parameter[];
  readonly age: readonly Parameter[];
  /** The weights of the answers [outputs, size]; the last e unless `outputs` was given. */
  readonly w: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1 */
  constructor(options: MemoryNetworkOptions) {
    super();
    take(this, MemoryNetwork.options, options, arguments);
    const draw = (rows: number): Parameter => parameter(normal([rows, this.size], { std: 0.1 }));
    this.e = Array.from({ length: this.hops + 1 }, () => draw(this.inputs));
    this.age = Array.from({ length: this.hops + 1 }, () => draw(this.memory));
    this.w = options.outputs === undefined ? this.e[this.hops] : draw(this.outputs);
  }

  /** What the constructor takes to build such a component again. */
  get options(): MemoryNetworkOptions {
    const { inputs, outputs, ...others } = of(this, MemoryNetwork.options);
    return { inputs, ...(this.w === this.e[this.hops] ? {} : { outputs }), ...others };
  }

  /**
   * Reads the memory.
   * @param stories a story, or a list of them
   * @param questions a sentence for a story, or a list of them
   * @returns the scores of the answers [outputs], and for each hop how much of each sentence was read [sentences]; for lists
   *   [stories, outputs] and [stories, sentences of the longest]
   * @throws ValueError for what is no story or no word, or if there is not one question for each story
   */
  attend(stories: Story | readonly Story[], questions: Sentence | readonly Sentence[], options: ReadOptions = {}): { scores: Variable; weights: Variable[] } {
    checkArguments("attend", arguments, 3);
    checkOptions(`${this.constructor.name}.attend`, options, ["linear"]);
    if (!Array.isArray(stories) || !Array.isArray(questions)) {
      throw new ValueError(
        `${this.constructor.name} takes a story and a question, or lists of them, but got ${describe(stories)} and ${describe(questions)}.`,
      );
    }
    const one = (questions as readonly unknown[]).every((word) => typeof word === "number");
    const asked = (one ? [questions] : questions) as readonly Sentence[];
    const told = ((one ? [stories] : stories) as readonly Story[]).map((story) => {
      if (!Array.isArray(story) || story.some((sentence) => !Array.isArray(sentence))) {
        throw refusal(this.constructor.name, "lists of sentences as stories, each a list of words by number", story);
      }
      return story.slice(-this.memory) as Story;
    });
    if (told.length !== asked.length || told.length === 0) {
      throw new ValueError(
        `${this.constructor.name} got ${told.length} stories and ${asked.length} questions: give a question for each story, and at least one.`,
      );
    }
    const sentences = Math.max(1, ...told.map((story) => story.length));
    const padded = told.map((story) => Array.from({ length: sentences }, (_, i) => story[i] ?? []));
    const facts = this.words("stories", padded.flat(), [told.length, sentences]);
    const isThere = input(told.flatMap((story) => Array.from({ length: sentences }, (_, i) => (i < story.length ? 1 : 0))), [told.length, sentences]);
    const ages = input(told.flatMap((story) => Array.from({ length: sentences }, (_, i) => Math.max(0, story.length - 1 - i))), [told.length, sentences]);

    const memories = this.e.map((table, k) => this.encode(table, facts).add(gather(this.age[k], ages)).mul(isThere.unsqueeze(-1)));
    let u = this.encode(this.e[0], this.words("questions", asked, [asked.length]));
    const weights: Variable[] = [];
    for (let hop = 0; hop < this.hops; hop++) {
      const match = matmul(memories[hop], u.unsqueeze(-1)).squeeze(-1);
      const p = options.linear === true ? match : maskedSoftmax(match, isThere);
      u = u.add(matmul(p.unsqueeze(-2), memories[hop + 1]).squeeze(-2));
      weights.push(one ? p.reshape([sentences]) : p);
    }
    const scores = linear(this.w, u);
    return { scores: one ? scores.reshape([this.outputs]) : scores, weights };
  }

  /** The scores of the answers; see `attend`. */
  score(stories: Story | readonly Story[], questions: Sentence | readonly Sentence[], options?: ReadOptions): Variable {
    checkArguments("score", arguments, 3);
    return this.attend(stories, questions, options).scores;
  }

  /** The probabilities of the answers: [outputs], or [stories, outputs]. */
  probs(stories: Story | readonly Story[], questions: Sentence | readonly Sentence[]): Variable {
    checkArguments("probs", arguments, 2);
    return softmax(this.score(stories, questions));
  }

  /** The most probable answer: [], or [stories]. */
  predict(stories: Story | readonly Story[], questions: Sentence | readonly Sentence[]): Variable {
    checkArguments("predict", arguments, 2);
    return argmax(this.score(stories, questions));
  }

  /**
   * The negative log likelihood of answers, integers from 0 to outputs − 1.
   * @returns the sum, or the mean over the stories: []
   * @throws as `attend`; ValueError for answers that are no such integers
   */
  cost(
    stories: Story | readonly Story[], questions: Sentence | readonly Sentence[], answers: Labels, options: cost.CategoricalCostOptions & ReadOptions = {},
  ): Variable {
    checkArguments("cost", arguments, 4);
    const known = ["linear", "weight", "mask", "reduction", "classWeights", "labelSmoothing"];
    const { linear, ...others } = checkOptions(`${this.constructor.name}.cost`, options, known);
    return cost.categoricalCrossEntropyWithScores(this.score(stories, questions, { linear: linear === true }), answers, others);
  }

  /** Sentences for the device, [...shape, words]. */
  private words(field: string, sentences: readonly Sentence[], shape: readonly number[]): Words {
    const longest = Math.max(1, ...sentences.map((sentence) => sentence.length));
    const indices: number[] = [];
    const factors: number[] = [];
    for (const sentence of sentences) {
      const n = sentence.length;
      for (let j = 0; j < longest; j++) {
        const word = j < n ? sentence[j] : 0;
        if (!Number.isInteger(word) || word < 0 || word >= this.inputs) {
          throw new ValueError(`${this.constructor.name} got the word ${describe(word)} in ${field}: a word is an integer from 0 to ${this.inputs - 1}.`);
        }
        indices.push(word);
      }
      // Position encoding: word j of n counts (1 − j/n) − (k/size)·(1 − 2j/n) in dimension k, all from 1.
      for (let j = 1; j <= longest; j++) factors.push(j > n ? 0 : this.positions ? 1 - j / n : 1);
      if (this.positions) for (let j = 1; j <= longest; j++) factors.push(j > n ? 0 : (2 * j) / n - 1);
    }
    return { indices: input(indices, [...shape, longest]), factors: input(factors, [...shape, this.positions ? 2 : 1, longest]) };
  }

  /** The vector of each sentence, [..., size]. */
  private encode(table: Parameter, { indices, factors }: Words): Variable {
    const sums = matmul(factors, gather(table, indices)); // [..., 1 or 2, size]
    if (!this.positions) return sums.squeeze(-2);
    const dimension = input([new Array<number>(this.size).fill(1), Array.from({ length: this.size }, (_, k) => (k + 1) / this.size)]);
    return sums.mul(dimension).sum(-2);
  }
}
