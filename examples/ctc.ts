/**
 * CTC: two layers of bidirectional LSTMs learn to pronounce English words without being told which letters make which phoneme.
 *
 * The same task as in attention.ts. There are no phonemes for each letter to learn from, only those of the whole word; connectionist
 * temporal classification (Graves et al. 2006) adds up all alignments. Since a letter may be two phonemes ("x" is K S), each letter has
 * two steps, and each step a phoneme or the blank. A beam search that also knows which phonemes follow each other in the training words
 * is compared with taking the best symbol of each step.
 */

import { Adam, Component, checkGradients, evaluate, grad, schedule, seed, type Variable } from "flimsy-ml";
import { Bidirectional, CtcOutput, Embedding, FeedForward, Lstm, Stacked } from "flimsy-ml/components";
import { beamSearch, greedy } from "flimsy-ml/ctc";
import { minibatches, padSequences } from "flimsy-ml/data";
import { batches, errorRates, phonemeModel, show, symbols, type Word, words } from "./cmudict.ts";
import { type Options, program, stopwatch, table } from "./common.ts";

class Speaker extends Component {
  readonly letters; readonly rnn; readonly spread; readonly output;
  constructor(units: number) {
    super();
    const reader = (inputs: number) => new Bidirectional({ forward: new Lstm({ inputs, outputs: units }) });
    this.letters = new Embedding({ inputs: 26, outputs: units / 2 });
    this.rnn = new Stacked({ layers: [reader(units / 2), reader(2 * units)] });
    this.spread = new FeedForward({ inputs: 2 * units, outputs: 4 * units, outputActivation: "tanh" }); // two steps of each letter
    this.output = new CtcOutput({ inputs: 2 * units, outputs: symbols });
  }

  /** The features of each step, [batch, steps, 2 · units]. */
  features(batch: readonly Word[]) {
    const { x, mask } = padSequences(batch.map(({ letters }) => letters), { multipleOf: 2 });
    const read = this.rnn.unfold(this.letters.forward(x), undefined, mask);
    return this.spread.forward(read).reshape([batch.length, -1, this.output.inputs]);
  }

  /** The scores of all symbols at each step, [batch, steps, symbols]. */
  scores(batch: readonly Word[]) { return this.output.score(this.features(batch)); }

  /** The mean cost of a word, over all alignments of its phonemes with the steps. */
  cost(batch: readonly Word[]) {
    return this.output.cost(this.features(batch), batch.map(({ pronunciations }) => pronunciations[0]), { inputLengths: stepsOf(batch), reduction: "mean" });
  }
}

/** How many steps each word has; the rest is padding. */
const stepsOf = (batch: readonly Word[]) => batch.map(({ letters }) => 2 * letters.length);

export function main({ check = false, quick = false, seed: n = 1 }: Options = {}) {
  const { train, test } = quick ? words(6000, 300) : words(Infinity, 2000);
  const [units, size, epochs, learningRate] = quick ? [32, 32, 2, 0.01] : [64, 64, 3, 0.004];
  seed(n);
  const θ = new Speaker(units);
  if (check) console.log(String(checkGradients(() => θ.cost(train.slice(0, 3)), θ, { maxEntries: 4 })));
  /** Says the test words, decoding the scores in one way or another. */
  const speak = (decode: (scores: Variable, inputLengths: number[]) => number[][]) =>
    [...minibatches(test, 100)].flatMap((batch) => decode(evaluate(() => θ.scores(batch)), stepsOf(batch)));
  const bestPath = (scores: Variable, inputLengths: number[]) => greedy(scores, { inputLengths }).map(({ labels }) => labels);
  const beam = (scores: Variable, inputLengths: number[]) => beamSearch(scores, { inputLengths, width: 8 }).map(([{ labels }]) => labels);
  const p = phonemeModel(train);
  // The weight of the model and the bonus for each phoneme were chosen on other words.
  const languageModel = (before: readonly number[]) => p(before).map((each) => 0.2 * Math.log(each) + 0.5);
  const beamWithModel = (scores: Variable, inputLengths: number[]) =>
    beamSearch(scores, { inputLengths, width: 8, languageModel }).map(([{ labels }]) => labels);

  const untrained = errorRates(test, speak(bestPath));
  console.log(`${train.length} words to train on, ${test.length} held out; untrained phoneme error rate ${(100 * untrained.phonemes).toFixed(0)} %`);
  const steps = epochs * Math.floor(train.length / size);
  const optimizer = new Adam(θ, { learningRate: schedule.warmUp(100, schedule.cosine(learningRate, { steps })), clip: { norm: 10 } });
  const seconds = stopwatch();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let [sum, count] = [0, 0];
    for (const batch of batches(train, size)) {
      sum += grad(() => θ.cost(batch)).item();
      optimizer.update();
      if (++count % 250 === 0) console.log(`epoch ${epoch}, step ${count}: cost of a word ${(sum / count).toFixed(3)}, ${seconds().toFixed(0)} s`);
    }
    const { phonemes } = errorRates(test, speak(bestPath));
    console.log(`epoch ${epoch}: cost of a word ${(sum / count).toFixed(3)}, phoneme error rate ${(100 * phonemes).toFixed(1)} %`);
  }

  const said = speak(beamWithModel);
  show(test, said);
  const found = { bestPath: errorRates(test, speak(bestPath)), beam: errorRates(test, speak(beam)), beamWithModel: errorRates(test, said) };
  const row = (decoder: string, { phonemes, words }: typeof untrained) =>
    ({ decoder, "phoneme errors %": 100 * phonemes, "words with an error %": 100 * words });
  table([row("best path", found.bestPath), row("beam", found.beam), row("beam, phoneme trigrams", found.beamWithModel)]);
  return { untrained, ...found };
}

await program(import.meta, main);
