/**
 * A memory network: it reads little stories, as in the first three bAbI tasks, and answers questions that need one, two or three sentences.
 *
 * The settings are those of Sukhbaatar et al. (arXiv:1503.08895, section 4.2): 3 hops, size 20, position and temporal encoding; 1000 questions
 * a task; gradient descent at 0.01, halved every 25 of 100 epochs, in batches of 32, gradients of at most norm 40; for the first 20 epochs
 * no softmax over the memory ("linear start"). Not done here: random noise in the time, and the best of ten runs.
 */

import { checkGradients, evaluate, GradientDescent, grad, Random, schedule, seed } from "flimsy-ml";
import { MemoryNetwork } from "flimsy-ml/components";
import { minibatches } from "flimsy-ml/data";
import { errorRate } from "flimsy-ml/extras";
import { type BabiStory, BabiTask, words } from "flimsy-ml/synthetic";
import { type Options, program, stopwatch, table } from "./common.ts";

/**
 * Test errors in percent after training on 1000 questions of the original files: the column "PE", 3 hops, of the paper's table 1; and what
 * the authors' own program reached with linear start and noise, run by V. Khuc (github.com/vinhkhuc/MemN2N-babi-python).
 */
const published = { 1: { pe: 0.1, all: 0.1 }, 2: { pe: 21.6, all: 8.2 }, 3: { pe: 64.2, all: 41.8 } } as const;

/** Stories, questions and answers with each word as its number in the vocabulary. */
function inNumbers(samples: readonly BabiStory[], vocabulary: readonly string[]) {
  const numbers = (text: string) => words(text).map((word) => vocabulary.indexOf(word));
  return {
    stories: samples.map(({ story }) => story.map(numbers)),
    questions: samples.map(({ question }) => numbers(question)),
    answers: samples.map(({ answer }) => vocabulary.indexOf(answer)),
  };
}
type Questions = ReturnType<typeof inNumbers>;

/** The share of wrong answers. */
const error = (θ: MemoryNetwork, { stories, questions, answers }: Questions) => errorRate(evaluate(() => θ.predict(stories, questions)), answers);

/** Which sentences were read at each hop, for one question. */
function showReading(θ: MemoryNetwork, { story, question, answer, supporting }: BabiStory, vocabulary: readonly string[]): void {
  const { stories, questions } = inNumbers([{ story, question, answer, supporting }], vocabulary);
  const { scores, weights } = evaluate(() => θ.attend(stories[0], questions[0]));
  const best = scores.data.indexOf(Math.max(...scores.data));
  console.log(`\n${question} ${vocabulary[best]} (right: ${answer}). Where it looked, in percent, at each hop; * is needed:`);
  story.forEach((sentence, i) => {
    const looked = weights.map((hop) => String(Math.round(100 * hop.data[i])).padStart(4)).join("");
    console.log(`${looked} ${supporting.includes(i) ? "*" : " "} ${sentence}`);
  });
}

export function main({ check = false, quick = false, seed: n = 1 }: Options = {}) {
  seed(n);
  const [epochs, linearStart, halvedEvery] = quick ? [40, 15, 15] : [100, 20, 25];
  const rows: Record<string, number | string>[] = [];
  const errors: number[] = [];
  for (const facts of quick ? [1] as const : [1, 2, 3] as const) {
    const task = new BabiTask(facts, { random: new Random(n) });
    const { vocabulary } = task;
    const train = inNumbers(task.sample(1000), vocabulary);
    const asked = task.sample(1000);
    const test = inNumbers(asked, vocabulary);
    const θ = new MemoryNetwork({ inputs: vocabulary.length, size: 20, hops: 3 });
    if (check) {
      const [few] = minibatches(train, 3);
      console.log(String(checkGradients(() => θ.cost(few.stories, few.questions, few.answers), θ, { maxEntries: 8 })));
    }
    const perEpoch = Math.ceil(1000 / 32);
    const learningRate = schedule.step(0.01, { every: halvedEvery * perEpoch, factor: 0.5 });
    const optimizer = new GradientDescent(θ, { learningRate, clip: { norm: 40 } });
    const seconds = stopwatch();
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const linear = epoch <= linearStart;
      let nll = 0;
      for (const { stories, questions, answers } of minibatches(train, 32, { shuffle: true })) {
        nll += grad(() => θ.cost(stories, questions, answers, { linear })).item();
        optimizer.update();
      }
      if (epoch % 20 === 0) console.log(`task ${facts}, epoch ${epoch}: nll ${(nll / 1000).toFixed(4)}, ${seconds().toFixed(1)} s`);
    }
    errors.push(error(θ, test));
    rows.push({
      "supporting facts": facts, "train error %": (100 * error(θ, train)).toFixed(1), "test error %": (100 * errors[errors.length - 1]).toFixed(1),
      "paper, PE %": published[facts].pe.toFixed(1), "authors' program, PE LS RN %": published[facts].all.toFixed(1),
    });
    showReading(θ, asked[0], vocabulary);
    console.log();
  }
  table(rows);
  console.log("The stories here are generated in the style of bAbI; the published figures are for the original files, so they say what to expect, no more.");
  return { errors };
}

await program(import.meta, main);
