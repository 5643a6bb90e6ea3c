/**
 * Simple, gated and LSTM units compared on sequential exclusive or: learned on short sequences, tested on long ones.
 *
 * The label of each step is the parity of all bits so far. Settings are those of Flimsy.jl: 5 hidden units, 50 sequences of 5 to 20 steps to
 * train on, 20 to validate, 20 of 100 steps to test; gradient descent at 0.1 with clipping by norm, until no validation label is wrong
 * or for 200 epochs. One run says little, as luck in the beginning decides much: `--seeds 10` runs ten.
 */

import { Component, checkGradients, evaluate, GradientDescent, Random, seed, type Variable } from "flimsy-ml";
import { GatedRecurrent, Lstm, type Recurrent, SimpleRecurrent, SoftmaxRegression } from "flimsy-ml/components";
import { XorTask } from "flimsy-ml/synthetic";
import { fit, type History, report } from "flimsy-ml/train";
import { type Options, program, reached, table } from "./common.ts";

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

/** Trains until no validation label is wrong. */
function train(θ: Tagger, data: Sequences, valid: Sequences, epochs: number, random: Random): Promise<History> {
  return fit(θ, {
    data: () => random.shuffle([...data]), // each batch is one sequence
    cost: ({ x, y }) => θ.cost(x, y),
    optimizer: new GradientDescent(θ, { learningRate: 0.1, clip: { norm: 1 } }),
    epochs,
    validate: () => ({ errors: errors(θ, valid) }),
    until: ({ validation }) => validation?.errors === 0,
    progress: "none",
  });
}

/** One run of each kind on the same data. */
async function compare(n: number, epochs: number, check: boolean) {
  seed(n);
  const task = new XorTask([5, 20]);
  const [data, valid, test] = [task.sample(50), task.sample(20), new XorTask(100).sample(20)];
  const runs = [];
  for (const Kind of [SimpleRecurrent, GatedRecurrent, Lstm]) {
    const θ = new Tagger(new Kind({ inputs: task.features, outputs: 5 }), task.classes);
    if (check) console.log(`${Kind.name}: ${checkGradients(() => θ.cost(data[0].x, data[0].y), θ)}`);
    const history = await train(θ, data, valid, epochs, new Random(n));
    runs.push({ seed: n, kind: Kind.name, history, valid: errors(θ, valid), test: errors(θ, test) });
  }
  return runs;
}

interface ComparisonOptions extends Options {
  /** How many seeds to run. */
  readonly seeds?: number;
  /** Where to write a page with the curves of the first seed. */
  readonly page?: string;
}

export async function main({ check = false, quick = false, seed: first = 1, seeds = 1, page }: ComparisonOptions = {}) {
  const runs: Awaited<ReturnType<typeof compare>> = [];
  for (let n = first; n < first + seeds; n++) runs.push(...await compare(n, quick ? 60 : 200, check && n === first));
  table(runs.map(({ seed, kind, history: { epochs, seconds, parameters }, valid, test }) => ({
    seed, kind, parameters, epochs: epochs.length, "seconds": seconds.toFixed(2), "ms/epoch": ((1000 * seconds) / epochs.length).toFixed(1),
    "validation errors": valid, "test errors of 2000": test,
  })));
  const learned = Object.fromEntries(["SimpleRecurrent", "GatedRecurrent", "Lstm"].map((kind) =>
    [kind, runs.filter((run) => run.kind === kind && run.valid === 0).length]));
  for (const [kind, count] of Object.entries(learned)) reached(`${kind} learned`, count, `of ${seeds}`);
  if (page !== undefined) report(page, Object.fromEntries(runs.slice(0, 3).map(({ kind, history }) => [kind, history])), { title: "Sequential XOR" });
  return { runs, learned };
}

await program(import.meta, main, {
  seeds: { type: "number", help: "run so many seeds, 1 unless given" },
  page: { type: "string", help: "write a page with the curves of the first seed to this file" },
});
