/**
 * Attention: a recurrent network learns to pronounce English words, phoneme by phoneme, looking at the letters it needs.
 *
 * An encoder reads the letters in both directions; a decoder says one phoneme after another, and before each one attends to the letters
 * (Bahdanau, Cho & Bengio, arXiv:1409.0473). Trained on the CMU Pronouncing Dictionary without stress marks, tested on words that it has
 * not seen, and attention.html shows for some of them what it looked at.
 */

import { Adam, argmax, Component, checkGradients, concat, cost, decat, evaluate, schedule, seed, stack, type Variable, zeros } from "flimsy-ml";
import { AdditiveAttention, type AttentionMemory, Bidirectional, Embedding, Fusion, GatedRecurrent, Stacked } from "flimsy-ml/components";
import { minibatches, padSequences } from "flimsy-ml/data";
import { fit, heatmap, report } from "flimsy-ml/train";
import { batches, errorRates, show, spoken, symbols, type Word, words } from "./cmudict.ts";
import { type Options, program, reached } from "./common.ts";

/** Both the end of a word and what comes before its first phoneme. */
const end = 0;

class Speaker extends Component {
  readonly letters; readonly encoder; readonly attention; readonly phonemes; readonly decoder; readonly output;
  constructor(units: number) {
    super();
    const reader = (inputs: number) => new Bidirectional({ forward: new GatedRecurrent({ inputs, outputs: units }) });
    this.letters = new Embedding({ inputs: 26, outputs: units / 2 });
    this.encoder = new Stacked({ layers: [reader(units / 2), reader(2 * units)] });
    this.attention = new AdditiveAttention({ queries: 2 * units, keys: 2 * units, hidden: units });
    this.phonemes = new Embedding({ inputs: symbols, outputs: units / 2 });
    this.decoder = new GatedRecurrent({ inputs: units / 2 + 2 * units, outputs: 2 * units });
    this.output = new Fusion({ inputs: [2 * units, 2 * units], outputs: symbols });
  }

  /** Reads words: what can be attended to. */
  read(batch: readonly Word[]) {
    const { x, mask } = padSequences(batch.map(({ letters }) => letters), { multipleOf: 2 });
    return this.attention.memory(this.encoder.unfold(this.letters.forward(x), undefined, mask), mask);
  }

  /** Given the phoneme before (as a vector): looks at the letters, goes on to the next state, and scores all phonemes. */
  step(before: Variable, last: Variable, memory: AttentionMemory) {
    const { context, weights } = this.attention.attend(last, memory);
    const state = this.decoder.step(concat([before, context], -1), last);
    return { state, weights, scores: this.output.forward([state, context]) };
  }

  /** The mean cost of a phoneme, when those before it are told. */
  cost(batch: readonly Word[]) {
    const { x: before } = padSequences(batch.map(({ pronunciations }) => [end, ...pronunciations[0]]), { multipleOf: 2 });
    const { x: y, mask } = padSequences(batch.map(({ pronunciations }) => [...pronunciations[0], end]), { multipleOf: 2 });
    const memory = this.read(batch);
    let state = this.decoder.initialState(batch.length);
    const scores = decat(this.phonemes.forward(before), 1).map((phoneme) => {
      const next = this.step(phoneme, state, memory);
      state = next.state;
      return next.scores;
    });
    return cost.categoricalCrossEntropyWithScores(stack(scores, 1), y, { mask, reduction: "mean" });
  }

  /** Says words, always the most probable phoneme next; and for each phoneme, how much it looked at each letter. */
  speak(batch: readonly Word[]) {
    const { ys, looks } = evaluate(() => {
      const memory = this.read(batch);
      const ys = [zeros([batch.length])]; // the symbol `end` for each
      const looks: Variable[] = [];
      let state = this.decoder.initialState(batch.length);
      for (let t = 0; t < memory.keys.shape[1] + 4; t++) {
        const next = this.step(this.phonemes.forward(ys[t]), state, memory);
        state = next.state;
        ys.push(argmax(next.scores));
        looks.push(next.weights);
      }
      return { ys: stack(ys.slice(1), 1), looks: stack(looks, 1) };
    });
    const attended = looks.toArray() as number[][][];
    return (ys.toArray() as number[][]).map((row, i) => {
      const phonemes = row.slice(0, row.includes(end) ? row.indexOf(end) : row.length);
      return { phonemes, attended: phonemes.map((_, t) => attended[i][t].slice(0, batch[i].letters.length)) };
    });
  }
}

/** For some words, what was looked at. */
const pictures = (test: readonly Word[], said: ReturnType<Speaker["speak"]>) => test.map(({ spelling }, i) =>
  i % Math.ceil(test.length / 12) > 0 || said[i].phonemes.length === 0 ? "" :
    heatmap(said[i].attended, { title: spelling, rows: said[i].phonemes.map((k) => spoken([k])), columns: [...spelling], range: [0, 1] }));

export async function main({ check = false, quick = false, seed: n = 1, html = quick ? "" : "attention.html" }: Options & { readonly html?: string } = {}) {
  const { train, test } = quick ? words(6000, 300) : words(Infinity, 2000);
  const [units, size, epochs, learningRate] = quick ? [32, 32, 2, 0.01] : [64, 64, 3, 0.004];
  seed(n);
  const θ = new Speaker(units);
  if (check) console.log(String(checkGradients(() => θ.cost(train.slice(0, 3)), θ, { maxEntries: 4 })));
  const speak = () => [...minibatches(test, 100)].flatMap((batch) => θ.speak(batch));
  const errors = (said = speak()) => errorRates(test, said.map(({ phonemes }) => phonemes));
  const untrained = errors();
  console.log(`${train.length} words to train on, ${test.length} held out; untrained phoneme error rate ${(100 * untrained.phonemes).toFixed(0)} %`);
  const steps = epochs * Math.floor(train.length / size);
  const history = await fit(θ, {
    data: () => batches(train, size),
    cost: (batch) => θ.cost(batch),
    optimizer: new Adam(θ, { learningRate: schedule.warmUp(100, schedule.cosine(learningRate, { steps })), clip: { norm: 1 } }),
    epochs,
    validate: () => ({ "phoneme error rate": errors().phonemes }),
  });

  const said = speak();
  const trained = errors(said);
  show(test, said.map(({ phonemes }) => phonemes));
  reached("phoneme error rate", 100 * trained.phonemes, "%");
  reached("words with an error", 100 * trained.words, "%");
  if (html !== "") {
    const text = "Each row is a phoneme that was said; the darker a letter, the more was it looked at just before.";
    report(html, history, { title: "Attention", sections: [{ title: "Where it looked", text, html: pictures(test, said).join("\n") }] });
    reached("where it looked", html);
  }
  return { untrained, trained };
}

await program(import.meta, main, { html: { type: "string", help: "the page to write; attention.html unless given" } });
