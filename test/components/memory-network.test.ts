import { afterEach, describe, expect, it } from "vitest";
import { MemoryNetwork, type Story } from "../../src/components/index.ts";
import { Adam, evaluate, grad, Random, seed, setDevice, ValueError } from "../../src/index.ts";
import { dot, expectClose, expectGradients, expectValue, matrix, plus, randomize, softmax, times, type Vector } from "./plain.ts";

afterEach(() => { setDevice("wasm"); });

/** Scores and weights of one story, by the paper's formulas. */
function plain(θ: MemoryNetwork, story: Story, question: readonly number[], linear = false): { scores: Vector; weights: Vector[] } {
  const tables = θ.e.map(matrix);
  const ages = θ.age.map(matrix);
  const sentence = (k: number, words: readonly number[]): Vector => {
    const n = words.length;
    return Array.from({ length: θ.size }, (_, d) => words.reduce((sum, word, at) => {
      const [j, dimension] = [at + 1, (d + 1) / θ.size];
      return sum + (θ.positions ? 1 - j / n - dimension * (1 - (2 * j) / n) : 1) * tables[k][word][d];
    }, 0));
  };
  const kept = story.slice(-θ.memory);
  let u = sentence(0, question);
  const weights: Vector[] = [];
  for (let hop = 0; hop < θ.hops; hop++) {
    const fact = (k: number): Vector[] => kept.map((words, i) => plus(sentence(k, words), ages[k][kept.length - 1 - i]));
    const match = fact(hop).map((m) => dot(m, u));
    const p = linear ? match : softmax(match);
    weights.push(p);
    u = plus(u, ...fact(hop + 1).map((c, i) => c.map((value) => value * p[i])));
  }
  return { scores: times(matrix(θ.w), u), weights };
}

const stories: Story[] = [[[1, 2, 3], [4], [5, 0, 2]], [[3, 3]], [[0], [1, 2], [2, 1], [3], [4, 5]], []];
const questions = [[1, 4], [2], [5, 4, 3], [0, 1]];

describe.each([{ size: 3 }, { size: 2, hops: 1, outputs: 4, positions: false }, { size: 2, hops: 2, memory: 2 }])("MemoryNetwork %j", (options) => {
  const θ = randomize(new MemoryNetwork({ inputs: 6, memory: 5, ...options }));

  it("computes the paper's formulas, for a story as in a batch", () => {
    const expected = stories.map((story, i) => plain(θ, story, questions[i]));
    expectValue(() => θ.score(stories, questions), expected.map((x) => x.scores));
    expectValue(() => θ.probs(stories, questions), expected.map((x) => softmax(x.scores)));
    stories.forEach((story, i) => {
      expectValue(() => θ.score(story, questions[i]), expected[i].scores);
      expectValue(() => θ.predict(story, questions[i]), expected[i].scores.indexOf(Math.max(...expected[i].scores)));
      if (story.length > 0) expectClose(θ.attend(story, questions[i]).weights.map((p) => p.toArray()), expected[i].weights);
    });
    expectValue(() => θ.score(stories, questions, { linear: true }), stories.map((story, i) => plain(θ, story, questions[i], true).scores));
    expectClose(θ.attend(stories, questions).weights.map((p) => (p.toArray() as number[][])[1][0]), expected[1].weights.flat());
  });

  it("has right gradients", () => {
    expectGradients(() => θ.cost(stories, questions, [1, 0, 3, 2], { weight: 0.5 }), θ, { maxEntries: 12 });
    expectGradients(() => θ.cost(stories[0], questions[0], 2, { linear: true }), θ, { maxEntries: 6 });
  });
});

describe("MemoryNetwork", () => {
  it("ties the weights of answers to the last memory, unless answers are no words", () => {
    const tied = new MemoryNetwork({ inputs: 6, size: 2, hops: 2 });
    expect(tied.w).toBe(tied.e[2]);
    expect(tied.options).not.toHaveProperty("outputs");
    expect(new MemoryNetwork({ inputs: 6, size: 2, outputs: 6 }).options.outputs).toBe(6);
  });

  it("reads nothing of sentences that are not there, however badly the others match", () => {
    const θ = new MemoryNetwork({ inputs: 2, outputs: 1, size: 1, memory: 2, hops: 1, positions: false });
    θ.w.assign([[1]]);
    for (const device of ["wasm", "reference"] as const) {
      setDevice(device);
      for (const size of [2 ** 20, 2 ** 60]) {
        θ.e[0].assign([[size], [-size]]);
        θ.e[1].assign([[3], [5]]);
        θ.age.forEach((p) => { p.assign([[0], [0]]); });
        // The question is word 0; told was word 1, which matches it with −size². The last story has no sentence at all.
        const { scores, weights } = θ.attend([[[1]], [[1], [1]], []], [[0], [0], [0]]);
        expect(weights[0].toArray()).toEqual([[1, 0], [0.5, 0.5], [0, 0]]);
        expect(scores.toArray()).toEqual([[size + 5], [size + 5], [size]]);
      }
    }
  });

  it("learns where somebody went last", () => {
    seed(3);
    // Words: people 0 and 1, places 2 to 4. A sentence is [person, place], a question [person].
    const random = new Random(5);
    const sample = (count: number) => {
      const told = Array.from({ length: count }, () => Array.from({ length: 4 }, (_, i) => [i < 2 ? i : random.integer(0, 2), random.integer(2, 5)]));
      const asked = told.map(() => [random.integer(0, 2)]);
      return { told, asked, answers: told.map((story, i) => story.filter(([person]) => person === asked[i][0]).at(-1)?.[1] ?? 0) };
    };
    const θ = new MemoryNetwork({ inputs: 5, size: 10, memory: 4, hops: 1, positions: false });
    const optimizer = new Adam(θ, { learningRate: 0.02 });
    for (let i = 0; i < 300; i++) {
      const { told, asked, answers } = sample(32);
      grad(() => θ.cost(told, asked, answers, { reduction: "mean" }));
      optimizer.update();
    }
    const { told, asked, answers } = sample(200);
    expect(evaluate(() => θ.predict(told, asked)).toArray()).toEqual(answers);
  });

  it("refuses what does not fit", () => {
    const θ = new MemoryNetwork({ inputs: 6, size: 2 });
    expect(() => θ.score([[6]], [0])).toThrow(new ValueError("MemoryNetwork got the word 6 in stories: a word is an integer from 0 to 5."));
    expect(() => θ.score([[0]], [0.5])).toThrow("MemoryNetwork got the word 0.5 in questions");
    expect(() => θ.score(stories, questions.slice(1))).toThrow("MemoryNetwork got 4 stories and 3 questions");
    expect(() => θ.score([1, 2] as never, [[1]])).toThrow(ValueError);
    expect(() => θ.score("story" as never, [1])).toThrow('MemoryNetwork takes a story and a question, or lists of them, but got "story" and an array of 1.');
    expect(() => θ.cost([[0]], [1], 6)).toThrow(ValueError);
    expect(() => new MemoryNetwork({ inputs: 6 } as never)).toThrow("MemoryNetwork takes an integer of at least 1 as size, but got undefined.");
  });
});
