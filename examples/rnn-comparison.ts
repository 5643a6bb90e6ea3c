/**
 * Simple, gated and LSTM units compared on sequential exclusive or: learned on short sequences, tested on long ones.
 *
 * The label of each step is the parity of all bits so far. Settings are those of Flimsy.jl: 5 hidden units, 50 sequences of 5 to 20 steps to
 * train on, 20 to validate, 20 of 100 steps to test; gradient descent at 0.1 with clipping by norm, until no validation label is wrong
 * or for 200 epochs. One run says little, as luck in the beginning decides much: `--seeds 10` runs ten.
 */

import { Component, checkGradients, evaluate, GradientDescent, grad, Random, seed, type Variable } from "flimsy-ml";
import { GatedRecurrent, Lstm, type Recurrent, SimpleRecurrent, SoftmaxRegression } from "flimsy-ml/components";
import { XorTask } from "flimsy-ml/synthetic";
import { type Options, program, reached, stopwatch, table } from "./common.ts";

/** A recurrent layer of any kind, and a classifier of what it shows at each step. */
class Tagger extends Component {
  readonly classifier: SoftmaxRegression;
  constructor(readonly rnn: Recurrent, classes: number) {
    super();
    this.classifier = new SoftmaxRegression({ inputs: rnn.outputs, outputs: classes });
  }
  predict(xs: Variable) { return this.classifier.predict(this.rnn.unfold(xs)); }
  cost(xs: Variable, ys: Int32Array) { return this.classifier.cost(this.rnn.unfold(xs), ys); }
}

type Sequences = ReturnType<XorTask["sample"]>;

/** How many labels are wrong. */
function errors(θ: Tagger, sequences: Sequences): number {
  return sequences.reduce((total, { x, y }) => {
    const found = evaluate(() => θ.predict(x)).data;
    return total + y.filter((label, t) => label !== found[t]).length;
  }, 0);
}

/** Trains until no validation label is wrong; the validation errors after each epoch. */
function train(θ: Tagger, data: Sequences, valid: Sequences, maxEpochs: number, random: Random): number[] {
  const optimizer = new GradientDescent(θ, { learningRate: 0.1, clip: { norm: 1 } });
  const history: number[] = [];
  while (history.length < maxEpochs && history.at(-1) !== 0) {
    for (const { x, y } of random.shuffle([...data])) {
      grad(() => θ.cost(x, y));
      optimizer.update();
    }
    history.push(errors(θ, valid));
  }
  return history;
}

/** One run of each kind on the same data. */
function compare(n: number, maxEpochs: number, check: boolean) {
  seed(n);
  const task = new XorTask([5, 20]);
  const [data, valid, test] = [task.sample(50), task.sample(20), new XorTask(100).sample(20)];
  return [SimpleRecurrent, GatedRecurrent, Lstm].map((Kind) => {
    const θ = new Tagger(new Kind({ inputs: task.features, outputs: 5 }), task.classes);
    if (check) console.log(`${Kind.name}: ${checkGradients(() => θ.cost(data[0].x, data[0].y), θ)}`);
    const seconds = stopwatch();
    const history = train(θ, data, valid, maxEpochs, new Random(n));
    const time = seconds();
    return {
      seed: n, kind: Kind.name, time, history, valid: history[history.length - 1], test: errors(θ, test),
      parameters: θ.parameters().reduce((total, { size }) => total + size, 0),
    };
  });
}

export function main({ check = false, quick = false, seed: first = 1, seeds = 1 }: Options & { seeds?: number } = {}) {
  const runs = Array.from({ length: seeds }, (_, i) => compare(first + i, quick ? 60 : 200, check && i === 0)).flat();
  table(runs.map(({ seed, kind, parameters, time, history, valid, test }) => ({
    seed, kind, parameters, epochs: history.length, "seconds": time.toFixed(2), "ms/epoch": ((1000 * time) / history.length).toFixed(1),
    "validation errors": valid, "test errors of 2000": test,
  })));
  const learned = Object.fromEntries(["SimpleRecurrent", "GatedRecurrent", "Lstm"].map((kind) =>
    [kind, runs.filter((run) => run.kind === kind && run.valid === 0).length]));
  for (const [kind, count] of Object.entries(learned)) reached(`${kind} learned`, count, `of ${seeds}`);
  return { runs, learned };
}

await program(import.meta, main, { seeds: { type: "number", help: "run so many seeds, 1 unless given" } });
